"""Saves a model with other weights of the class, labels and tokenizer that a folder has, with what it says of the same inputs.

python make_folder.py FROM TO
"""
import json
import os
import sys

import torch
from predictions import class_of, predict, read
from transformers import AutoConfig, AutoTokenizer

source, target = sys.argv[1:]
noted = read(source)
torch.manual_seed(11)
config = AutoConfig.from_pretrained(source)
config.hidden_act = 'gelu'
model = class_of(source)(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if 'bias' in name:
            parameter.normal_(0, 0.1)
outputs, names = predict(model, noted)
model.save_pretrained(target)
AutoTokenizer.from_pretrained(source).save_pretrained(target)
with open(os.path.join(target, 'expected.json'), 'w', encoding='utf-8') as file:
    json.dump({'outputs': {name: value.flatten().tolist() for name, value in outputs.items()}, 'names': names}, file)
