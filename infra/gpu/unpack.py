"""Puts the pieces of pack.mjs together again: unpack.py PIECES TARGET. Needs Python only.

Every chunk is checked before an archive is opened. An archive of which chunks are missing is left out and named; the exit code is 1
when it is one that nothing works without. What is unpacked already is left alone.
"""

import hashlib
import json
import lzma
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Chunks:
    """The chunks of an archive as one file to read."""

    def __init__(self, files):
        self.files = list(files)
        self.open = None

    def read(self, size=-1):
        while True:
            if self.open is None:
                if not self.files:
                    return b""
                self.open = self.files.pop(0).open("rb")
            data = self.open.read(size)
            if data:
                return data
            self.open.close()
            self.open = None


def is_sound(file, chunk):
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == chunk["sha256"]


def unpack(archive, pieces, target):
    """Why it could not be unpacked; None when it is."""
    mark = target / ".gpu/unpacked" / archive["name"]
    digest = hashlib.sha256(json.dumps(archive["chunks"]).encode()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return None
    files = [(pieces / chunk["file"], chunk) for chunk in archive["chunks"]]
    bad = [chunk["file"] for file, chunk in files if not is_sound(file, chunk)]
    if bad:
        return f"{len(bad)} of {len(files)} chunks are missing or damaged, first {bad[0]}"
    with lzma.open(Chunks(file for file, _ in files)) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            if hasattr(tarfile, "fully_trusted_filter"):
                tar.extraction_filter = tarfile.fully_trusted_filter
            tar.extractall(target)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)
    return None


def main():
    pieces, target = Path(sys.argv[1]), Path(sys.argv[2])
    manifests = sorted(pieces.glob("*/manifest.json"))
    if not manifests:
        sys.exit(f"{pieces} holds no piece")
    archives = json.loads(manifests[-1].read_text())["archives"]
    start = time.monotonic()
    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(lambda one: unpack(one, pieces, target), archives))
    for archive, reason in zip(archives, reasons):
        print(f"unpack    {archive['name']}: {reason or 'there'}")
    print(f"unpack    took {time.monotonic() - start:.0f} s")
    if any(reason and archive["isNeeded"] for archive, reason in zip(archives, reasons)):
        sys.exit(1)


main()
