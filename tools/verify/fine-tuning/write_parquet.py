"""Writes libs/data/test/golden/*.parquet: small files as `datasets` and pandas write them, in groups of two rows.

    pip install pyarrow
    python3 tools/verify/fine-tuning/write_parquet.py
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

GOLDEN = Path(__file__).resolve().parents[3] / "libs/data/test/golden"

pairs = {
    "sentence1": ["A cat.", "Ein Hund – 😀", "wine"],
    "sentence2": ["A dog.", "Zwei", "old wine"],
    "label": pa.array([1, 0, 2], pa.int64()),
    "score": pa.array([0.5, 3.25, None], pa.float64()),
}
sentences = {"tokens": [["a", "cat"], ["Rome"]], "ner_tags": pa.array([[0, 0], [2]], pa.list_(pa.int64()))}
answers = pa.array(
    [{"text": ["cat"], "answer_start": [2]}, {"text": [], "answer_start": []}],
    pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))]),
)
questions = {"id": ["q1", "q2"], "context": ["a cat", "a cat"], "question": ["what", "who"], "answers": answers}

for name, columns, compression in [("pairs-snappy", pairs, "snappy"), ("pairs-zstd", pairs, "zstd"), ("sentences-gzip", sentences, "gzip"), ("questions-none", questions, "none")]:
    pq.write_table(pa.table(columns), GOLDEN / f"{name}.parquet", compression=compression, row_group_size=2)
