#!/bin/sh
# Reduces the built checkout to what runs: no development packages, sources, maps, types or parts of tests; of TensorFlow.js
# only the bundles for Node.
set -eu

npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error

for entry in * .[!.]*; do
  case "$entry" in
    node_modules | libs | apps | dist | configs | corpus | package.json) ;;
    *) rm -rf "$entry" ;;
  esac
done

rm -rf libs/testing node_modules/@berth/testing node_modules/@berth/bench
rm -f libs/*/native/*.cc libs/*/native/*.h
rm -rf libs/*/src libs/*/test libs/*/examples apps/*/src apps/*/test
find libs apps -name node_modules -prune -o -type d \( -name testing -o -name simulator \) -prune -exec rm -rf {} +
find libs apps node_modules -type f \
  \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.tsbuildinfo' -o -name '*.test.js' \) -delete
find node_modules/@tensorflow/*/dist ! -path '*/tfjs-node-gpu/*' -type f ! -name '*.node.js' -delete
rm -rf node_modules/@tensorflow/tfjs-node-gpu/binding node_modules/@tensorflow/tfjs-node-gpu/src
find libs apps node_modules -type d -empty -delete
# An image is never built again in part: its programs are those of its modules.
echo '{"changed":[]}' > dist/programs/inputs.json
