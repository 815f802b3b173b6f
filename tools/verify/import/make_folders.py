"""Saves BERTs of every shape that transformers writes, some of them none that berth can read, each with what transformers makes of it:
make_folders.py FOLDER
"""

import json
import os
import sys

os.environ['HF_HUB_OFFLINE'] = '1'

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BertTokenizerFast

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
torch.manual_seed(1)
out = sys.argv[1]
words = 'the nation and its people were at peace with all who came'.split()
tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *words, *(f'##{chr(c)}' for c in range(97, 123))]
sizes = dict(
    vocab_size=len(tokens),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=32,
    initializer_range=0.2,
)
num_sequences, length = 4, 16
ids = torch.randint(5, len(tokens), (num_sequences, length))
lengths = torch.tensor([[16], [11], [7], [3]])
mask = (torch.arange(length) < lengths).long()
segments = ((torch.arange(length) >= lengths // 2) * mask).long()
batch = dict(input_ids=ids * mask, attention_mask=mask, token_type_ids=segments)


def shaken(model):
    """With biases and layer norms that are not those of a fresh model, so that each shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def write(name, kind, dtype=torch.float32, config={}, rename=None, save={}, **options):
    """A folder of a class of transformers, and what that class gives once it has been read again."""
    folder = os.path.join(out, name)
    model_class = getattr(transformers, kind)
    config_class = model_class.config_class
    model = shaken(model_class(config_class(**{**sizes, **config}), **options)).to(dtype)
    model.save_pretrained(folder, **save)
    with open(os.path.join(folder, 'vocab.txt'), 'w', encoding='utf-8') as file:
        file.writelines(f'{token}\n' for token in tokens)
    BertTokenizerFast(os.path.join(folder, 'vocab.txt')).save_pretrained(folder)
    if rename:
        path = os.path.join(folder, 'model.safetensors')
        tensors = {rename(key): value for key, value in load_file(path).items()}
        save_file(tensors, path, {'format': 'pt'})
    if config_class is not transformers.BertConfig:
        return
    model = model_class.from_pretrained(folder, dtype=torch.float32, **options).eval()
    if model.config.type_vocab_size < 2:
        return
    encoder = model if kind == 'BertModel' else model.bert
    with torch.no_grad():
        encoded = encoder(**batch)
        given = model(**batch)
    hidden, weights = encoded.last_hidden_state, mask.unsqueeze(-1)
    expected = {'mean': (hidden * weights).sum(1) / weights.sum(1), 'pooled': encoded.pooler_output}
    if kind in ('BertForPreTraining', 'BertForMaskedLM'):
        expected['maskedLmLogits'] = given['prediction_logits' if kind == 'BertForPreTraining' else 'logits']
    if kind in ('BertForPreTraining', 'BertForNextSentencePrediction'):
        expected['nextSentenceLogits'] = given['seq_relationship_logits' if kind == 'BertForPreTraining' else 'logits']
    outputs = {key: value.flatten().tolist() for key, value in expected.items() if value is not None}
    inputs = dict(inputIds=batch['input_ids'], inputMask=mask, segmentIds=segments)
    with open(os.path.join(folder, 'expected.json'), 'w', encoding='utf-8') as file:
        columns = {key: value.flatten().tolist() for key, value in inputs.items()}
        json.dump({'numSequences': num_sequences, 'seqLength': length, 'columns': columns, 'outputs': outputs}, file)


def of_old(key):
    return key.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')


write('BertForPreTraining', 'BertForPreTraining')
write('BertModel', 'BertModel')
write('BertModel without pooler', 'BertModel', add_pooling_layer=False)
write('BertForMaskedLM', 'BertForMaskedLM')
write('BertForNextSentencePrediction', 'BertForNextSentencePrediction')
write('BertForSequenceClassification', 'BertForSequenceClassification', config=dict(num_labels=3))
write('BertForTokenClassification', 'BertForTokenClassification', config=dict(num_labels=5))
write('BertForQuestionAnswering', 'BertForQuestionAnswering')
write('sharded', 'BertForPreTraining', save=dict(max_shard_size='20KB'))
write('float16', 'BertForPreTraining', dtype=torch.float16)
write('bfloat16', 'BertForPreTraining', dtype=torch.bfloat16)
write('names of old', 'BertForPreTraining', rename=of_old)
write('tanh, three segments', 'BertForPreTraining', config=dict(hidden_act='gelu_new', type_vocab_size=3))
write('relu', 'BertForPreTraining', config=dict(hidden_act='relu'))
write('one segment', 'BertForMaskedLM', config=dict(type_vocab_size=1))
write('decoder', 'BertLMHeadModel', config=dict(is_decoder=True))
write('untied', 'BertForMaskedLM', config=dict(tie_word_embeddings=False))
write('DistilBERT', 'DistilBertForMaskedLM', config=dict(dim=32, n_layers=2, n_heads=2, hidden_dim=64))
write('RoBERTa', 'RobertaForMaskedLM', config=dict(pad_token_id=0))
write('ModernBERT', 'ModernBertForMaskedLM', config=dict(pad_token_id=0, hidden_activation='gelu'))
write('ELECTRA', 'ElectraForPreTraining')
write('ALBERT', 'AlbertForMaskedLM')
