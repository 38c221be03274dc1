#!/bin/sh
# Installs what dyadic's tests, benches and examples need and this machine lacks.
# Usage: sh cmake/setup.sh [--peers | --ci]
#
# Silent when nothing is missing. On Debian and its kin it installs with apt-get, through sudo where needed; elsewhere
# it says what to install. It exits 0 for a user in any case: CMake copes (fetches Eigen, leaves out the benches) or
# says what it cannot do without. --peers adds the libraries the benches compare with. With --ci, which adds these and
# what .ci/run needs, something missing is an error.
set -eu

packages="libeigen3-dev libgtest-dev libgmock-dev libbenchmark-dev nlohmann-json3-dev zlib1g-dev dataset-fashion-mnist"
peers="libdnnl-dev libgemmlowp-dev libopenblas-dev"
ci=0
case "${1-}" in
  '') ;;
  --peers) packages="$packages $peers" ;;
  --ci)
    ci=1
    packages="$packages $peers clang libclang-rt-dev g++-aarch64-linux-gnu googletest git libopenmpi-dev openmpi-bin"
    packages="$packages libonnx-testdata pkg-config qemu-user valgrind"
    ;;
  *)
    echo "setup.sh: unknown argument '$1', expected none, --peers or --ci" >&2
    exit 2
    ;;
esac
# Debian's cmake only recommends make, which its default generator runs.
[ -n "${CMAKE_GENERATOR-}" ] || command -v make >/dev/null 2>&1 || packages="$packages make"

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
  cat >&2 <<'TEXT'
setup.sh: this is not a Debian system. For everything to be built, please install Eigen 3.4 or newer, GoogleTest with
GoogleMock, Google Benchmark, nlohmann_json and zlib; for the demo on all images, the four Fashion-MNIST files
(--data DIR); to compare in the benches, oneDNN 2.x, gemmlowp and OpenBLAS.
TEXT
  exit $ci
fi

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

list_missing() {
  missing=""
  for package in $packages; do
    installed "$package" || missing="$missing $package"
  done
}

list_missing
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup.sh: missing, and neither root nor sudo to install it. Please run as root: apt-get install$missing" >&2
    exit $ci
  fi
  as_root="sudo"
fi

apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

echo "setup.sh: installing$missing" >&2
# The lists may be absent or stale on a fresh machine; a failed update may still leave usable ones.
apt update >&2 || true
# shellcheck disable=SC2086  # a list of words
if ! apt install $missing >&2; then
  # One package this release does not know must not keep the others out.
  for package in $missing; do
    apt install "$package" >&2 || true
  done
fi

list_missing
if [ -n "$missing" ]; then
  echo "setup.sh: could not be installed:$missing" >&2
  exit $ci
fi
