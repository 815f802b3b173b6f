"""Continues a Hugging Face folder in PyTorch on the batches that train.mjs wrote down, and compares the losses, step by step.

python compare.py FOLDER OUT
"""
import json
import sys

import torch
from transformers import BertForPreTraining

folder, out = sys.argv[1:]
noted = json.load(open(f"{out}/steps.json"))
torch.manual_seed(0)
model = BertForPreTraining.from_pretrained(
    folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
).train()
optimizer, shape = noted["optimizer"], noted["shape"]
batch_size, seq_length, slots = shape["batchSize"], shape["maxSeqLength"], shape["maxPredictions"]


def decays(name):
    return not ("LayerNorm" in name or name.endswith("bias"))


parameters = dict(model.named_parameters())
moments = {name: (torch.zeros_like(p), torch.zeros_like(p)) for name, p in parameters.items()}


def batch_of(parts):
    column = lambda name, width: torch.tensor(
        [v for part in parts for v in part[name]], dtype=torch.long
    ).view(-1, width)
    ids, mask = column("inputIds", seq_length), column("inputMask", seq_length)
    positions, wanted = column("maskedPositions", slots), column("maskedIds", slots)
    weights = column("maskedWeights", slots)
    labels = torch.full_like(ids, -100)
    rows = torch.arange(ids.shape[0]).unsqueeze(1).expand_as(positions)
    used = weights > 0
    labels[rows[used], positions[used]] = wanted[used]
    return dict(
        input_ids=ids,
        attention_mask=mask,
        token_type_ids=column("segmentIds", seq_length),
        labels=labels,
        next_sentence_label=column("nextSentenceLabels", 1).view(-1),
    )


def update(rate):
    """AdamW as in the BERT release: no bias correction, decay added to the update."""
    beta1, beta2 = optimizer["beta1"], optimizer["beta2"]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optimizer["clipNorm"])
    with torch.no_grad():
        for name, parameter in parameters.items():
            first, second = moments[name]
            first.mul_(beta1).add_(parameter.grad, alpha=1 - beta1)
            second.mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
            change = first / (second.sqrt() + optimizer["epsilon"])
            if decays(name):
                change += optimizer["weightDecay"] * parameter
            parameter.sub_(rate * change)
    return float(norm)


worst, worst_norm = 0.0, 0.0
for step, (parts, ours) in enumerate(zip(noted["batches"], noted["losses"])):
    model.zero_grad()
    loss = model(**batch_of(parts)).loss
    loss.backward()
    norm = update(ours["learningRate"])
    worst = max(worst, abs(float(loss.detach()) - ours["loss"]))
    worst_norm = max(worst_norm, abs(norm - ours["gradientNorm"]) / norm)
    if step % 20 == 0 or step + 1 == len(noted["losses"]):
        print(f"step {step:4d}  here {ours['loss']:.6f}  PyTorch {float(loss.detach()):.6f}")
print(f"{step + 1} steps: loss differs by {worst:.2e} at most, gradient norm by {worst_norm:.2e} of itself")
if worst > 1e-4:
    sys.exit("the loss curves differ by more than 1e-4")
