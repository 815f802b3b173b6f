"""Writes a dataset that berth trains on, with Python's standard library alone. docs/dataset-format.md says what each byte is."""
import hashlib, json, os, struct, sys


def write_dataset(folder, vocab_path, documents, *, num_shards=16, held_out_ratio=0.02, lower_case=True):
    """documents: pairs of sentences as text and as lists of token ids, without special tokens."""
    with open(vocab_path, "rb") as file:
        vocab = file.read()
    num_entries = len(vocab.decode().rstrip("\n").split("\n"))
    code, width = ("H", 2) if num_entries <= 65536 else ("I", 4)
    shards = {("heldOutShards", 0): {}}
    for number, (texts, sentences) in enumerate(documents):
        sentences = [ids for ids in sentences if ids]
        ids = [i for sentence in sentences for i in sentence]
        digest = hashlib.sha256("\n".join(texts).encode()).digest()[:16]
        first, last = struct.unpack(">I8xI", digest)
        place = ("heldOutShards", 0) if last < held_out_ratio * 2**32 else ("train", first * num_shards >> 32)
        record = digest + struct.pack(f"<{1 + len(sentences)}I{len(ids)}{code}", len(sentences), *map(len, sentences), *ids)
        record += bytes(-len(record) % 4)
        if sentences:  # Equal documents are one: the first.
            shards.setdefault(place, {}).setdefault(digest, (record, len(sentences), len(ids), number))
    os.makedirs(folder, exist_ok=True)

    def put(name, content):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
        return {"key": name, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    manifest = {"format": "berth-dataset/3", "doLowerCase": lower_case, "heldOutRatio": held_out_ratio, "train": [], "heldOutShards": []}
    manifest["vocabulary"] = {**put("vocab.txt", vocab), "numTokens": num_entries}
    for (split, number), by_digest in sorted(shards.items()):
        records = [by_digest[digest] for digest in sorted(by_digest)]
        counts = [len(records), sum(r[1] for r in records), sum(r[2] for r in records)]
        header, footer = struct.pack("<8s6I", b"bert-doc", 2, width, 0, 0, 0, 0), struct.pack("<3I4s", *counts, b"-doc")
        name = f"{split}-{number:05}"
        part = put(f"{name}.bdoc", header + b"".join(r[0] for r in records) + footer)
        # No names; where each document stands in the corpus, as one chunk.
        names = put(f"{name}.names.jsonl", "".join(f"[null,0,{r[3]}]\n" for r in records).encode())
        manifest[split].append({**part, "names": names, **dict(zip(("numDocuments", "numSentences", "numTokens"), counts))})
    put("manifest.json", json.dumps(manifest).encode())  # Last: a dataset is there once it is.


if __name__ == "__main__":
    lines = map(json.loads, sys.stdin)
    target, vocabulary, shards_wanted, ratio = sys.argv[1:]
    pairs = ((line["text"], line["ids"]) for line in lines)
    write_dataset(target, vocabulary, pairs, num_shards=int(shards_wanted), held_out_ratio=float(ratio))
