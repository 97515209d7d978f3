#!/usr/bin/env bash
# Saccade against ONNX Runtime, one image at a time, in one interleaved run: bench/compare_onnxruntime.sh [options] NETWORK.onnx...
#
# ONNX Runtime comes from the npm registry, by the lock file of tests/onnxruntime, into build/onnxruntime. The rest goes to
# compare_onnxruntime.mjs. Without --saccade FILE the program of build/release is measured.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="$root/build/onnxruntime"
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "compare_onnxruntime: expected node and npm, got none; install the Debian packages nodejs and npm" >&2
  exit 2
fi
if [[ ! -d "$folder/node_modules/onnxruntime-node" ]]; then
  mkdir -p "$folder"
  cp "$root"/tests/onnxruntime/package*.json "$folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2)
fi
cp "$root/bench/compare_onnxruntime.mjs" "$folder"
command=(--saccade "$root/build/release/bench/saccade_latency_bench")
for argument in "$@"; do
  if [[ "$argument" == --saccade || "$argument" == --saccade=* ]]; then command=(); fi
done
exec node "$folder/compare_onnxruntime.mjs" "${command[@]}" "$@"
