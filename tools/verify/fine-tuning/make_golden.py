"""Writes the golden files of fine-tuning: loss, logits and gradients of Hugging Face's heads on the micro model, in float64.

python tools/verify/fine-tuning/make_golden.py

Reads and writes libs/model/test/golden. Dropout is 0 and the models are in eval mode. Weights of heads and batches are drawn
from a fixed seed. The row of [PAD] gets its gradient, as in Google's code: Hugging Face's padding_idx is switched off.
"""
import json
import os

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

golden = os.path.join(os.path.dirname(__file__), '../../../libs/model/test/golden')
weights = load_file(os.path.join(golden, 'model-micro.safetensors'))
encoder = {name: value for name, value in weights.items() if name.startswith('bert.')}
torch.manual_seed(17)
torch.set_num_threads(1)
B, S, V, C = 4, 16, 97, 3

lengths = torch.tensor([16, 9, 13, 5])
mask = (torch.arange(S).unsqueeze(0) < lengths.unsqueeze(1)).long()
ids = torch.randint(1, V, (B, S)) * mask
segments = ((torch.arange(S).unsqueeze(0) >= lengths.unsqueeze(1) // 2) & mask.bool()).long()
inputs = dict(input_ids=ids, attention_mask=mask, token_type_ids=segments)

class_weights = torch.tensor([0.5, 1.0, 2.25], dtype=torch.float64)
words = torch.rand(B, S) < 0.6
tags = torch.where(words & mask.bool(), torch.randint(0, C, (B, S)), torch.full((B, S), -100))
# The second answer is outside its window, as its example has been cut.
starts, ends = torch.tensor([3, S, 0, 2]), torch.tensor([5, S, 0, 2])


def config(**other):
    return BertConfig(
        vocab_size=V,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        hidden_act='gelu_new',
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation='eager',
        **other,
    )


def sequence(problem_type, num_labels=C):
    return BertForSequenceClassification(config(num_labels=num_labels, problem_type=problem_type))


def weighted(output, labels):
    return torch.nn.CrossEntropyLoss(weight=class_weights)(output.logits, labels)


def weighted_many(output, labels):
    return torch.nn.BCEWithLogitsLoss(pos_weight=class_weights)(output.logits, labels)


cases = [
    ('classify', sequence('single_label_classification'), dict(labels=torch.tensor([2, 0, 1, 2])), None),
    ('classify-weighted', sequence('single_label_classification'), dict(labels=torch.tensor([2, 0, 1, 2])), weighted),
    (
        'classify-many',
        sequence('multi_label_classification'),
        dict(labels=torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=torch.float64)),
        None,
    ),
    ('regress', sequence('regression', 1), dict(labels=torch.tensor([0.5, -1.25, 3.0, 2.0], dtype=torch.float64)), None),
    ('tag', BertForTokenClassification(config(num_labels=C)), dict(labels=tags), None),
    ('answer', BertForQuestionAnswering(config()), dict(start_positions=starts, end_positions=ends), None),
]


def all_cases():
    """The last one is drawn behind the others, so that those stay what they were."""
    yield from cases
    labels = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=torch.float64)
    yield 'classify-many-weighted', sequence('multi_label_classification'), dict(labels=labels), weighted_many


def counted(name, output, labels):
    """How many are right, of those that have a label."""
    if name == 'answer':
        pairs = [(output.start_logits, labels['start_positions']), (output.end_logits, labels['end_positions'])]
        return [(logits.argmax(-1) == wanted).sum().item() for logits, wanted in pairs]
    if name == 'regress':
        return []
    wanted = labels['labels']
    if name.startswith('classify-many'):
        return [((output.logits > 0) == (wanted > 0)).all(-1).sum().item()]
    return [(output.logits.argmax(-1) == wanted).sum().item()]


heads, gradients, cases_json = {}, {}, {}
for name, model, labels, other_loss in all_cases():
    model = model.double().eval()
    own = {n: p for n, p in model.named_parameters() if not n.startswith('bert.')}
    with torch.no_grad():
        for parameter in own.values():
            parameter.copy_((0.4 * torch.randn(parameter.shape)).float())
    missing, unexpected = model.load_state_dict(
        {n: v.double() for n, v in encoder.items() if n in dict(model.named_parameters())}, strict=False
    )
    assert set(missing) <= set(own) | {'bert.embeddings.position_ids'} and not unexpected, (missing, unexpected)
    model.bert.embeddings.word_embeddings.padding_idx = None
    with torch.no_grad():
        # The first example is answered rightly, where it has a label at all.
        first = model(**inputs)
        if name == 'answer':
            labels['start_positions'][0] = first.start_logits[0].argmax()
            labels['end_positions'][0] = first.end_logits[0].argmax()
        elif name.startswith('classify-many'):
            labels['labels'][0] = (first.logits[0] > 0).double()
        elif name.startswith('classify'):
            labels['labels'][0] = first.logits[0].argmax()
    output = model(**inputs, **labels)
    loss = output.loss if other_loss is None else other_loss(output, labels['labels'])
    loss.backward()
    logits = {'logits': output.logits} if 'logits' in output else {
        'startLogits': output.start_logits,
        'endLogits': output.end_logits,
    }
    cases_json[name] = {
        'loss': loss.item(),
        'correct': counted(name, output, labels),
        'labels': {key: value.flatten().tolist() for key, value in labels.items()},
        'outputs': {key: value.flatten().tolist() for key, value in logits.items()},
    }
    for parameter, value in model.named_parameters():
        gradients[f'{name}/{parameter}'] = value.grad.float().contiguous()
        if parameter in own:
            heads[f'{name}/{parameter}'] = value.detach().float().contiguous()

save_file(gradients, os.path.join(golden, 'fine-tuning-grads.safetensors'))
os.chmod(os.path.join(golden, 'fine-tuning-grads.safetensors'), 0o644)
with open(os.path.join(golden, 'fine-tuning.json'), 'w', encoding='utf-8') as file:
    json.dump(
        {
            'madeBy': f'transformers {transformers.__version__}, torch {torch.__version__}, float64',
            'batch': {'inputIds': ids.flatten().tolist(), 'inputMask': mask.flatten().tolist(), 'segmentIds': segments.flatten().tolist()},
            'classWeights': class_weights.tolist(),
            'heads': {name: value.flatten().tolist() for name, value in heads.items()},
            'cases': cases_json,
        },
        file,
    )
    file.write('\n')
