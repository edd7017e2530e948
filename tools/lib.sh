# SPDX-License-Identifier: MIT
# Shared by tools/* and .ci/run, which source it. Sets ROOT (the checkout), PYTHON,
# MESON and JOBS; everything else is a function.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc 2>/dev/null || echo 2)
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

# Debian's own python3 and meson: others may come first in PATH, without the
# modules that the packages below bring.
debian_first() {
    if [ -x "/usr/bin/$1" ]; then echo "/usr/bin/$1"; else echo "$1"; fi
}
PYTHON=$(debian_first python3)
MESON=$(debian_first meson)

# What each purpose needs on Debian 12.
PACKAGES_BUILD=(g++ meson ninja-build pkg-config python3)
PACKAGES_STORE=(libuv1-dev librocksdb-dev libhiredis-dev redis-tools)
PACKAGES_TEST=(catch2 binutils abigail-tools valgrind libc6-dbg)
PACKAGES_DOCS=(doxygen python3-sphinx python3-breathe furo)
PACKAGES_BENCH=(libraft-dev libbenchmark-dev)
PACKAGES_ETCD=(etcd-server golang-go golang-etcd-server-dev)
PACKAGES_CLANG=(clang libclang-rt-14-dev)
# Other word sizes and byte orders. Not g++-multilib: it removes every cross compiler.
PACKAGES_PLATFORMS=(clang g++-12-multilib g++-s390x-linux-gnu qemu-user)
PACKAGES_LINT=(clang-tidy cppcheck shellcheck)

say() { printf '== %s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Which of the packages are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root and no sudo: cannot run $*"
    fi
}

# need_packages NAME...: install what is missing, asking the network only then.
need_packages() {
    local missing
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: expecting the equivalents of: $*"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "installing ${missing[*]}"
    if [ -z "${RAFT_APT_UPDATED:-}" ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q -o Acquire::Retries=3 ||
            say "apt-get update failed; trying with the lists that are there"
        export RAFT_APT_UPDATED=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        -o Acquire::Retries=3 "${missing[@]}" </dev/null
}

# configure DIR OPTION...: a build directory with these options, new or not.
configure() {
    local dir=$1
    shift
    if [ -f "$dir/build.ninja" ] && "$MESON" setup --reconfigure "$dir" "$ROOT" "$@"; then
        return 0
    fi
    rm -rf "$dir"
    "$MESON" setup "$dir" "$ROOT" "$@"
}

# count_tests DIR [all]: "passed failed skipped", from the log of the last
# `meson test` in DIR; then the names of those that did not pass. With `all`, a
# test that is defined but not in the log has failed.
count_tests() {
    "$PYTHON" - "$MESON" "$@" <<'EOF'
import json, subprocess, sys
meson, build, every = sys.argv[1], sys.argv[2], "all" in sys.argv[3:]
groups = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
names = {"passed": [], "failed": [], "skipped": []}
try:
    with open(build + "/meson-logs/testlog.json", encoding="utf-8") as log:
        for line in filter(str.strip, log):
            test = json.loads(line)
            names[groups.get(test["result"], "failed")].append(test["name"])
except FileNotFoundError:
    pass
if every:
    listed = json.loads(subprocess.run([meson, "introspect", "--tests", build], check=True,
                                       capture_output=True, text=True).stdout)
    absent = len(listed) - sum(map(len, names.values()))
    names["failed"] += ["(did not run)"] * max(absent, 0)
print(*(len(names[kind]) for kind in ("passed", "failed", "skipped")))
for kind in ("failed", "skipped"):
    for name in names[kind]:
        print("%s: %s" % (kind, name))
EOF
}

# programs_in BUILD [--paths] FOLDER...: names, or paths in BUILD, of the tests that are programs
# of these folders of tests/, one a line. A name that two tests share would run both.
programs_in() {
    "$MESON" introspect --tests "$1" | "$PYTHON" -c '
import json, os, sys
paths = "--paths" in sys.argv
tests = json.load(sys.stdin)
names = [test["name"] for test in tests]
shared = sorted({name for name in names if names.count(name) > 1})
if shared:
    sys.exit("tests of one name: " + ", ".join(shared))
for test in tests:
    if any("/tests/%s/" % folder in test["cmd"][0] for folder in sys.argv[2:]):
        print(os.path.relpath(test["cmd"][0], sys.argv[1]) if paths else test["name"])' \
        "$ROOT/$1" "${@:2}"
}
