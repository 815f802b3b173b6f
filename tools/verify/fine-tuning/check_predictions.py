"""Says of the rows in a folder's rows.jsonl what transformers says, with its own tokenizer, and compares it with predictions.jsonl.

python check_predictions.py FOLDER
"""
import json
import os
import sys

import torch
import transformers
from predictions import opened
from transformers import AutoTokenizer

folder = sys.argv[1]


def lines(name):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        return [json.loads(line) for line in file]


model = opened(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
kind = json.load(open(os.path.join(folder, 'kind.json'), encoding='utf-8'))
name_of = lambda number: model.config.id2label[number]


def run(*texts, **options):
    encoded = tokenizer(*texts, return_tensors='pt', **options)
    with torch.no_grad():
        return encoded, model(**encoded)


def best_answer(row, max_length=30, num_best=20):
    """As run_squad.py and postprocess_qa_predictions choose, equal texts once."""
    encoded, output = run(row['question'], row['context'], return_offsets_mapping=False)
    offsets = tokenizer(row['question'], row['context'], return_offsets_mapping=True)['offset_mapping']
    starts, ends = output.start_logits[0].double(), output.end_logits[0].double()
    in_context = [part == 1 for part in encoded.sequence_ids(0)]
    order = lambda logits: sorted(range(len(logits)), key=lambda i: (-logits[i].item(), i))[:num_best]
    found = [('', (starts[0] + ends[0]).item(), 0, 0)]
    for first in order(starts):
        for last in order(ends):
            if in_context[first] and in_context[last] and first <= last < first + max_length:
                start, end = offsets[first][0], offsets[last][1]
                found.append((row['context'][start:end], (starts[first] + ends[last]).item(), start, end))
    kept = {}
    for one in sorted(found, key=lambda one: -one[1]):
        if len(kept) < num_best:
            kept.setdefault(one[0], one)
    kept.setdefault('', found[0])
    scores = torch.tensor([one[1] for one in kept.values()], dtype=torch.float64)
    chances = dict(zip(kept, scores.softmax(0).tolist()))
    best = max((one for one in kept.values() if one[0] != ''), key=lambda one: one[1])
    chosen = best if best[1] >= found[0][1] else found[0]
    return {'answer': chosen[0], 'start': chosen[2], 'end': chosen[3]}, [chances[chosen[0]], chances['']]


def prediction(row):
    """What is predicted, and its probabilities."""
    if kind == 'answer':
        return best_answer(row)
    if kind == 'tag':
        encoded, output = run(row['words'], is_split_into_words=True)
        word_ids = encoded.word_ids()
        firsts = [word_ids.index(word) for word in range(len(row['words']))]
        chances = output.logits[0, firsts].double().softmax(-1)
        return {'tags': [name_of(i) for i in chances.argmax(-1).tolist()]}, chances.max(-1).values.tolist()
    texts = [row['text'], row['pair']] if 'pair' in row else [row['text']]
    logits = run(*texts)[1].logits[0].double()
    if kind == 'regress':
        return {}, logits.tolist()
    if kind == 'classify':
        return {'label': name_of(logits.argmax().item())}, logits.softmax(-1).tolist()
    return {'labels': [name_of(i) for i, value in enumerate(logits) if value > 0]}, logits.sigmoid().tolist()


def numbers(said):
    if kind == 'answer':
        return [said['probability'], said['noAnswerProbability']]
    if kind == 'tag':
        return said['probabilities']
    return [said['value']] if kind == 'regress' else [said['probabilities'][name_of(i)] for i in range(len(said['probabilities']))]


rows, predictions = lines('rows.jsonl'), lines('predictions.jsonl')
assert len(rows) == len(predictions)
differing, most = 0, 0.0
for row, said in zip(rows, predictions):
    names, chances = prediction(row)
    differing += any(said[key] != value for key, value in names.items())
    own = numbers(said)
    assert len(own) == len(chances)
    most = max([most, *(abs(a - b) for a, b in zip(own, chances))])
ok = differing == 0 and most < 1e-5
print(
    f"  {kind + ': predicted here, transformers ' + transformers.__version__:<44} of {len(rows)} {differing} differ, "
    f"probabilities by {most:.1e} at most  {'ok' if ok else 'DIFFERS'}",
    flush=True,
)
sys.exit(0 if ok else 1)
