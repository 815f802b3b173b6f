"""What a fine-tuned model of transformers says of the inputs in a file of main.mjs."""
import json
import os

os.environ['HF_HUB_OFFLINE'] = '1'

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(2)


def class_of(folder):
    [architecture] = AutoConfig.from_pretrained(folder).architectures
    return getattr(transformers, architecture)


def opened(folder):
    """A model of the folder; every weight that it has must be there."""
    model, info = class_of(folder).from_pretrained(folder, output_loading_info=True)
    assert not info['missing_keys'] and not info['unexpected_keys'], info
    AutoTokenizer.from_pretrained(folder)
    return model.eval()


def read(folder):
    with open(os.path.join(folder, 'expected.json'), encoding='utf-8') as file:
        return json.load(file)


def predict(model, noted):
    """Outputs and the names of what is predicted."""
    kind, length = noted['kind'], noted['seqLength']
    column = lambda name: torch.tensor(noted['columns'][name]).view(-1, length)
    mask = column('inputMask')
    with torch.no_grad():
        output = model(input_ids=column('inputIds'), attention_mask=mask, token_type_ids=column('segmentIds'))
    name_of = lambda number: model.config.id2label[number]
    if kind == 'answer':
        edges = {'startLogits': output.start_logits, 'endLogits': output.end_logits}
        return edges, [place for edge in edges.values() for place in edge.argmax(-1).tolist()]
    logits = output.logits
    names = []
    if kind == 'classify':
        names = [name_of(number) for number in logits.argmax(-1).tolist()]
    elif kind == 'classify-many':
        names = [','.join(name_of(i) for i, value in enumerate(row) if value > 0) for row in logits.tolist()]
    elif kind == 'tag':
        names = [name_of(number) for number in logits.argmax(-1)[mask.bool()].tolist()]
    return {'logits': logits}, names
