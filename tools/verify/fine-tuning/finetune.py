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
labels = {
    'classify': ['bad', 'good', 'mixed'],
    'classify-many': ['bad', 'good', 'long'],
    'tag': ['O', 'B-GOOD', 'I-GOOD', 'B-BAD'],
}.get(kind)


def question():
    """Which of the words is good, or bad: one of each at most, so that some questions have no answer."""
    words = [random.choice(others) for _ in range(random.randint(3, 9))]
    for word in [random.choice(good)] * random.randint(0, 1) + [random.choice(bad)] * random.randint(0, 1):
        words.insert(random.randrange(len(words)), word)
    asked = random.choice(['good', 'bad'])
    context = ' '.join(words)
    found = [word for word in words if word in (good if asked == 'good' else bad)]
    starts = [context.split(' ').index(word) for word in found]
    answers = [
        {'text': word, 'answer_start': len(' '.join(words[:start])) + (1 if start else 0)} for word, start in zip(found, starts)
    ]
    return {'question': asked, 'context': context, 'answers': answers}


def row():
    if kind == 'answer':
        return question()
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
    if kind == 'classify-many':
        is_there = {'bad': num_bad > 0, 'good': num_good > 0, 'long': len(words) > 9}
        return {'text': text, 'label': [label for label in labels if is_there[label]]}
    if kind == 'regress':
        return {'text': text, 'score': num_good - num_bad + random.gauss(0, 0.3)}
    return {'text': text, 'label': 'good' if num_good > num_bad else 'bad' if num_bad > num_good else 'mixed'}


def encode_questions(rows):
    questions, contexts = [one['question'] for one in rows], [one['context'] for one in rows]
    encoded = tokenizer(questions, contexts, padding=True, return_offsets_mapping=True, return_tensors='pt')
    offsets = encoded.pop('offset_mapping').tolist()
    starts, ends = [], []
    for i, one in enumerate(rows):
        spans = context_spans(encoded, offsets, i)
        first = [a['answer_start'] for a in one['answers']]
        last = [a['answer_start'] + len(a['text']) for a in one['answers']]
        starts.append(next((at for at, (start, _) in spans.items() if first and start == first[0]), 0))
        ends.append(next((at for at, (_, end) in spans.items() if last and end == last[0]), 0))
    return encoded, offsets, {'start_positions': torch.tensor(starts), 'end_positions': torch.tensor(ends)}


def context_spans(encoded, offsets, i):
    """Where each token of the context stands in it, by its place among all."""
    return {at: offsets[i][at] for at, of in enumerate(encoded.sequence_ids(i)) if of == 1}


def answer_of(start_logits, end_logits, spans, context):
    """The likeliest span of up to 30 tokens, or none where that is likelier."""
    best = max(
        ((start_logits[a] + end_logits[b]).item(), a, b) for a in spans for b in spans if a <= b < a + 30
    )
    if (start_logits[0] + end_logits[0]).item() > best[0]:
        return ''
    return context[spans[best[1]][0] : spans[best[2]][1]]


def encode(rows):
    if kind == 'classify-many':
        encoded = tokenizer([one['text'] for one in rows], padding=True, return_tensors='pt')
        return encoded, torch.tensor([[float(label in one['label']) for label in labels] for one in rows])
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
if kind == 'regress':
    config.num_labels, config.problem_type = 1, 'regression'
elif labels is not None:
    config.id2label, config.label2id = dict(enumerate(labels)), {label: i for i, label in enumerate(labels)}
    problems = {'classify': 'single_label_classification', 'classify-many': 'multi_label_classification'}
    config.problem_type = problems.get(kind)
config.initializer_range = 0.02
heads = {'tag': 'BertForTokenClassification', 'answer': 'BertForQuestionAnswering'}
model = getattr(transformers, heads.get(kind, 'BertForSequenceClassification'))(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.train()
for step in range(300 if kind == 'answer' else 60):
    rows = [row() for _ in range(16)]
    if kind == 'answer':
        encoded, _, truth = encode_questions(rows)
    else:
        encoded, labelled = encode(rows)
        truth = {'labels': labelled}
    model(**encoded, **truth).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.eval()
test = [row() for _ in range(200)]
if kind == 'answer':
    encoded, offsets, _ = encode_questions(test)
else:
    encoded, truth = encode(test)
with torch.no_grad():
    output = model(**encoded)
logits = None if kind == 'answer' else output.logits
if kind == 'answer':
    answers = [
        answer_of(output.start_logits[i], output.end_logits[i], context_spans(encoded, offsets, i), one['context'])
        for i, one in enumerate(test)
    ]
    truths = [one['answers'][0]['text'] if one['answers'] else '' for one in test]
    metrics = {'answer_exact': sum(a == b for a, b in zip(answers, truths)) / len(test)}
elif kind == 'classify-many':
    said, truth = (logits > 0).numpy(), truth.numpy()
    metrics = {
        'classify_accuracy': accuracy_score(truth, said),
        'classify_f1_micro': f1_score(truth, said, average='micro'),
        'classify_f1_macro': f1_score(truth, said, average='macro'),
    }
elif kind == 'classify':
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
