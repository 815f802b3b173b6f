"""The same BERT step in PyTorch: Hugging Face modules, SDPA, fused AdamW (or LAMB, which PyTorch lacks, with its multi-tensor
operations), gradient clipping, of pre-training masked rows only. Eager, or the forward and backward pass through torch.compile.

Reads the setting as one line of JSON from stdin, answers {"ready": ...}, then for each line such as "training 4" or
"evaluation 4" runs that many steps or forward passes and answers {"stepMs": [...], ...}. Ends with stdin.
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


modules = {
    "pretraining": ("BertForPreTraining", {}),
    "maskedLm": ("BertForMaskedLM", {}),
    "classify": ("BertForSequenceClassification", dict(num_labels=3)),
    "classify-many": (
        "BertForSequenceClassification",
        dict(num_labels=3, problem_type="multi_label_classification"),
    ),
    "regress": ("BertForSequenceClassification", dict(num_labels=1)),
    "tag": ("BertForTokenClassification", dict(num_labels=3)),
    "answer": ("BertForQuestionAnswering", {}),
}


def build_model(setting):
    model = setting["model"]
    name, own = modules[setting["task"]]
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
        **own,
    )
    return getattr(transformers, name)(config).train()


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
    make = lambda name: torch.tensor(batch[name], device=device).reshape(b, -1)
    mask = make("inputMask")
    encoder = dict(
        input_ids=make("inputIds"),
        attention_mask=None if bool(mask.all()) else mask,
        token_type_ids=make("segmentIds"),
    )
    task = setting["task"]
    if task == "answer":
        labels = {f"{edge}_positions": make(f"{edge}Positions")[:, 0] for edge in ("start", "end")}
    elif task == "tag":
        labels = dict(labels=make("labels").masked_fill(make("labelWeights") == 0, -100))
    elif task == "classify-many":
        labels = dict(labels=make("labels").float())
    elif task == "regress":
        labels = dict(labels=make("targets").float())
    elif task == "classify":
        labels = dict(labels=make("labels")[:, 0])
    else:
        rows = make("maskedPositions") + torch.arange(b, device=device)[:, None] * s
        labels = dict(rows=rows.reshape(-1), labels=make("maskedIds").reshape(-1))
        if task == "pretraining":
            labels["is_next"] = make("nextSentenceLabels")[:, 0]
    return encoder, labels


def pretraining_loss(model, encoder, rows, labels, is_next=None):
    """With logits of the masked rows only, and how many of them are right."""
    out = model.bert(**encoder)
    hidden = out.last_hidden_state.reshape(-1, model.config.hidden_size)
    if is_next is None:
        logits = model.cls(hidden[rows])
        return cross_entropy(logits.float(), labels), logits
    logits = model.cls.predictions(hidden[rows])
    next_logits = model.cls.seq_relationship(out.pooler_output)
    loss = cross_entropy(logits.float(), labels) + cross_entropy(next_logits.float(), is_next)
    return loss, logits


def main():
    setting = json.loads(sys.stdin.readline())
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high" if setting["precision"] == "tf32" else "highest")
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
    encoder, labels = tensors(setting, device)
    half = setting["precision"] == "bf16"

    def losses():
        if "rows" in labels:
            return pretraining_loss(model, encoder, **labels)
        return model(**encoder, **labels).to_tuple()[:2]

    compiled = setting.get("compiled", False)
    if compiled:
        losses = torch.compile(losses)

    def forward():
        with torch.autocast(device, torch.bfloat16, enabled=half):
            return losses()

    def training():
        loss, _ = forward()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    @torch.no_grad()
    def evaluation():
        loss, logits = forward()
        return loss.item(), logits.argmax(-1).sum().item()

    timed = dict(training=training, evaluation=evaluation)
    ready = f"PyTorch {torch.__version__}{', compiled' if compiled else ''}"
    print(json.dumps({"ready": ready}), flush=True)
    for line in sys.stdin:
        name, count = line.split()
        model.train(name == "training")
        times = []
        before = time.process_time()
        for _ in range(int(count)):
            start = time.perf_counter()
            timed[name]()
            times.append((time.perf_counter() - start) * 1000)
        processor = (time.process_time() - before) * 1000 / len(times)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answer = {"stepMs": times, "processorMs": processor, "peakRssBytes": peak}
        if device == "cuda":
            answer["peakDeviceBytes"] = torch.cuda.max_memory_allocated()
        print(json.dumps(answer), flush=True)


main()
