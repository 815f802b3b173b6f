"""Google's create_pretraining_data.py as it is, but for TensorFlow, of which it only needs files and a writer.

Usage: google_examples.py SCRIPT INPUT VOCAB LENGTH PREDICTIONS. SCRIPT lies beside its tokenization.py. What TensorFlow would do to
serialise and write examples is not done, and costs nothing here. Makes one pass (dupe_factor 1), then answers with a line of JSON.
"""

import glob
import importlib
import json
import os
import resource
import sys
import time
import types


def stub_of_tensorflow(flags):
    """The few names that the script uses."""

    class Writer:
        def __init__(self, path):
            self.path = path

        def write(self, record):
            pass

        def close(self):
            pass

    def nothing(*args, **kwargs):
        return None

    def define(name, default, help_text):
        flags.__dict__.setdefault(name, default)

    class Example:
        def __init__(self, features):
            self.features = features

        def SerializeToString(self):
            return b""

    class Holder:
        def __init__(self, **fields):
            self.__dict__.update(fields)

    class Feature(Holder):
        int64_list = float_list = Holder(value=[])

    tf = types.ModuleType("tensorflow")
    tf.flags = types.SimpleNamespace(
        FLAGS=flags, DEFINE_string=define, DEFINE_bool=define, DEFINE_integer=define, DEFINE_float=define
    )
    tf.gfile = types.SimpleNamespace(
        GFile=lambda path, mode: open(path, mode, encoding="utf-8"), Glob=glob.glob
    )
    tf.logging = types.SimpleNamespace(info=nothing, set_verbosity=nothing, INFO=0)
    tf.python_io = types.SimpleNamespace(TFRecordWriter=Writer)
    tf.train = types.SimpleNamespace(
        Example=Example, Features=Holder, Feature=Feature, Int64List=Holder, FloatList=Holder
    )
    return tf


def main():
    script, text, vocabulary, length, predictions = sys.argv[1:]
    if not os.path.exists(script):
        print(json.dumps({"missing": f"{script} is not there"}), flush=True)
        return
    flags = types.SimpleNamespace(
        input_file=text,
        output_file=os.devnull,
        vocab_file=vocabulary,
        max_seq_length=int(length),
        max_predictions_per_seq=int(predictions),
        dupe_factor=1,
    )
    sys.modules["tensorflow"] = stub_of_tensorflow(flags)
    sys.modules["six"] = types.SimpleNamespace(PY2=False, PY3=True)
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    module = importlib.import_module(os.path.splitext(os.path.basename(script))[0])

    counted = {"instances": 0}
    write = module.write_instance_to_example_files

    def count_and_write(instances, *rest):
        counted["instances"] = len(instances)
        write(instances, *rest)

    module.write_instance_to_example_files = count_and_write

    tokenising = time.process_time()
    tokenizer = module.tokenization.FullTokenizer(vocab_file=vocabulary, do_lower_case=True)
    tokens = 0
    with open(text, encoding="utf-8") as lines:
        for line in lines:
            tokens += len(tokenizer.tokenize(line.strip()))
    whole = time.process_time()
    module.main(None)
    ended = time.process_time()
    report = {
        "name": f"Google's script, Python {sys.version.split()[0]}",
        "cpuSeconds": {"tokenise": whole - tokenising, "whole": ended - whole},
        "numTokens": tokens,
        "numExamples": counted["instances"],
        "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report), flush=True)


main()
