#!/bin/sh
# Builds and runs every consumer in FOLDER. Usage: sh tests/consumer/run.sh FOLDER
# Prints "passed: NAME" or "FAILED: NAME" for each, with the output of what failed; exits 1 if any did.
# shellcheck disable=SC2317  # the functions are called by name
set -u
if [ $# -ne 1 ]; then
  echo "run.sh: $# arguments, expected 1, the folder to build in" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
rm -rf "$1/consumer"
mkdir -p "$1/consumer"
work=$(cd "$1/consumer" && pwd)
log=$work/log
status=0

passed() { echo "passed: consumer $1"; }
failed() {
  echo "FAILED: consumer $1"
  cat "$log"
  status=1
}

# try NAME COMMAND...: the command must succeed.
try() {
  name=$1
  shift
  if "$@" >"$log" 2>&1; then passed "$name"; else failed "$name"; fi
}

# refuse NAME TEXT COMMAND...: the command must fail and say TEXT.
refuse() {
  name=$1 text=$2
  shift 2
  if "$@" >"$log" 2>&1; then
    echo "succeeded, expected to fail with: $text" >>"$log"
    failed "$name"
  elif tr -s ' \n' '  ' <"$log" | grep -qF -- "$text"; then  # CMake breaks its messages into lines
    passed "$name"
  else
    echo "expected to say: $text" >>"$log"
    failed "$name"
  fi
}

# build_and_run FOLDER BUILD ARGUMENT...: a project, from nothing.
build_and_run() {
  project=$1 build=$work/$2
  shift 2
  cmake -S "$here/$project" -B "$build" "$@" && cmake --build "$build" && "$build/consumer"
}

# The install tree is moved before it is used: nothing in it may know where it was made.
install_tree() {
  cmake -S "$source" -B "$work/package" -DDYADIC_BUILD_TESTS=OFF -DDYADIC_BUILD_EXAMPLES=OFF -DDYADIC_BUILD_BENCH=OFF \
    -DCMAKE_INSTALL_PREFIX="$work/first" && cmake --build "$work/package" && cmake --install "$work/package" &&
    mv "$work/first" "$work/prefix" && ! grep -rF "$work" "$work/prefix"
}
try "install tree" install_tree
prefix=-DCMAKE_PREFIX_PATH=$work/prefix

try "find_package" build_and_run find_package find_package "$prefix"
try "find_package with the component eigen" build_and_run find_package component "$prefix" -DCOMPONENTS=eigen
try "find_package with the component report" build_and_run report report "$prefix"
refuse "find_package where nlohmann_json is missing" \
  "component 'report' needs nlohmann_json 3.9 or newer, which is not installed" \
  cmake -S "$here/report" -B "$work/json_missing" "$prefix" -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON
refuse "find_package with an unknown component" "has no component 'cuda', it has: eigen, report" \
  cmake -S "$here/find_package" -B "$work/unknown_component" "$prefix" -DCOMPONENTS=cuda
refuse "find_package with a component that is switched off" "component 'eigen' was switched off by DYADIC_WITH_EIGEN=OFF" \
  cmake -S "$here/find_package" -B "$work/component_off" "$prefix" -DCOMPONENTS=eigen -DDYADIC_WITH_EIGEN=OFF
refuse "find_package where Eigen is missing" "Eigen 3.4 or newer is needed: not installed (DYADIC_WITH_EIGEN=OFF does without)" \
  cmake -S "$here/find_package" -B "$work/eigen_missing" "$prefix" -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON
try "no Eigen" build_and_run no_eigen no_eigen "$prefix"

pkg_config_program() {
  PKG_CONFIG_PATH=$work/prefix/share/pkgconfig
  export PKG_CONFIG_PATH
  # shellcheck disable=SC2046  # a list of flags
  c++ -std=c++20 -O1 $(pkg-config --cflags dyadic) "$here/with_eigen.cpp" $(pkg-config --libs dyadic) \
    -o "$work/pkg_config" && "$work/pkg_config"
}
try "pkg-config" pkg_config_program

try "add_subdirectory" build_and_run add_subdirectory add_subdirectory -DDYADIC_SOURCE="$source"
try "FetchContent" build_and_run fetch_content fetch_content -DDYADIC_SOURCE="$source"
installs_nothing() { cmake --install "$work/add_subdirectory" --prefix "$work/leaked" && [ ! -e "$work/leaked" ]; }
try "add_subdirectory installs nothing" installs_nothing
try "no exceptions, no RTTI" build_and_run no_exceptions no_exceptions -DDYADIC_SOURCE="$source"
try "two instruction sets in one program" build_and_run two_isas two_isas -DDYADIC_SOURCE="$source"

strict_program() {
  "$1" -std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -I"$source/include" \
    "$here/main.cpp" -o "$work/strict" && "$work/strict"
}
for compiler in g++ clang++; do
  try "strict warnings, $compiler" strict_program "$compiler"
done
exit $status
