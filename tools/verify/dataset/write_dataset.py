"""Writes a dataset that berth trains on, with Python's standard library alone. docs/dataset-format.md says what each byte is.

write_dataset(folder, vocab_path, documents): documents are pairs of sentences as text and as lists of token ids.
"""
import hashlib, json, os, struct

MAGIC = b"bert-doc"


def write_dataset(folder, vocab_path, documents, *, num_shards=16, held_out_ratio=0.02, lower_case=True):
    vocab = open(vocab_path, "rb").read()
    num_entries = len(vocab.decode().rstrip("\n").split("\n"))
    code, width = ("H", 2) if num_entries <= 65536 else ("I", 4)
    shards = {("held-out", 0): {}}
    for number, (texts, sentences) in enumerate(documents):
        sentences = [ids for ids in sentences if ids]
        if not sentences:
            continue
        digest = hashlib.sha256("\n".join(texts).encode()).digest()[:16]
        first, last = struct.unpack(">I8xI", digest)
        place = ("held-out", 0) if last < held_out_ratio * 2**32 else ("train", first * num_shards >> 32)
        ids = [i for sentence in sentences for i in sentence]
        record = digest + struct.pack(f"<{1 + len(sentences)}I", len(sentences), *map(len, sentences))
        record += struct.pack(f"<{len(ids)}{code}", *ids)
        # Equal documents are one: the first.
        record += bytes(-len(record) % 4)
        shards.setdefault(place, {}).setdefault(digest, (record, len(sentences), ids, number))
    counts = [0] * num_entries
    parts = {name: [(place, shards[place]) for place in sorted(shards) if place[0] == name] for name in ("train", "held-out")}
    files = {"vocab.txt": vocab}
    described = {"train": [], "held-out": []}
    for name, of_split in parts.items():
        for (_, number), by_digest in of_split:
            all_records = [by_digest[digest] for digest in sorted(by_digest)]
            facts = (len(all_records), sum(r[1] for r in all_records), sum(len(r[2]) for r in all_records))
            header = MAGIC + struct.pack("<6I", 2, width, 0, 0, 0, 0)
            body = b"".join(r[0] for r in all_records)
            file = f"{name}-{number:05}.bdoc"
            files[file] = header + body + struct.pack("<3I", *facts) + MAGIC[4:]
            # No names; where each document stands in the corpus, as one chunk.
            files[names_of(file)] = "".join(f"[null,0,{r[3]}]\n" for r in all_records).encode()
            described[name].append((file, dict(zip(("numDocuments", "numSentences", "numTokens"), facts))))
            for r in all_records if name == "train" else []:
                for i in r[2]:
                    counts[i] += 1
    files["token-counts.json"] = json.dumps(counts, separators=(",", ":")).encode()
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    dataset_id = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()

    def part(file):
        return {"key": f"datasets/{dataset_id}/{file}", "sizeBytes": len(files[file]), "sha256": digests[file]}

    def shard(file, facts):
        return {**part(file), **facts, "names": part(names_of(file))}

    manifest = {
        "format": "berth-dataset/3", "datasetId": dataset_id, "corpusDigest": dataset_id,
        "vocabulary": {**part("vocab.txt"), "numTokens": num_entries}, "tokenCounts": part("token-counts.json"),
        "doLowerCase": lower_case, "heldOutRatio": held_out_ratio,
        "train": [shard(file, facts) for file, facts in described["train"]],
        "heldOutShards": [shard(file, facts) for file, facts in described["held-out"]],
    }
    target = os.path.join(folder, "datasets", dataset_id)
    os.makedirs(target, exist_ok=True)
    # The manifest comes last: a dataset is there once it is.
    for file, content in [*files.items(), ("manifest.json", json.dumps(manifest).encode())]:
        with open(os.path.join(target, file), "wb") as out:
            out.write(content)
    return f"datasets/{dataset_id}/manifest.json"


def names_of(file):
    return file.replace(".bdoc", ".names.jsonl")


if __name__ == "__main__":
    import sys

    folder, vocab_path, num_shards, held_out_ratio = sys.argv[1:]
    lines = (json.loads(line) for line in sys.stdin)
    options = {"num_shards": int(num_shards), "held_out_ratio": float(held_out_ratio)}
    print(write_dataset(folder, vocab_path, ((line["text"], line["ids"]) for line in lines), **options))
