"""Compares the tensors of two folders to the byte: compare_folders.py FROM TO"""

import json
import os
import sys

import transformers
from safetensors import safe_open

before, after = sys.argv[1:]


def opened(folder):
    return safe_open(os.path.join(folder, 'model.safetensors'), framework='np')


with open(os.path.join(before, 'config.json'), encoding='utf-8') as file:
    config = json.load(file)
with opened(before) as a, opened(after) as b:
    different = set(a.keys()) ^ set(b.keys())
    size = 0
    for name in set(a.keys()) & set(b.keys()):
        left, right = a.get_tensor(name), b.get_tensor(name)
        size += left.nbytes
        if left.dtype != right.dtype or left.shape != right.shape or left.tobytes() != right.tobytes():
            different.add(name)
what = f'{config["num_hidden_layers"]} layers of {config["hidden_size"]}, {config["vocab_size"]} entries'
verdict = f'DIFFERS: {sorted(different)[:5]}' if different else 'equal to the byte'
print(f'round trip of {what}, transformers {transformers.__version__}: {size / 1e6:.0f} MB, {verdict}')
sys.exit(1 if different else 0)
