"""Saves a BERT of random weights as transformers saves one: make_folder.py FOLDER SIZE VOCABULARY cased|uncased

VOCABULARY: a vocab.txt, or how many entries of no meaning to make.
"""

import os
import sys

os.environ['HF_HUB_OFFLINE'] = '1'

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

sizes = {
    'tiny': (2, 128, 2),
    'mini': (4, 256, 4),
    'small': (4, 512, 8),
    'medium': (8, 512, 8),
    'base': (12, 768, 12),
    'large': (24, 1024, 16),
}

folder, size, vocabulary_from, case = sys.argv[1:]
num_layers, hidden, heads = sizes[size]
os.makedirs(folder)
if vocabulary_from.isdigit():
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    tokens = special + [f'piece{index}' for index in range(int(vocabulary_from) - len(special))]
else:
    with open(vocabulary_from, encoding='utf-8') as file:
        tokens = file.read().splitlines()
vocabulary = os.path.join(folder, 'vocab.txt')
with open(vocabulary, 'w', encoding='utf-8') as file:
    file.writelines(f'{token}\n' for token in tokens)
tokenizer = BertTokenizerFast(vocabulary, do_lower_case=case == 'uncased')
tokenizer.save_pretrained(folder)
torch.manual_seed(1)
config = BertConfig(
    vocab_size=len(tokens),
    hidden_size=hidden,
    num_hidden_layers=num_layers,
    num_attention_heads=heads,
    intermediate_size=4 * hidden,
)
BertForPreTraining(config).save_pretrained(folder)
