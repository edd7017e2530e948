# SPDX-License-Identifier: MIT
# Shared by tools/* and .ci/run, which source it. Sets ROOT (the checkout), PYTHON, MESON and JOBS,
# and the lists of packages; everything else is a function.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc 2>/dev/null || echo 2)
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

# Prefer Debian's own python3 and meson: others that come first in PATH lack the modules that the
# packages below install.
debian_first() {
    if [ -x "/usr/bin/$1" ]; then echo "/usr/bin/$1"; else echo "$1"; fi
}
PYTHON=$(debian_first python3)
MESON=$(debian_first meson)

# The packages of Debian 12 and 13 for each purpose. In a name, @g++ and @clang stand for the
# versioned name of the default compiler, such as g++-12. A name that ends in `?` is optional: it is
# left out where Debian does not have it.
PACKAGES_BUILD=(g++ meson ninja-build pkg-config python3)
PACKAGES_STORE=(libuv1-dev librocksdb-dev libhiredis-dev libsodium-dev redis-tools zlib1g-dev)
# Redis clients for the tests of raft-kv; see need_clients.
PACKAGES_CLIENTS=(python3-redis)
PACKAGES_TEST=(catch2 git binutils abigail-tools clang valgrind libc6-dbg 'clang-format-14?'
    'libraft-dev?')
PACKAGES_TEST+=(doxygen groff-base mandoc) # the man pages
PACKAGES_DOCS=(doxygen python3-sphinx python3-breathe furo)
PACKAGES_BENCH=('libraft-dev?' libbenchmark-dev)
PACKAGES_ETCD=(etcd-server golang-go golang-etcd-server-dev)
PACKAGES_CLANG=(clang libclang-rt-dev)
# Other word sizes and byte orders. Not g++-multilib: it conflicts with every cross compiler.
PACKAGES_PLATFORMS=(clang @g++-multilib g++-s390x-linux-gnu qemu-user)
PACKAGES_LINT=(clang-tidy cppcheck shellcheck codespell python3-proselint)
PACKAGES_DOCS+=(graphviz) # the map of the source
PACKAGES_BROWSER=(chromium nodejs) # to test the pages of the documentation
PACKAGES_WASM=(clang lld llvm wasi-libc libclang-rt-dev-wasm32 libc++-dev-wasm32)
PACKAGES_BINDINGS=(python3-cffi mypy nodejs golang-go rustc cargo)
# bindings/examples
PACKAGES_BINDINGS+=(luajit php-cli ruby mono-mcs mono-runtime default-jdk-headless libjna-java)
# The playground: its page, and the tests of it.
PACKAGES_PLAYGROUND=(esbuild nodejs chromium)
PACKAGES_PACKAGING=(debhelper doxygen dpkg-dev fakeroot lintian rpm cmake)

say() { printf '== %s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root and no sudo: cannot run $*"
    fi
}

# apt_get COMMAND...: wait up to ten minutes for another apt to finish.
apt_get() {
    local log tries=60 status
    log=$(mktemp)
    while :; do
        status=0
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 \
            -o DPkg::Lock::Timeout=600 "$@" </dev/null 2>&1 | tee "$log" || status=$?
        # apt's own timeout does not cover the lock of the package lists.
        if [ "$status" -eq 0 ] || [ "$((tries -= 1))" -eq 0 ] ||
            ! grep -q 'Could not get lock .*/lists/lock' "$log"; then
            break
        fi
        sleep 10
    done
    rm -f "$log"
    return "$status"
}

installed() {
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# known NAME. apt takes a name with a `+` that it does not know for a regular expression.
known() {
    [ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null | grep -xF "Package: $1")" ]
}

# package_name NAME: with @g++ and @clang replaced.
package_name() {
    local name=${1%\?} compiler
    case $name in
    @*)
        compiler=${name#@}
        compiler=${compiler%%-*}
        # With the compiler's package as it is known to apt: "Depends: g++-12".
        compiler=$(apt-cache depends "$compiler" 2>/dev/null |
            awk -v name="$compiler-" 'index($2, name) == 1 && $2 ~ /-[0-9]+$/ { print $2; exit }')
        name=$compiler-${name#@*-}
        ;;
    esac
    echo "$name"
}

# missing_packages NAME...: the packages that are not installed, one a line.
missing_packages() {
    local name package
    for name in "$@"; do
        package=$(package_name "$name")
        installed "$package" || echo "$name"
    done
}

# update_lists: fetch the package lists, once a run.
update_lists() {
    [ -z "${RAFT_APT_UPDATED:-}" ] || return 0
    apt_get update || say "apt-get update failed; using the package lists as they are"
    export RAFT_APT_UPDATED=1
}

# need_packages NAME...: install what is missing. The network is used only then.
need_packages() {
    local missing names=() name package
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: expecting the equivalents of: $*"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    known g++ || update_lists # an empty machine
    for name in "${missing[@]}"; do
        package=$(package_name "$name")
        case $name in
        *\?) known "$package" || { say "this Debian has no $package"; continue; } ;;
        esac
        names+=("$package")
    done
    [ "${#names[@]}" -gt 0 ] || return 0
    update_lists
    say "installing ${names[*]}"
    apt_get install -y --no-install-recommends "${names[@]}"
}

# need_clients: install the Redis clients that the tests of raft-kv use. ioredis comes from npm, in the
# version of tests/kv/clients/package-lock.json, into build/node-clients. A client that cannot be
# installed is named by the test, which is then skipped; .ci/run takes that for a failure.
need_clients() {
    local from=$ROOT/tests/kv/clients to=$ROOT/build/node-clients
    need_packages "${PACKAGES_CLIENTS[@]}" || say "not every Redis client could be installed"
    # npm comes with other packages of node.js; Debian's conflicts with these.
    command -v npm >/dev/null || need_packages nodejs npm || say "npm could not be installed"
    if cmp -s "$from/package-lock.json" "$to/package-lock.json" &&
        [ -d "$to/node_modules/ioredis" ]; then
        return 0
    fi
    rm -rf "$to"
    mkdir -p "$to"
    cp "$from"/package*.json "$to"
    say "installing ioredis"
    (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund) ||
        say "ioredis could not be installed"
}

# need_wasm: build the library for WebAssembly, if a source is newer. Sets and exports RAFT_WASM.
need_wasm() {
    export RAFT_WASM=$ROOT/build/wasm/raft.wasm
    local newer=
    if [ -e "$RAFT_WASM" ]; then
        newer=$(find "$ROOT/src" "$ROOT/include" "$ROOT/abi" -newer "$RAFT_WASM" -type f -print -quit)
    fi
    if [ ! -e "$RAFT_WASM" ] || [ -n "$newer" ]; then
        "$ROOT/tools/wasm"
    fi
}

# configure DIR OPTION...: create the build directory, or change its options.
configure() {
    local dir=$1
    shift
    if [ -f "$dir/build.ninja" ] && "$MESON" setup --reconfigure "$dir" "$ROOT" "$@"; then
        return 0
    fi
    rm -rf "$dir"
    "$MESON" setup "$dir" "$ROOT" "$@"
}

# run_tests BUILD ARGUMENT OF meson test...: build what the tests need and run them. Then name those
# that failed or were skipped, with the error; the last line is `N passed, N failed, N skipped`. The
# status is 0 only if one passed and none failed. Without arguments all tests are run, and one that
# is defined but did not run has failed.
run_tests() {
    local build=$1 status=0 log defined=()
    shift
    log=$(mktemp)
    # Results of an earlier run must not be counted.
    rm -f "$build"/meson-logs/testlog*.json
    "$MESON" test -C "$build" --print-errorlogs "$@" </dev/null 2>&1 | tee "$log" || status=$?
    if [ "$status" -ne 0 ] && ! ls "$build"/meson-logs/testlog*.json >/dev/null 2>&1; then
        "$PYTHON" "$ROOT/tools/results.py" --errors "$log" # of the build
    fi
    [ "$#" -gt 0 ] || defined=(--all "$MESON")
    "$PYTHON" "$ROOT/tools/results.py" "$build" "${defined[@]}" || status=1
    rm -f "$log"
    return "$status"
}

# programs_in BUILD [--paths] FOLDER...: names, or paths in BUILD, of the tests that are programs
# of these folders of tests/, one a line. Fails if two tests have one name: both would be run.
programs_in() {
    "$MESON" introspect --tests "$1" | "$PYTHON" -c '
import json, os, sys
paths = "--paths" in sys.argv
tests = json.load(sys.stdin)
names = [test["name"] for test in tests]
shared = sorted({name for name in names if names.count(name) > 1})
if shared:
    sys.exit("tests with the same name: " + ", ".join(shared))
for test in tests:
    if any("/tests/%s/" % folder in test["cmd"][0] for folder in sys.argv[2:]):
        print(os.path.relpath(test["cmd"][0], sys.argv[1]) if paths else test["name"])' \
        "$ROOT/$1" "${@:2}"
}
