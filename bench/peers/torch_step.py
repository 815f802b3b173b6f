"""The same BERT pretraining step in PyTorch: Hugging Face modules, SDPA, fused AdamW, gradient clipping, masked rows only.

Reads the setting as one line of JSON from stdin, answers {"ready": ...}, then for each line with a number runs that many steps
and answers {"stepMs": [...]}. Ends with stdin.
"""

import json
import resource
import sys
import time

try:
    import torch
    import transformers
    from torch.nn.functional import cross_entropy
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()

transformers.logging.set_verbosity_error()


def build_model(setting):
    model = setting["model"]
    config = transformers.BertConfig(
        vocab_size=model["vocabSize"],
        hidden_size=model["hiddenSize"],
        num_hidden_layers=model["numLayers"],
        num_attention_heads=model["numHeads"],
        intermediate_size=model["intermediateSize"],
        max_position_embeddings=model["maxPositions"],
        type_vocab_size=model["typeVocabSize"],
        hidden_act=model["hiddenAct"],
        hidden_dropout_prob=model["hiddenDropoutRatio"],
        attention_probs_dropout_prob=model["attentionDropoutRatio"],
        layer_norm_eps=model["layerNormEps"],
        attn_implementation="sdpa",
    )
    return transformers.BertForPreTraining(config).train()


def tensors(setting, device):
    batch = setting["batch"]
    b, s, p = batch["batchSize"], batch["seqLength"], batch["numPredictions"]
    make = lambda name, *shape: torch.tensor(batch[name], device=device).reshape(*shape)
    positions = make("maskedPositions", b, p) + torch.arange(b, device=device)[:, None] * s
    mask = make("inputMask", b, s)
    return dict(
        ids=make("inputIds", b, s),
        mask=None if bool(mask.all()) else mask,
        segments=make("segmentIds", b, s),
        rows=positions.reshape(-1),
        labels=make("maskedIds", b * p),
        is_next=make("nextSentenceLabels", b),
    )


def main():
    setting = json.loads(sys.stdin.readline())
    torch.manual_seed(0)
    device = "cuda" if setting["device"] == "gpu" else "cpu"
    if device == "cpu":
        torch.set_num_threads(setting["numThreads"])
    model = build_model(setting).to(device)
    decayed = [p for n, p in model.named_parameters() if "LayerNorm" not in n and "bias" not in n]
    others = [p for n, p in model.named_parameters() if "LayerNorm" in n or "bias" in n]
    groups = [dict(params=decayed, weight_decay=0.01), dict(params=others, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, eps=1e-6, fused=True)
    batch = tensors(setting, device)
    half = setting["precision"] == "bf16"

    def step():
        with torch.autocast(device, torch.bfloat16, enabled=half):
            out = model.bert(batch["ids"], batch["mask"], batch["segments"])
            hidden = out.last_hidden_state.reshape(-1, model.config.hidden_size)
            logits = model.cls.predictions(hidden[batch["rows"]])
            is_next = model.cls.seq_relationship(out.pooler_output)
            loss = cross_entropy(logits.float(), batch["labels"])
            loss = loss + cross_entropy(is_next.float(), batch["is_next"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"stepMs": times, "peakRssBytes": peak}), flush=True)


main()
