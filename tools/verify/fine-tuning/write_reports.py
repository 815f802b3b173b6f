"""Writes libs/training/test/golden/reports.json: made-up outputs of heads, and what scikit-learn, SciPy, seqeval and the evaluation of SQuAD say of them.

    pip install scikit-learn scipy seqeval "transformers<5" torch
    python3 tools/verify/fine-tuning/write_reports.py

Seeded: the same releases write the same bytes.
"""

import json
import math
import random
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import scipy.stats
import seqeval.metrics as entity_metrics
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from transformers.data.metrics import squad_metrics

warnings.filterwarnings("ignore")
GOLDEN = Path(__file__).resolve().parents[3] / "libs/training/test/golden/reports.json"
NUM_CASES = 30


def short(value):
    value = float(value)
    return None if math.isnan(value) else float(f"{value:.10g}")


def shorts(values):
    return {name: short(value) for name, value in values.items()}


def logits_of(rng, truths, width, noise):
    """Of two digits, no two of a row equal; mostly right."""
    rows = []
    for truth in truths:
        row = [value / 100 for value in rng.sample(range(-300, 300), width)]
        if rng.random() > noise:
            largest = row.index(max(row))
            row[largest], row[truth] = row[truth], row[largest]
        rows.append(row)
    return rows


def predicted(rows):
    return [row.index(max(row)) for row in rows]


def table(truth, guess, number):
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, guess, labels=range(number), zero_division=0)
    return [[short(x) for x in row] for row in zip(precision, recall, f1, support)]


def classify_scores(truth, guess, number):
    scores = {
        "classify_accuracy": metrics.accuracy_score(truth, guess),
        "classify_f1_macro": metrics.f1_score(truth, guess, average="macro", zero_division=0),
        "classify_matthews": metrics.matthews_corrcoef(truth, guess),
    }
    if number == 2:
        scores["classify_f1_binary"] = metrics.f1_score(truth, guess, pos_label=1, zero_division=0)
    return scores


def most_frequent(truth):
    return DummyClassifier(strategy="most_frequent").fit(np.zeros((len(truth), 1)), truth).predict(np.zeros((len(truth), 1)))


def classify(rng):
    number = rng.randint(2, 4)
    truth = [rng.randrange(number) for _ in range(rng.randint(1, 30))]
    rows = logits_of(rng, truth, number, rng.random())
    guess = predicted(rows)
    baseline = classify_scores(truth, most_frequent(truth), number)
    del baseline["classify_matthews"]
    return {
        "labels": number,
        "truth": truth,
        "logits": rows,
        "metrics": shorts(classify_scores(truth, guess, number)),
        "baselines": shorts(baseline),
        "scores": table(truth, guess, number),
        "confusion": metrics.confusion_matrix(truth, guess, labels=range(number)).tolist(),
    }


def many_scores(truth, guess):
    return {
        "classify_accuracy": metrics.accuracy_score(truth, guess),
        "classify_f1_micro": metrics.f1_score(truth, guess, average="micro", zero_division=0),
        "classify_f1_macro": metrics.f1_score(truth, guess, average="macro", zero_division=0),
    }


def classify_many(rng):
    number = rng.randint(2, 4)
    share = rng.random()
    truth = np.array([[int(rng.random() < share) for _ in range(number)] for _ in range(rng.randint(1, 15))])
    rows = [[(1 if (bit == 1) == (rng.random() < 0.8) else -1) * rng.randint(1, 300) / 100 for bit in row] for row in truth.tolist()]
    guess = (np.array(rows) > 0).astype(int)
    usual = np.tile((truth.mean(0) > 0.5).astype(int), (len(truth), 1))
    scores = metrics.precision_recall_fscore_support(truth, guess, average=None, zero_division=0)
    return {
        "labels": number,
        "truth": truth.tolist(),
        "logits": rows,
        "metrics": shorts(many_scores(truth, guess)),
        "baselines": shorts(many_scores(truth, usual)),
        "scores": [[short(x) for x in row] for row in zip(*scores)],
    }


def regress(rng):
    truth = [rng.randint(0, 20) / 4 for _ in range(rng.randint(3, 30))]
    noise = rng.random() * 3
    rows = [round(t + rng.gauss(0, noise), 2) for t in truth]
    if rng.random() < 0.1:
        rows = [1.5] * len(rows)
    said = np.float32(rows).astype(float)
    return {
        "truth": truth,
        "logits": rows,
        "metrics": shorts(
            {
                "regress_loss": metrics.mean_squared_error(truth, said),
                "regress_pearson": scipy.stats.pearsonr(truth, said)[0],
                "regress_spearman": scipy.stats.spearmanr(truth, said)[0],
            }
        ),
        "baselines": shorts({"regress_loss": np.var(truth)}),
    }


def sentences(rng, labels, unseen):
    """Words of two pieces each, the first of which has the tag; the end of some sentences is cut off."""
    cases = []
    noise = rng.random()
    for _ in range(rng.randint(1, 6)):
        tags = [rng.randrange(len(labels)) for _ in range(rng.randint(1, 8))]
        cut = rng.randint(1, len(tags)) if unseen and rng.random() < 0.5 else len(tags)
        cases.append((tags, logits_of(rng, tags[:cut], len(labels), noise)))
    return cases


def entities(rng):
    scheme = rng.choice(["IOB", "BIOES"])
    labels = sorted(["O", *(f"{p}-{k}" for p in ("BI" if scheme == "IOB" else "BIES") for k in ("LOC", "PER"))])
    cases = sentences(rng, labels, True)
    truth = [[labels[tag] for tag in tags] for tags, _ in cases]
    guess = [[labels[tag] for tag in predicted(rows)] + ["O"] * (len(tags) - len(rows)) for tags, rows in cases]
    seen = [(t, g) for (tags, rows) in cases for t, g in zip(tags, predicted(rows))]
    report = entity_metrics.classification_report(truth, guess, output_dict=True, zero_division=0)
    micro = report["micro avg"]
    rows = [[kind, *(short(report[kind][k]) for k in ("precision", "recall", "f1-score", "support"))] for kind in sorted(report) if not kind.endswith(" avg")]
    most = most_frequent([t for t, _ in seen])
    return {
        "labels": labels,
        "truth": [tags for tags, _ in cases],
        "logits": [rows for _, rows in cases],
        "metrics": shorts({"tag_accuracy": np.mean([t == g for t, g in seen]), "tag_f1": micro["f1-score"], "tag_precision": micro["precision"], "tag_recall": micro["recall"]}),
        "baselines": shorts({"tag_accuracy": np.mean([t == m for (t, _), m in zip(seen, most)])}),
        "scores": rows,
    }


def words(rng):
    labels = ["ADJ", "NOUN", "VERB"]
    cases = sentences(rng, labels, False)
    truth = [tag for tags, _ in cases for tag in tags]
    guess = [tag for _, rows in cases for tag in predicted(rows)]
    of = lambda guess: shorts({"tag_accuracy": metrics.accuracy_score(truth, guess), "tag_f1_macro": metrics.f1_score(truth, guess, average="macro", zero_division=0)})
    return {
        "labels": labels,
        "truth": [tags for tags, _ in cases],
        "logits": [rows for _, rows in cases],
        "metrics": of(guess),
        "baselines": of(most_frequent(truth)),
        "scores": [[label, *row] for label, row in zip(labels, table(truth, guess, 3))],
    }


NOUNS = "cat dog cow hen fox the a owl Cat cat, red".split()


def answers(rng):
    """Questions whose context is one window of words, a token each; the best answer is found by trying all."""
    has_none = rng.random() < 0.6
    questions, examples, texts, odds, raw = [], [], {}, {}, {}
    for number in range(rng.randint(1, 6)):
        context = " ".join(rng.choice(NOUNS) for _ in range(rng.randint(3, 8)))
        length = len(context.split(" "))
        gold = []
        for _ in range(0 if has_none and rng.random() < 0.4 else rng.randint(1, 2)):
            first = rng.randrange(length)
            gold.append([first, min(length - 1, first + rng.randint(0, 2))])
        starts, ends = ([value / 1e5 for value in rng.sample(range(-300_000, 300_000), length + 1)] for _ in range(2))
        if gold and rng.random() < 0.6:
            for values, at in ((starts, gold[0][0] + 1), (ends, gold[0][1] + 1)):
                largest = values.index(max(values))
                values[largest], values[at] = values[at], values[largest]
        questions.append([context, gold, starts, ends])
    has_none = any(not gold for _, gold, _, _ in questions)
    for number, (context, gold, starts, ends) in enumerate(questions):
        tokens = context.split(" ")
        spans = [(starts[i + 1] + ends[j + 1], i, j) for i in range(len(tokens)) for j in range(i, len(tokens))]
        score, first, last = max(spans, key=lambda span: span[0])
        surest = " ".join(tokens[first : last + 1])
        odds[number] = starts[0] + ends[0] - score if has_none else 0.0
        raw[number] = surest
        texts[number] = "" if odds[number] > 0 else surest
        examples.append(SimpleNamespace(qas_id=number, answers=[{"text": " ".join(tokens[a : b + 1])} for a, b in gold]))
    # What is answered at the threshold 0; and the best threshold of what would be answered.
    report = squad_metrics.squad_evaluate(examples, texts)
    best = squad_metrics.squad_evaluate(examples, raw, odds, 1e9)
    part = lambda name: [report[f"{name}_{key}"] / (1 if key == "total" else 100) for key in ("exact", "f1", "total")] if f"{name}_total" in report else None
    share = sum(not gold for _, gold, _, _ in questions) / len(questions)
    return {
        "questions": questions,
        "metrics": shorts({"answer_exact": report["exact"] / 100, "answer_f1": report["f1"] / 100}),
        "baselines": shorts({"answer_exact": share, "answer_f1": share}) if has_none else None,
        "hasAnswer": part("HasAns"),
        "noAnswer": part("NoAns"),
        "best": [short(best[f"best_{key}"] / 100) for key in ("exact", "f1")] if has_none else None,
    }


def main():
    parts = {}
    makers = {"classify": classify, "classify-many": classify_many, "regress": regress, "tag": entities, "tag-words": words, "answer": answers}
    for seed, (name, make) in enumerate(makers.items()):
        rng = random.Random(seed)
        parts[name] = [make(rng) for _ in range(NUM_CASES)]
    lines = []
    for name, cases in parts.items():
        rows = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
        lines.append(f'"{name}":[\n{rows}\n]')
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN.stat().st_size} {({name: len(cases) for name, cases in parts.items()})}\n")


main()
