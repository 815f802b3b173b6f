"""Continues a Hugging Face folder in PyTorch on the batches that train.mjs wrote down, and compares the losses, step by step; with
PyTorch in fp64 and from weights that differ in their last bits too, which tells rounding from a difference of the arithmetic.

python compare.py FOLDER OUT
"""
import json
import sys

import torch
from transformers import BertForPreTraining

folder, out = sys.argv[1:]
noted = json.load(open(f"{out}/steps.json"))
optimizer, shape = noted["optimizer"], noted["shape"]
batch_size, seq_length, slots = shape["batchSize"], shape["maxSeqLength"], shape["maxPredictions"]


def decays(name):
    return not ("LayerNorm" in name or name.endswith("bias"))


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


def update(model, moments, rate):
    """AdamW as in the BERT release: no bias correction, decay added to the update."""
    beta1, beta2 = optimizer["beta1"], optimizer["beta2"]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optimizer["clipNorm"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            first, second = moments[name]
            first.mul_(beta1).add_(parameter.grad, alpha=1 - beta1)
            second.mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
            change = first / (second.sqrt() + optimizer["epsilon"])
            if decays(name):
                change += optimizer["weightDecay"] * parameter
            parameter.sub_(rate * change)
    return float(norm)


def continued(dtype=torch.float32, perturbation=0.0):
    """The losses and gradient norms of all steps; of weights that begin with another last bit or so where that is asked for."""
    model = BertForPreTraining.from_pretrained(
        folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model = model.to(dtype).train()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + perturbation * torch.randn_like(parameter))
    moments = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in model.named_parameters()}
    losses, norms = [], []
    for parts, ours in zip(noted["batches"], noted["losses"]):
        model.zero_grad()
        loss = model(**batch_of(parts)).loss
        loss.backward()
        norms.append(update(model, moments, ours["learningRate"]))
        losses.append(float(loss.detach()))
    return losses, norms


def apart(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


ours = [step["loss"] for step in noted["losses"]]
theirs, norms = continued()
for step in [*range(0, len(ours), 20), len(ours) - 1]:
    print(f"step {step:4d}  here {ours[step]:.6f}  PyTorch {theirs[step]:.6f}")
exact, _ = continued(torch.float64)
perturbed, _ = continued(perturbation=1e-7)
worst_norm = max(abs(n - s["gradientNorm"]) / n for n, s in zip(norms, noted["losses"]))
worst = apart(ours, theirs)
print(f"{len(ours)} steps: gradient norm differs by {worst_norm:.2e} of itself at most, and losses by at most")
print(f"  {worst:.2e}  here and PyTorch, fp32")
print(f"  {apart(ours, exact):.2e}  here, and PyTorch in fp64")
print(f"  {apart(theirs, exact):.2e}  PyTorch in fp32, and in fp64")
print(f"  {apart(perturbed, theirs):.2e}  PyTorch in fp32, and the same from weights that differ by 1e-7 of themselves")
# What PyTorch does to itself by rounding is no difference of the arithmetic.
own = max(apart(theirs, exact), apart(perturbed, theirs))
if worst > max(1e-4, 3 * own):
    sys.exit("the loss curves differ by more than 1e-4, and by more than rounding does to PyTorch's own")
