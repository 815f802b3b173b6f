"""Makes sure that TensorFlow's CUDA build finds the libraries it opens: libraries.py CACHE.

It looks for those of CUDA 12 in the cache. Where one was not carried, the machine's own of whatever version stands in under the name
that TensorFlow asks for, which is printed, since figures depend on it. Each is then opened once, in a process of its own.
"""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

# The folder of the wheel, and what TensorFlow opens of it before it takes a GPU. BERT's steps call cuBLAS only.
wanted = [
    ("cuda_runtime", "libcudart.so.12"),
    ("cublas", "libcublas.so.12"),
    ("cublas", "libcublasLt.so.12"),
    ("cudnn", "libcudnn.so.9"),
    ("cufft", "libcufft.so.11"),
    ("cusolver", "libcusolver.so.11"),
    ("cusparse", "libcusparse.so.12"),
]


def places_of_machine():
    """Folders of the machine that may hold CUDA libraries: PyTorch's wheels, then toolkits."""
    site = Path(sysconfig.get_path("purelib"))
    named = [Path(one) for one in os.environ.get("BERTH_CUDA_LIBRARIES", "").split(":") if one]
    wheels = sorted(site.glob("nvidia/*/lib"))
    toolkits = sorted(Path("/usr/local").glob("cuda*/lib64")) + sorted(Path("/usr/local").glob("cuda*/targets/*/lib"))
    return [folder for folder in named + wheels + toolkits if folder.is_dir()]


def stand_in(name, places):
    """A library of the same name and any version."""
    stem = name.split(".so.")[0]
    for folder in places:
        found = [file for file in folder.iterdir() if re.fullmatch(re.escape(stem) + r"\.so\.\d+", file.name)]
        if found:
            return max(found, key=lambda file: int(file.name.rsplit(".", 1)[1]))
    return None


def opens(file, environment):
    """Why it does not open; None when it does."""
    program = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    result = subprocess.run([sys.executable, "-c", program, str(file)], env=environment, capture_output=True, text=True)
    return None if result.returncode == 0 else result.stderr.strip().splitlines()[-1]


def main():
    cache = Path(sys.argv[1])
    places = places_of_machine()
    lent, path = {}, []
    for folder, name in wanted:
        file = cache / next(cache.glob("tensorflow-*")).name / "nvidia" / folder / "lib" / name
        if file.exists() and not file.is_symlink():
            continue
        lent[name] = stand_in(name, places)
        if lent[name] is None:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(lent[name])
        path.append(str(lent[name].parent))
    # Those that stand in need libraries beside them.
    library_path = ":".join(dict.fromkeys(path))
    (cache.parents[1] / "library-path").write_text(library_path)
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path + ":" + os.environ.get("LD_LIBRARY_PATH", "")}
    failed = False
    for folder, name in wanted:
        file = cache / next(cache.glob("tensorflow-*")).name / "nvidia" / folder / "lib" / name
        source = f"the machine's {lent[name]} stands in" if name in lent else "carried"
        reason = "there is none" if lent.get(name, file) is None else opens(file, environment)
        failed = failed or reason is not None
        print(f"libraries {name}: {source if reason is None else reason}")
    sys.exit(1 if failed else 0)


main()
