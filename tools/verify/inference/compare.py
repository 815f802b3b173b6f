"""Compares what berth says of a model with Hugging Face's libraries; see main.mjs."""

import json
import sys

import numpy as np
import torch
import transformers
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer, BertForPreTraining

TOLERANCE = 1e-5
ours = json.load(open(sys.argv[1]))
torch.set_grad_enabled(False)
tokenizer = AutoTokenizer.from_pretrained(ours["folder"])
model = BertForPreTraining.from_pretrained(ours["folder"]).eval()
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
failed = False


def report(name, difference):
    global failed
    good = difference <= TOLERANCE
    failed = failed or not good
    print(f"  {'ok ' if good else 'BAD'} {name:24} differs by {difference:.2e}")


def relative(a, b):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(a - b).max() / max(1e-30, np.abs(b).max()))


# Held-out metrics on the very same batches, by Google's names and denominators.
loss = hits = weight = next_loss = next_hits = count = 0.0
for batch in ours["batches"]:
    ids, mask, segments = (torch.tensor(batch[n]) for n in ("inputIds", "inputMask", "segmentIds"))
    out = model(input_ids=ids, attention_mask=mask, token_type_ids=segments)
    positions, labels = torch.tensor(batch["maskedPositions"]), torch.tensor(batch["maskedIds"])
    weights = torch.tensor(batch["maskedWeights"], dtype=torch.float64)
    rows = torch.arange(len(ids)).unsqueeze(1)
    logits = out.prediction_logits[rows, positions].double()
    nll = -torch.log_softmax(logits, -1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    loss += float((nll * weights).sum())
    hits += float(((logits.argmax(-1) == labels) * weights).sum())
    weight += float(weights.sum())
    is_next = torch.tensor(batch["nextSentenceLabels"])
    pair = out.seq_relationship_logits.double()
    next_loss += float(torch.nn.functional.cross_entropy(pair, is_next, reduction="sum"))
    next_hits += float((pair.argmax(-1) == is_next).sum())
    count += len(ids)
for name, value in {
    "masked_lm_loss": loss / (weight + 1e-5),
    "masked_lm_accuracy": hits / (weight + 1e-5),
    "next_sentence_loss": next_loss / count,
    "next_sentence_accuracy": next_hits / count,
}.items():
    report(name, abs(ours["metrics"][name]["value"] - value) / max(1.0, abs(value)))

# Filled masks.
worst, same = 0.0, 0
for text, filled in zip(ours["masked"], ours["filled"]):
    encoded = tokenizer(text, return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(encoded["input_ids"][0]) == filled["tokens"], text
    probabilities = model(**encoded).prediction_logits[0].double().softmax(-1)
    for mask in filled["masks"]:
        for candidate in mask["candidates"]:
            token = tokenizer.convert_tokens_to_ids(candidate["token"])
            theirs = float(probabilities[mask["position"], token])
            worst = max(worst, abs(theirs - candidate["probability"]))
        best = tokenizer.convert_ids_to_tokens(int(probabilities[mask["position"]].argmax()))
        same += best == mask["candidates"][0]["token"]
report("filled masks", worst)
print(f"      the same first candidate for {same} of {len(ours['filled'])} texts")

# Embeddings, text by text.
mean, pooled, last4 = [], [], []
for text in ours["texts"]:
    encoded = tokenizer(text, return_tensors="pt", truncation=True, max_length=model.config.max_position_embeddings)
    out = model.bert(**encoded, output_hidden_states=True)
    mean.append(out.last_hidden_state[0].mean(0).numpy())
    pooled.append(out.pooler_output[0].numpy())
    last4.append(torch.stack(out.hidden_states[1:][-4:])[:, 0].mean(0).mean(0).numpy())
report("embed mean", relative(ours["mean"], mean))
report("embed pooled", relative(ours["pooled"], pooled))
report("embed last-4", relative(ours["last4"], last4))
sentences = SentenceTransformer(ours["folder"], device="cpu").encode(ours["texts"], batch_size=8)
report("sentence-transformers", relative(ours["mean"], sentences))
sys.exit(failed)
