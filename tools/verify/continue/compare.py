"""Continues a Hugging Face folder in PyTorch on the batches that train.mjs wrote down, and compares the losses, step by step. What
PyTorch differs from itself along the same steps is measured too: in fp32 and fp64, with another number of threads, from weights that
differ by 1e-7 of themselves, and with the norm that gradients are clipped by summed in fp64.

python compare.py FOLDER OUT

Fails where the losses differ from those of PyTorch in fp64 by more than 1e-4, or from those in fp32; at a peak rate above 1e-4 only
where that is also more than three times what PyTorch in fp32 differs from itself.
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
    """What the model takes, and where its masked positions are."""
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
    batch = dict(
        input_ids=ids,
        attention_mask=mask,
        token_type_ids=column("segmentIds", seq_length),
        labels=labels,
        next_sentence_label=column("nextSentenceLabels", 1).view(-1),
    )
    return batch, (rows[used], positions[used])


def norm_in_fp64(model):
    return sum(p.grad.double().square().sum() for p in model.parameters()).sqrt()


def update(model, moments, rate, exact_norm):
    """AdamW as in the BERT release: no bias correction, decay added to the update."""
    beta1, beta2 = optimizer["beta1"], optimizer["beta2"]
    if exact_norm:
        norm = norm_in_fp64(model)
        torch.nn.utils.clip_grads_with_norm_(model.parameters(), optimizer["clipNorm"], norm)
    else:
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


def loss_of(model, parts):
    """That of BertForPreTraining, with the decoder on the masked positions only: it is most of the work."""
    batch, where = batch_of(parts)
    labels, next_sentence = batch.pop("labels"), batch.pop("next_sentence_label")
    encoded = model.bert(**batch)
    words, relation = model.cls(encoded.last_hidden_state[where], encoded.pooler_output)
    cross_entropy = torch.nn.functional.cross_entropy
    return cross_entropy(words, labels[where]) + cross_entropy(relation, next_sentence)


def continued(dtype=torch.float32, perturbation=0.0, threads=1, exact_norm=False):
    """The losses and gradient norms of all steps."""
    torch.set_num_threads(threads)
    model = BertForPreTraining.from_pretrained(
        folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model = model.to(dtype).train()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + perturbation * torch.randn_like(parameter))
        whole = float(model(**batch_of(noted["batches"][0])[0]).loss)
        assert abs(float(loss_of(model, noted["batches"][0])) - whole) < 1e-5
    moments = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in model.named_parameters()}
    losses, norms = [], []
    for parts, ours in zip(noted["batches"], noted["losses"]):
        model.zero_grad()
        loss = loss_of(model, parts)
        loss.backward()
        norms.append(update(model, moments, ours["learningRate"], exact_norm))
        losses.append(float(loss.detach()))
    return losses, norms


def apart(a, b):
    """The greatest difference of two curves, and where."""
    return max((abs(x - y), step) for step, (x, y) in enumerate(zip(a, b)))


ours = [step["loss"] for step in noted["losses"]]
theirs, norms = continued()
for step in [*range(0, len(ours), 20), len(ours) - 1]:
    print(f"step {step:4d}  here {ours[step]:.6f}  PyTorch {theirs[step]:.6f}")
peak = optimizer["learningRate"]
print(f"{len(ours)} steps, peak rate {peak:g}, PyTorch {torch.__version__}: losses differ by at most", flush=True)


def report(what, curve, other):
    worst, step = apart(curve, other)
    print(f"  {worst:.2e}  at step {step:3d}  {what}", flush=True)
    return worst


exact, exact_norms = continued(torch.float64)
worst = report("here, and PyTorch in fp32", ours, theirs)
from_exact = report("here, and PyTorch in fp64", ours, exact)
report("here, and PyTorch in fp32 but for the norm, in fp64", ours, continued(exact_norm=True)[0])
own = max(
    report("PyTorch in fp32, and in fp64", theirs, exact),
    report("PyTorch in fp32, and of 2 threads", theirs, continued(threads=2)[0]),
    report("PyTorch in fp32, and from weights that differ by 1e-7", theirs, continued(perturbation=1e-7)[0]),
)


def report_norms(what, those):
    worst = max(abs(norm - exact) / exact for norm, exact in zip(those, exact_norms))
    print(f"gradient norms {what} differ from PyTorch's in fp64 by {worst:.2e} of themselves at most")


report_norms("here", [step["gradientNorm"] for step in noted["losses"]])
report_norms("of PyTorch in fp32", norms)
limit = 1e-4 if peak <= 1e-4 else max(1e-4, 3 * own)
if worst > limit or from_exact > 1e-4:
    sys.exit(f"the curves differ: by more than {limit:.2e} from fp32, or by more than 1e-4 from fp64")
print(f"the curves differ by less than {limit:.2e} from PyTorch in fp32, and by less than 1e-4 from it in fp64")
