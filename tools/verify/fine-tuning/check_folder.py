"""Opens a fine-tuned model that berth has written, and compares what it says with what berth says.

python check_folder.py FOLDER
"""
import sys

import torch
import transformers
from predictions import opened, predict, read

folder = sys.argv[1]
noted = read(folder)
model = opened(folder)
outputs, names = predict(model, noted)
expected = torch.cat([torch.tensor(values) for values in noted['outputs'].values()])
actual = torch.cat([outputs[name].flatten() for name in noted['outputs']])
difference = ((actual - expected).norm() / expected.norm()).item()
differing = sum(ours != theirs for ours, theirs in zip(noted['names'], names))
ok = difference < 1e-5 and differing == 0 and len(names) == len(noted['names'])
print(
    f"  {noted['kind'] + ': written here, transformers ' + transformers.__version__:<44} logits {difference:.1e}, "
    f"predictions {differing} differ  {'ok' if ok else 'DIFFERS'}",
    flush=True,
)
sys.exit(0 if ok else 1)
