#!/usr/bin/env bash
# Saccade against Debian's PyTorch, in one interleaved run: bench/compare_pytorch.sh [--install] [options]
#
#   --install   installs Debian's PyTorch and the BLAS first (asks sudo when not root)
#
# Everything else goes to compare_pytorch.py (see --help). Without --saccade FILE the command of build/release is measured.
# PyTorch is slowed by half when its OpenMP team and OpenBLAS's own pool of threads fight over the cores, as they do with
# Debian's defaults; so OpenBLAS's OpenMP build is preloaded for it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
packages=(python3-torch libopenblas0-openmp)

if [[ "${1:-}" == --install ]]; then
  shift
  as_root=()
  if [[ $EUID -ne 0 ]]; then as_root=(sudo); fi
  "${as_root[@]}" apt-get update
  "${as_root[@]}" apt-get install --yes --no-install-recommends "${packages[@]}"
fi

libraries="/usr/lib/$(uname -m)-linux-gnu/openblas-openmp"
for file in "$libraries/libblas.so.3" "$libraries/liblapack.so.3"; do
  if [[ ! -e "$file" ]]; then
    echo "compare_pytorch: expected $file, got no such file; run bench/compare_pytorch.sh --install" >&2
    exit 2
  fi
done
if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  echo "compare_pytorch: expected Debian's PyTorch, got none; run bench/compare_pytorch.sh --install" >&2
  exit 2
fi

command=(--saccade "$here/../build/release/bin/saccade")
for argument in "$@"; do
  if [[ "$argument" == --saccade || "$argument" == --saccade=* ]]; then command=(); fi
done
export LD_PRELOAD="$libraries/libblas.so.3 $libraries/liblapack.so.3"
exec /usr/bin/python3 "$here/compare_pytorch.py" "${command[@]}" "$@"
