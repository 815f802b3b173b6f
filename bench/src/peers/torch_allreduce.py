"""One rank of an all-reduce through torch.distributed's Gloo backend, summing in place.

Usage: torch_allreduce.py RANK SIZE PORT ELEMENTS. Answers {"ready": ...} once all ranks have met, then for each line with a number
runs that many all-reduces and answers {"timesMs": [...]}. Ends with stdin.
"""

import json
import sys
import time

try:
    import torch
    import torch.distributed as dist
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()


def main():
    rank, size, port, elements = map(int, sys.argv[1:])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    vector = torch.full((elements,), 1e-30)
    print(json.dumps({"ready": f"Gloo of PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            dist.all_reduce(vector)
            times.append((time.perf_counter() - start) * 1000)
        vector.fill_(1e-30)
        print(json.dumps({"timesMs": times}), flush=True)
    dist.destroy_process_group()


main()
