"""The same BERT pretraining step in PyTorch: Hugging Face modules, SDPA, fused AdamW (or LAMB, which PyTorch lacks, with its
multi-tensor operations), gradient clipping, masked rows only.

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


class Lamb(torch.optim.Optimizer):
    """LAMB (arXiv 1904.00962) as NVIDIA's recipes have it: bias correction, no trust ratio where nothing decays."""

    def __init__(self, groups, lr, betas=(0.9, 0.999), eps=1e-6):
        super().__init__(groups, dict(lr=lr, betas=betas, eps=eps, step=0))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            weights = group["params"]
            grads = [p.grad for p in weights]
            for p in weights:
                if not self.state[p]:
                    self.state[p].update(m=torch.zeros_like(p), v=torch.zeros_like(p))
            m, v = ([self.state[p][name] for p in weights] for name in "mv")
            (beta1, beta2), group["step"] = group["betas"], group["step"] + 1
            torch._foreach_lerp_(m, grads, 1 - beta1)
            torch._foreach_mul_(v, beta2)
            torch._foreach_addcmul_(v, grads, grads, 1 - beta2)
            root = torch._foreach_div(v, 1 - beta2 ** group["step"])
            torch._foreach_sqrt_(root)
            torch._foreach_add_(root, group["eps"])
            update = torch._foreach_div(m, 1 - beta1 ** group["step"])
            torch._foreach_div_(update, root)
            if group["weight_decay"] > 0:
                torch._foreach_add_(update, weights, alpha=group["weight_decay"])
                ratios = torch._foreach_div(torch._foreach_norm(weights), torch._foreach_norm(update))
                torch._foreach_mul_(update, [torch.where(r.isfinite() & (r > 0), r, 1.0) for r in ratios])
            torch._foreach_add_(weights, update, alpha=-group["lr"])


def tensors(setting, device):
    batch = setting["batch"]
    b, s, p = setting["batchSize"], setting["maxSeqLength"], setting["maxPredictions"]
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
    if setting["optimizer"] == "lamb":
        optimizer = Lamb(groups, lr=1e-4)
    else:
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
