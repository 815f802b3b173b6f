#!/usr/bin/env bash
# Sets a machine with an NVIDIA GPU up and measures it, with one command and no other knowledge:
#   bash infra/gpu/verify/run.sh [--out FOLDER] [options of `berth bench gpu`, such as --budget-s 480 or --device cpu]
# README.md beside this says what it measures, and how pieces carry what a machine without a network lacks.
set -uo pipefail

began=$(date +%s)
device=gpu
out=gpu-report
rest=()
while [ $# -gt 0 ]; do
  case "$1" in
    --help)
      sed -n '2,4s/^# //p' "$0"
      exit 0
      ;;
    --out) out=$2 && shift ;;
    --device) device=$2 && rest+=(--device "$2") && shift ;;
    *) rest+=("$1") ;;
  esac
  shift
done
case "$out" in /*) ;; *) out="$PWD/$out" ;; esac
cd "$(dirname "$0")/../../.." || exit 1
mkdir -p "$out"
echo "== setup for the $device; then the parts that berth bench gpu names; all into $out"

setup=0
if [ -e .gpu/pieces ] && { [ -e .gpu/unpacked ] || [ ! -e node_modules ]; }; then
  python3 infra/gpu/verify/unpack.py .gpu/pieces . 2>&1 | tee "$out/setup.txt" || setup=1
  export XDG_CACHE_HOME="$PWD/.gpu/cache"
  export PATH="$PWD/.gpu/node/bin:$PATH"
  if [ "$device" = gpu ]; then
    python3 infra/gpu/verify/libraries.py .gpu/cache/berth 2>&1 | tee -a "$out/setup.txt" || setup=1
    LD_LIBRARY_PATH="$(cat .gpu/library-path 2> /dev/null):${LD_LIBRARY_PATH:-}"
    export LD_LIBRARY_PATH
  fi
elif command -v node > /dev/null; then
  if [ "$device" = gpu ]; then which=--gpu; else which=--no-gpu; fi
  node tools/setup/main.mjs "$which" 2>&1 | tee "$out/setup.txt" || setup=1
else
  echo "there is no Node on PATH, and no pieces in .gpu" | tee "$out/setup.txt"
  exit 1
fi
[ "$setup" = 0 ] || echo "setup failed; what can be measured all the same is"

node --import ./bench/dist/one-line-errors.js bench/dist/gpu/gpu.js "${rest[@]}" --out "$out" --began-s "$began"
measured=$?
[ "$setup" = 0 ] || exit 1
exit "$measured"
