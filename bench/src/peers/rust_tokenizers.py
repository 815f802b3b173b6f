"""Hugging Face's tokenizers on one thread: trains a WordPiece vocabulary of a file, and encodes its lines with it.

Usage: rust_tokenizers.py INPUT SIZE. Encodings are made and let go; nothing is stored. Answers with a line of JSON.
"""

import json
import os
import resource
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

try:
    import tokenizers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()

lines_of_a_batch = 1000


def batches(path):
    batch = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = line.strip()
            if text:
                batch.append(text)
            if len(batch) == lines_of_a_batch:
                yield batch
                batch = []
    if batch:
        yield batch


def main():
    text, size = sys.argv[1], int(sys.argv[2])
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    begun = time.process_time()
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=2, special_tokens=special, show_progress=False
    )
    tokenizer.train([text], trainer)
    trained = time.process_time()
    tokens = 0
    for batch in batches(text):
        tokens += sum(len(encoding) for encoding in tokenizer.encode_batch_fast(batch))
    ended = time.process_time()
    report = {
        "name": f"tokenizers {tokenizers.__version__}, one thread",
        "cpuSeconds": {"train": trained - begun, "tokenise": ended - trained, "whole": ended - begun},
        "numTokens": tokens,
        "vocabularySize": tokenizer.get_vocab_size(),
        "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report), flush=True)


main()
