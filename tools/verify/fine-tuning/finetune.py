"""Fine-tunes a small model with transformers on rows of its own, saves it, and measures it on others: test.jsonl and metrics.json.

python finetune.py FROM TO KIND   FROM has the shape and the tokenizer; needs scikit-learn, scipy and seqeval
"""
import json
import os
import random
import sys

os.environ['HF_HUB_OFFLINE'] = '1'

import torch
import transformers
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from transformers import AutoConfig, AutoTokenizer

source, target, kind = sys.argv[1:]
transformers.logging.set_verbosity_error()
torch.manual_seed(5)
random.seed(5)
tokenizer = AutoTokenizer.from_pretrained(source)
good, bad = 'good great free strong peace'.split(), 'bad war evil weak poor'.split()
others = 'the state of the union is and we are one nation people law of work'.split()
labels = {'classify': ['bad', 'good', 'mixed'], 'tag': ['O', 'B-GOOD', 'I-GOOD', 'B-BAD']}.get(kind)


def row():
    words = [random.choice(others) for _ in range(random.randint(3, 9))]
    num_good, num_bad = random.randint(0, 2), random.randint(0, 2)
    for word in random.choices(good, k=num_good) + random.choices(bad, k=num_bad):
        words.insert(random.randrange(len(words)), word)
    if kind == 'tag':
        tags, before = [], 'O'
        for word in words:
            tag = ('I-GOOD' if before.endswith('GOOD') else 'B-GOOD') if word in good else 'B-BAD' if word in bad else 'O'
            tags.append(tag)
            before = tag
        return {'tokens': words, 'tags': tags}
    text = ' '.join(words)
    if kind == 'regress':
        return {'text': text, 'score': num_good - num_bad + random.gauss(0, 0.3)}
    return {'text': text, 'label': 'good' if num_good > num_bad else 'bad' if num_bad > num_good else 'mixed'}


def encode(rows):
    if kind != 'tag':
        encoded = tokenizer([one['text'] for one in rows], padding=True, return_tensors='pt')
        truth = [one['score'] for one in rows] if kind == 'regress' else [labels.index(one['label']) for one in rows]
        return encoded, torch.tensor(truth)
    encoded = tokenizer([one['tokens'] for one in rows], is_split_into_words=True, padding=True, return_tensors='pt')
    truth = torch.full(encoded['input_ids'].shape, -100)
    for i, one in enumerate(rows):
        ids = encoded.word_ids(i)
        for word, tag in enumerate(one['tags']):
            truth[i, ids.index(word)] = labels.index(tag)
    return encoded, truth


config = AutoConfig.from_pretrained(source)
if labels is None:
    config.num_labels, config.problem_type = 1, 'regression'
else:
    config.id2label, config.label2id = dict(enumerate(labels)), {label: i for i, label in enumerate(labels)}
    config.problem_type = 'single_label_classification' if kind == 'classify' else None
config.initializer_range = 0.02
model = getattr(transformers, 'BertForTokenClassification' if kind == 'tag' else 'BertForSequenceClassification')(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.train()
for step in range(60):
    encoded, truth = encode([row() for _ in range(16)])
    model(**encoded, labels=truth).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.eval()
test = [row() for _ in range(200)]
encoded, truth = encode(test)
with torch.no_grad():
    logits = model(**encoded).logits
if kind == 'classify':
    said = logits.argmax(-1)
    metrics = {
        'classify_accuracy': accuracy_score(truth, said),
        'classify_f1_macro': f1_score(truth, said, average='macro'),
        'classify_matthews': matthews_corrcoef(truth, said),
    }
elif kind == 'regress':
    said = logits.squeeze(-1)
    metrics = {'regress_pearson': pearsonr(said, truth)[0], 'regress_spearman': spearmanr(said, truth)[0]}
else:
    said = [[labels[i] for i in row[mask].tolist()] for row, mask in zip(logits.argmax(-1), truth != -100)]
    metrics = {'tag_f1': entity_f1([one['tags'] for one in test], said)}
model.save_pretrained(target)
tokenizer.save_pretrained(target)
with open(os.path.join(target, 'test.jsonl'), 'w', encoding='utf-8') as file:
    file.writelines(json.dumps(one) + '\n' for one in test)
with open(os.path.join(target, 'metrics.json'), 'w', encoding='utf-8') as file:
    json.dump({name: float(value) for name, value in metrics.items()}, file)
