"""Writes libs/metrics/test/golden: random cases, and what scikit-learn, SciPy, seqeval and the evaluation of SQuAD say.

    pip install scikit-learn scipy seqeval transformers
    python3 tools/verify/fine-tuning/write_metrics.py

Seeded: the same releases write the same bytes. transformers.data.metrics.squad_metrics is the official script of SQuAD 2.0.
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
from seqeval.scheme import IOB1, IOB2, IOBES
from sklearn import metrics
from transformers.data.metrics import squad_metrics

warnings.filterwarnings("ignore")
NUM_CASES = 1000
GOLDEN = Path(__file__).resolve().parents[3] / "libs/metrics/test/golden"


def short(value):
    """Ten digits; null for NaN."""
    value = float(value)
    return None if math.isnan(value) else int(value) if value == int(value) else float(f"{value:.10g}")


def write(name, cases, **others):
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    head = "".join(f"{json.dumps(key)}:{json.dumps(value, ensure_ascii=False)},\n" for key, value in others.items())
    (GOLDEN / name).write_text(f'{{{head}"cases":[\n{lines}\n]}}\n', encoding="utf-8")


def digits(values):
    return "".join(map(str, values))


def some(rng, n, num_classes):
    """Classes; now and then few of them."""
    width = rng.randint(1, num_classes)
    return [rng.randrange(width) if rng.random() < 0.9 else rng.randrange(num_classes) for _ in range(n)]


def classification(rng):
    cases = []
    for _ in range(NUM_CASES):
        num_classes = rng.randint(2, 5)
        n = rng.randint(1, 20)
        truth = some(rng, n, num_classes)
        noise = rng.random()
        predicted = [p if rng.random() < noise else t for t, p in zip(truth, some(rng, n, num_classes))]
        scores = [metrics.precision_recall_fscore_support(truth, predicted, average=a, zero_division=0)[:3] for a in ("macro", "micro", "weighted")]
        binary = metrics.f1_score([int(t == 1) for t in truth], [int(p == 1) for p in predicted], zero_division=0)
        cases.append(
            [num_classes, digits(truth), digits(predicted)]
            + [short(x) for x in (metrics.accuracy_score(truth, predicted), metrics.matthews_corrcoef(truth, predicted), binary)]
            + [short(x) for score in scores for x in score]
        )
    write("classification.json", cases, columns=["numClasses", "truth", "predicted", "accuracy", "matthews", "f1 of class 1", "precision, recall, f1: macro, micro, weighted"])


def several_labels(rng):
    cases = []
    for _ in range(NUM_CASES):
        num_labels = rng.randint(2, 4)
        n = rng.randint(1, 6)
        share = rng.random()
        truth = np.array([[int(rng.random() < share) for _ in range(num_labels)] for _ in range(n)])
        predicted = np.array([[b if rng.random() < 0.7 else int(rng.random() < share) for b in row] for row in truth.tolist()])
        scores = [metrics.precision_recall_fscore_support(truth, predicted, average=a, zero_division=0)[:3] for a in ("macro", "micro", "weighted")]
        rows = [" ".join(map(digits, side.tolist())) for side in (truth, predicted)]
        cases.append([num_labels, *rows, short(metrics.accuracy_score(truth, predicted))] + [short(x) for score in scores for x in score])
    write("several-labels.json", cases, columns=["numLabels", "truth", "predicted", "all right", "precision, recall, f1: macro, micro, weighted"])


def correlation(rng):
    cases = []
    for _ in range(NUM_CASES):
        n = rng.randint(2, 9)
        draw = rng.choice([lambda: rng.randint(0, 4), lambda: round(rng.gauss(0, 2), 2), lambda: float(f"{rng.gauss(1e6, 10):.8g}"), lambda: 3])
        a = [draw() for _ in range(n)]
        b = [x if rng.random() < 0.4 else draw() for x in a]
        if rng.random() < 0.2:
            b = [-x for x in b]
        cases.append([a, b, short(scipy.stats.pearsonr(a, b)[0]), short(scipy.stats.spearmanr(a, b)[0])])
    write("correlation.json", cases, columns=["a", "b", "pearson", "spearman"])


def tags_of(rng, scheme, n):
    """Mostly well-formed tags of a scheme."""
    tags = []
    while len(tags) < n:
        kind = rng.choice(["P", "L", "O-X"] if rng.random() < 0.1 else ["P", "L"])
        length = rng.randint(1, 3)
        if rng.random() < 0.4:
            tags.append("O")
        elif scheme == "IOBES":
            tags += ["S-" + kind] if length == 1 else ["B-" + kind] + ["I-" + kind] * (length - 2) + ["E-" + kind]
        elif scheme == "IOB2":
            tags += ["B-" + kind] + ["I-" + kind] * (length - 1)
        else:
            follows = tags and tags[-1][1:] == "-" + kind
            tags += ["B-" + kind if follows else "I-" + kind] + ["I-" + kind] * (length - 1)
    return tags[:n]


def entities(rng):
    schemes = {"IOB1": IOB1, "IOB2": IOB2, "IOBES": IOBES}
    cases = []
    for _ in range(NUM_CASES):
        scheme = rng.choice(list(schemes))
        prefixes = {"IOB1": "BI", "IOB2": "BI", "IOBES": "BIES"}[scheme]
        any_tag = lambda: rng.choice(["O", rng.choice(prefixes) + "-" + rng.choice("PL"), rng.choice(prefixes)])
        truth = [tags_of(rng, scheme, rng.randint(1, 5)) for _ in range(rng.randint(1, 3))]
        noise = rng.random() * 0.6
        predicted = [[any_tag() if rng.random() < noise else tag for tag in tags] for tags in truth]
        if rng.random() < 0.2:
            truth = [[any_tag() if rng.random() < 0.3 else tag for tag in tags] for tags in truth]
        row = ["BIOES" if scheme == "IOBES" else scheme, *(" | ".join(map(" ".join, side)) for side in (truth, predicted))]
        row.append(short(entity_metrics.accuracy_score(truth, predicted)))
        for options in ({}, {"mode": "strict", "scheme": schemes[scheme]}):
            report = entity_metrics.classification_report(truth, predicted, output_dict=True, zero_division=0, **options)
            averages = [report.pop(f"{a} avg") for a in ("micro", "macro", "weighted")]
            if not report:
                row.append(None)
                continue
            f1s = [short(a[k]) for a in averages for k in ("precision", "recall", "f1-score")]
            table = {name: [short(s[k]) for k in ("precision", "recall", "support")] for name, s in report.items()}
            row.append([*f1s, table])
        cases.append(row)
    write("entities.json", cases, columns=["scheme", "truth", "predicted", "word accuracy", "as conlleval: precision, recall, f1: micro, macro, weighted; by type", "the same, strict"])


WORDS = ["the", "The", "a", "An", "an", "cat", "cats", "Cat", "1,000", "U.S.", "St.", "theatre", "the_a", "naïve", "ÉCOLE", "ΣΟΦΟΣ", "a\u00a0b", "o'clock", "(1895)", "—", "“the”", "a-b", "中文", "२", "x²", "a\u0301", "\u3000", "%", "-", "", "İ", "ẞ", "the\u2009end", "a\u001cb"]


def answers(rng):
    text = lambda: rng.choice([" ", " ", "  ", "\t"]).join(rng.choice(WORDS) for _ in range(rng.randint(0, 5)))
    cases = []
    for _ in range(NUM_CASES):
        gold = text()
        pred = text() if rng.random() < 0.3 else " ".join(w if rng.random() < 0.7 else rng.choice(WORDS) for w in gold.split(" "))
        cases.append([gold, pred, squad_metrics.normalize_answer(gold), squad_metrics.compute_exact(gold, pred), short(squad_metrics.compute_f1(gold, pred))])
    write("answers.json", cases, columns=["truth", "predicted", "truth, normalised", "exact", "f1"])


TEXTS = ["", "the", "cat", "the cat", "a black cat", "black cat sat", "dog", "Dog!", "the dog ran away", "cat dog"]


def answer_reports(rng):
    cases = []
    for _ in range(NUM_CASES):
        versions = rng.choice(["1.1", "2.0", "2.0"])
        questions = []
        for _ in range(rng.randint(1, 5)):
            gold = [] if versions == "2.0" and rng.random() < 0.4 else [rng.randrange(1, len(TEXTS)) for _ in range(rng.randint(1, 3))]
            pred = gold[0] if gold and rng.random() < 0.4 else 0 if rng.random() < 0.3 else rng.randrange(len(TEXTS))
            questions.append([gold, pred, round(rng.random(), 1)])
        threshold = rng.choice([1, 0.5])
        examples = [SimpleNamespace(qas_id=i, answers=[{"text": TEXTS[g]} for g in gold]) for i, (gold, _, _) in enumerate(questions)]
        report = squad_metrics.squad_evaluate(
            examples,
            {i: TEXTS[pred] for i, (_, pred, _) in enumerate(questions)},
            {i: score for i, (_, _, score) in enumerate(questions)},
            threshold,
        )
        names = ["exact", "f1", "HasAns_exact", "HasAns_f1", "HasAns_total", "NoAns_exact", "NoAns_f1", "NoAns_total", "best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"]
        cases.append([threshold, questions, *(short(report[name]) if name in report else None for name in names)])
    write("answer-reports.json", cases, texts=TEXTS, columns=["threshold", "answers, predicted, score of no answer, of each question", *names])


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for seed, make in enumerate([classification, several_labels, correlation, entities, answers, answer_reports]):
        make(random.Random(seed))
    sys.stdout.write("".join(f"{path.name} {path.stat().st_size}\n" for path in sorted(GOLDEN.iterdir())))


main()
