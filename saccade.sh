#!/usr/bin/env bash
# One command from a fresh Debian 12 to a trained network, and one to the passing tests. See `./saccade.sh help`.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
build_dir="$root/build/release"

# Without these nothing builds.
readonly -a required=(g++ cmake make libdnnl-dev libhwy-dev libxsmm-dev libfmt-dev nlohmann-json3-dev libcli11-dev zlib1g-dev
  libcurl4-openssl-dev libssl-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libtiff-dev libeigen3-dev libstb-dev
  libonnx-dev libprotobuf-dev libzip-dev libhdf5-dev libfreetype-dev libgtest-dev libgmock-dev libbenchmark-dev libxbyak-dev
  ca-certificates)
# With these it builds faster; left out without complaint when they cannot be had.
readonly -a preferred=(ninja-build ccache)
# The tests check the formatting, run the cases that the ONNX project gives with its standard, and draw letters.
readonly -a for_tests=(clang-format-14 libonnx-testdata fonts-dejavu-core)

install=yes
jobs=$(nproc)

usage() {
  cat <<'END'
Usage: ./saccade.sh [options] <command> [arguments]

Commands
  demo [train options]   build the command and train LeNet-5 on MNIST (arguments go to `saccade train mnist`)
  test [-- ctest options]
                         build everything and run every test
  build [targets]        build everything, or the targets named
  install-deps           install the Debian packages that building and testing need
  help                   this text

Options
  --no-install           install nothing: name the missing packages and stop
  --jobs N               compile and test N at a time (default: one a core)

Each command first installs the Debian packages that are missing (as root, or through sudo), says which, and configures
build/release. Running it again installs nothing and builds only what has changed.

Examples
  ./saccade.sh demo
  ./saccade.sh demo --epochs 3 --model mlp
  ./saccade.sh test
  ./saccade.sh test -- -L unit -R tensor
  ./saccade.sh --no-install build

Exit codes: 0 done, 1 a build or test failed, 2 wrong usage or missing packages.
END
}

colour() {  # colour <terminal code> <text>: coloured on a terminal that wants it
  if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    printf '\033[%sm%s\033[0m' "$1" "$2"
  else
    printf '%s' "$2"
  fi
}

say() { printf '%s %s\n' "$(colour '1;36' saccade.sh:)" "$*" >&2; }

die() {  # die <exit code> <message>
  printf '%s %s\n' "$(colour '1;31' 'saccade.sh: error:')" "$2" >&2
  exit "$1"
}

missing_packages() {  # prints, on one line, those of the packages named that are not installed
  local installed name
  # dpkg-query fails when it has never heard of one of them, and tells of the others all the same.
  installed=$(dpkg-query --show --showformat ' ${Package}=${db:Status-Status} ' "$@" 2>/dev/null || true)
  for name in "$@"; do
    if [[ $installed != *" $name=installed "* ]]; then printf '%s ' "$name"; fi
  done
}

install_packages() {  # install_packages <package...>: what the machine lacks of these, and of the preferred ones
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian system; CMake will name what is missing. Debian's names are: $*"
    return
  fi
  local -a missing needed as_root=()
  read -ra missing <<<"$(missing_packages "$@" "${preferred[@]}")"
  if ((${#missing[@]} == 0)); then return; fi
  read -ra needed <<<"$(missing_packages "$@")"

  local reason=""
  if [[ $install == no ]]; then
    reason="--no-install was given"
  elif ((EUID != 0)); then
    if command -v sudo >/dev/null; then as_root=(sudo); else reason="this needs root, and there is no sudo"; fi
  fi
  if [[ -n $reason ]]; then
    if ((${#needed[@]} == 0)); then return; fi
    die 2 "missing packages, and $reason; install them with: apt-get install --no-install-recommends ${needed[*]}"
  fi

  say "installing Debian packages: ${missing[*]}"
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the package lists as they are"
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >&2 ||
    die 2 "apt-get could not install: ${missing[*]}; see its message above"
}

# Configures once; the build tool itself notices when the CMake files change later.
configure() {
  local -a fresh=()
  local home=""
  if [[ -f $build_dir/CMakeCache.txt ]]; then
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build_dir/CMakeCache.txt")
    if [[ $home == "$root" && (-f $build_dir/build.ninja || -f $build_dir/Makefile) ]]; then return; fi
    fresh=(--fresh)  # the tree was moved here, or its first configuration broke off
  fi
  if command -v ninja >/dev/null; then export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}; fi
  say "configuring $build_dir"
  (cd "$root" && cmake --preset release --log-level=NOTICE "${fresh[@]}") || die 1 "configuring failed; see CMake's message above"
}

build() {  # build [targets]
  local -a targets=()
  if (($# > 0)); then targets=(--target "$@"); fi
  cmake --build "$build_dir" --parallel "$jobs" "${targets[@]}" || die 1 "the build failed; see the compiler's message above"
}

run_demo() {
  install_packages "${required[@]}"
  configure
  build saccade_command >&2
  say "saccade train mnist${*:+ $*}"
  exec "$build_dir/bin/saccade" train mnist "$@"
}

run_test() {
  if [[ ${1:-} == -- ]]; then shift; elif (($# > 0)); then die 2 "test: expected '--' before ctest's options, got '$1'"; fi
  install_packages "${required[@]}" "${for_tests[@]}"
  configure
  build
  cd "$root"
  ctest --preset release --parallel "$jobs" "$@" || die 1 "some tests failed; run one again with: ./saccade.sh test -- -R NAME"
}

main() {
  while (($# > 0)); do
    case $1 in
      --no-install) install=no ;;
      --jobs)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die 2 "--jobs: expected a number of 1 or more, got '${2:-}'"
        jobs=$2
        shift
        ;;
      -h | --help) break ;;
      -*) die 2 "unknown option '$1'; see ./saccade.sh help" ;;
      *) break ;;
    esac
    shift
  done
  local command=${1:-}
  if (($# > 0)); then shift; fi
  case $command in
    demo) run_demo "$@" ;;
    test) run_test "$@" ;;
    build)
      install_packages "${required[@]}"
      configure
      build "$@"
      ;;
    install-deps) install_packages "${required[@]}" "${for_tests[@]}" ;;
    help | -h | --help) usage ;;
    '')
      usage >&2
      exit 2
      ;;
    *) die 2 "unknown command '$command'; expected demo, test, build, install-deps or help" ;;
  esac
}

main "$@"
