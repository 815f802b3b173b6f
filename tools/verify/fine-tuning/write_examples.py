"""Writes libs/data/test/golden/fine-tuning.json: made-up rows, and the features that transformers makes of them.

    pip install "transformers<5" torch numpy
    python3 tools/verify/fine-tuning/write_examples.py

Seeded: the same releases write the same bytes. squad_convert_example_to_features is that of google-research/bert.
"""

import json
import logging
import random
import tempfile
from pathlib import Path
from types import SimpleNamespace

from transformers import BertTokenizer, BertTokenizerFast
from transformers.data.metrics.squad_metrics import compute_predictions_logits
from transformers.data.processors import squad

logging.disable(logging.WARNING)
GOLDEN = Path(__file__).resolve().parents[3] / "libs/data/test/golden/fine-tuning.json"
NUM_CASES = 250

STEMS = "the cat sat on a mat in paris and rome while smith made wine from old vines near sea".split()
PIECES = ["##s", "##ing", "##ed", "##er", "##land", "##1", "##9"]
MARKS = list(",.!?'()-$%") + ["“", "”", "中", "文", "1", "9", "18", "naive", "ecole"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *STEMS, *PIECES, *MARKS]


def word(rng):
    stem = rng.choice(STEMS)
    if rng.random() < 0.3:
        stem += rng.choice(["s", "ing", "er", "land", "s1", "91"])
    if rng.random() < 0.2:
        stem = stem.capitalize()
    if rng.random() < 0.1:
        stem = rng.choice(["Naïve", "École", "中文", "1899", "zzz", "naïves"])
    if rng.random() < 0.2:
        stem = rng.choice(["({})", "“{}”", "{},", "{}.", "${}", "{}'s", "{}-19"]).format(stem)
    return stem


def text(rng, least, most):
    return " ".join(word(rng) for _ in range(rng.randint(least, most)))


def utf16(value, index):
    return len(value[:index].encode("utf-16-le")) // 2


def offsets(rng, fast):
    cases = []
    for _ in range(NUM_CASES):
        raw = text(rng, 1, 8) + rng.choice(["", " 😀 cat", "\t\u00a0mat\n", "\u200bcat", "cats中mat"])
        encoded = fast(raw, add_special_tokens=False, return_offsets_mapping=True)
        spans = [utf16(raw, at) for span in encoded["offset_mapping"] for at in span]
        cases.append([raw, encoded["input_ids"], spans])
    return cases


def pairs(rng, slow):
    cases = []
    for _ in range(NUM_CASES):
        a, b = text(rng, 1, 12), text(rng, 1, 12) if rng.random() < 0.7 else None
        most = rng.randint(5, 24)
        encoded = slow(a, b, truncation="longest_first", max_length=most)
        cases.append([most, a, b, encoded["input_ids"], encoded["token_type_ids"].index(1) if 1 in encoded["token_type_ids"] else len(encoded["input_ids"])])
    return cases


def tags(rng, fast):
    """As the alignment of run_ner.py: the first piece of a word has its label, the others -100."""
    cases = []
    for _ in range(NUM_CASES):
        words = [word(rng) if rng.random() < 0.97 else "\u200b" for _ in range(rng.randint(1, 10))]
        labels = [rng.randrange(5) for _ in words]
        most = rng.randint(5, 24)
        encoded = fast(words, is_split_into_words=True, truncation=True, max_length=most)
        before, aligned = None, []
        for index in encoded.word_ids():
            aligned.append(-100 if index is None or index == before else labels[index])
            before = index
        cases.append([most, words, labels, encoded["input_ids"], aligned])
    return cases


def answer_of(rng, context):
    """Some words, without what stands around them; there only once, so that no heuristic has to choose."""
    words = context.split(" ")
    for _ in range(20):
        first = rng.randrange(len(words))
        answer = " ".join(words[first : first + rng.randint(1, 3)]).strip("(),.“”$-'")
        start = context.find(answer)
        around = context[max(0, start - 1) : start] + context[start + len(answer) : start + len(answer) + 1]
        if answer and context.count(answer) == 1 and not any(c.isalnum() for c in around):
            return answer, start
    return None


def windows(rng, slow):
    cases = []
    squad.squad_convert_example_to_features_init(slow)
    while len(cases) < NUM_CASES:
        context, question = text(rng, 3, 30), text(rng, 1, 8)
        found = answer_of(rng, context) if rng.random() < 0.8 else ("", None)
        if found is None:
            continue
        answer, start = found
        max_query = rng.randint(3, 8)
        most, stride = max_query + rng.randint(8, 30), rng.randint(2, 5)
        example = squad.SquadExample("q", question, context, answer or None, start, "", answers=[], is_impossible=start is None)
        features = squad.squad_convert_example_to_features(example, most, stride, max_query, "max_length", True)
        if len(features) > 6:
            continue
        cases.append(
            {
                "settings": [most, stride, max_query],
                "question": question,
                "context": context,
                "answer": None if start is None else [answer, start],
                "windows": [
                    [
                        f.input_ids[: sum(f.attention_mask)],
                        f.token_type_ids.index(1),
                        f.start_position,
                        f.end_position,
                        "".join(str(int(f.token_is_max_context[k])) for k in sorted(f.token_is_max_context)),
                    ]
                    for f in features
                ],
            }
        )
    return cases


def choices(rng, slow):
    """Answers chosen from random logits, on contexts of whole words: there the heuristic for the text is exact."""
    squad.squad_convert_example_to_features_init(slow)
    cases = []
    while len(cases) < NUM_CASES:
        context = " ".join(rng.choice(STEMS).capitalize() if rng.random() < 0.3 else rng.choice(STEMS) for _ in range(rng.randint(3, 14)))
        question = rng.choice(STEMS)
        may_have_none = rng.random() < 0.5
        most, stride, num_best, longest = rng.randint(9, 16), rng.randint(2, 5), rng.randint(3, 8), rng.randint(1, 6)
        example = squad.SquadExample("q", question, context, None, None, "", answers=[], is_impossible=True)
        features = squad.squad_convert_example_to_features(example, most, stride, 4, "max_length", False)
        results, logits = [], []
        for unique, feature in enumerate(features):
            feature.unique_id, feature.example_index = unique, 0
            starts, ends = ([round(rng.gauss(0, 2), 2) for _ in feature.tokens] for _ in range(2))
            if rng.random() < 0.5:
                starts[0], ends[0] = 5 + starts[0], 5 + ends[0]
            logits.append([starts, ends])
            padding = [-1e4] * (most - len(starts))
            results.append(SimpleNamespace(unique_id=unique, start_logits=starts + padding, end_logits=ends + padding))
        with tempfile.TemporaryDirectory() as folder:
            nbest_file, odds_file = f"{folder}/nbest", f"{folder}/odds"
            text_of = compute_predictions_logits([example], features, results, num_best, longest, True, None, nbest_file, odds_file, False, may_have_none, 0.5, slow)["q"]
            nbest = json.load(open(nbest_file))["q"]
            odds = json.load(open(odds_file))["q"] if may_have_none else None
        if any(entry["text"] == "empty" for entry in nbest):
            continue
        best = [[entry["text"], float(f"{entry['probability']:.9g}")] for entry in nbest]
        cases.append([[most, stride, num_best, longest, may_have_none], question, context, logits, text_of, odds and float(f"{odds:.9g}"), best])
    return cases


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/vocab.txt"
        Path(path).write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
        slow, fast = BertTokenizer(path), BertTokenizerFast(path)
        parts = {
            "offsets": offsets(random.Random(0), fast),
            "pairs": pairs(random.Random(1), slow),
            "tags": tags(random.Random(2), fast),
            "windows": windows(random.Random(3), slow),
            "choices": choices(random.Random(4), slow),
        }
    lines = [f'"vocabulary":{json.dumps(VOCABULARY, ensure_ascii=False)}']
    for name, cases in parts.items():
        rows = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        lines.append(f'"{name}":[\n{rows}\n]')
    GOLDEN.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    print(GOLDEN.stat().st_size, {name: len(cases) for name, cases in parts.items()})


main()
