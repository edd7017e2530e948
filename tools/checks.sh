# SPDX-License-Identifier: MIT
# The checks of a commit and of the night, and what runs and counts them. Sourced, after lib.sh, by
# .ci/run and tools/test.
# shellcheck shell=bash

passed=0 failed=0 skipped=0
summary=()
wanted=() # the checks to run; all if empty

# is_wanted CHECK
is_wanted() {
    [ "${#wanted[@]}" -eq 0 ] && return
    local name
    for name in "${wanted[@]}"; do
        [ "$name" != "$1" ] || return 0
    done
    return 1
}

# verdict STATUS SECONDS WHAT LOG: one entry of the summary; after a failure also the error.
verdict() {
    local word=ok
    [ "$1" -eq 0 ] || word=FAILED
    summary+=("$(printf '%-6s %5d s  %s' "$word" "$2" "$3")")
    [ "$1" -eq 0 ] || summary+=("$("$PYTHON" "$ROOT/tools/results.py" --errors "$4" |
        cut -c 1-160 | sed 's/^/                /')")
}

# check NAME WHAT COMMAND...: show the output of a check and count its status. It runs in a shell of
# its own, which stops at the first error.
check() {
    local name=$1 what=$2 begin=$SECONDS status log
    shift 2
    is_wanted "$name" || return 0
    say "$what"
    log=$(mktemp)
    # Not in a condition: there `set -e` would have no effect.
    (set -e; "$@") </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    verdict "$status" "$((SECONDS - begin))" "$name: $what" "$log"
    rm -f "$log"
}

# check_tests: run tools/test and count its tests one by one. Compiler warnings are errors. Every
# tool can be installed here, so a test that is skipped has failed.
check_tests() {
    local begin=$SECONDS status line log p=0 f=0 s=0 may_skip=0
    is_wanted tests || return 0
    say "tools/test"
    log=$(mktemp)
    RAFT_WERROR=1 "$ROOT/tools/test" </dev/null 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    [ -z "$line" ] || read -r p _ f _ s _ <<<"$line"
    # The exception: Debian 13 has no clang-format 14.
    known clang-format-14 || may_skip=$(grep -c '^skipped: style-format' "$log")
    f=$((f + s - may_skip))
    # A script that stopped early, or failed without naming a test, has failed.
    if [ "$f" -eq 0 ] && { [ -z "$line" ] || [ "$status" -ne 0 ]; }; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + may_skip))
    verdict "$f" "$((SECONDS - begin))" "tests: $p passed, $f failed, $may_skip skipped" "$log"
    rm -f "$log"
}

# print_summary: what each check took. The counts are left to the caller.
print_summary() {
    say "summary"
    printf '%s\n' "${summary[@]}"
    printf '       %5d s  in all\n' "$SECONDS"
    if [ "$((passed + failed))" -eq 0 ]; then
        echo "no check ran"
        failed=1
    fi
}

# --- The checks. Those that use build/test need what tools/test has built there.

documentation() { tools/docs --test; }

lint() { tools/lint; }

coverage() { tools/coverage; }

# simulator RUNS [FROM]: simulated clusters; by default, others with each commit. Each kind of fault
# must occur in one of twenty. A commit runs fixed seeds: the bounds on traffic and the count of lost
# data are so strict that about 2 runs in 1,000 fail and must be looked at by a person.
simulator() {
    local from=${2:-} commit
    commit=$(git rev-parse HEAD 2>/dev/null || echo 0000000)
    [ -n "$from" ] || from=$((16#${commit:0:7} + 100000))
    build/test/tests/simulation/raft-sim --runs "$1" --from "$from" --jobs "$JOBS" --rare 5 |
        tail -n 60
}

# fuzzing SECONDS
fuzzing() { tools/fuzz "$1"; }

# The sanitizers on the tests that run the library in a single process. Every target is built, the
# examples too, so that clang's warnings are errors in all of them.
clang_sanitizers() {
    CC=clang CXX=clang++ configure build/clang --werror "${SANITIZED[@]}"
    "$MESON" compile -C build/clang -j "$JOBS"
    sanitizer_options
    run_tests build/clang --no-rebuild --timeout-multiplier 5 \
        --suite unit --suite scenario --suite memory --suite fuzz --suite determinism \
        --no-suite long --no-suite many
    build/clang/tests/simulation/raft-sim --runs 40 --from 1 --jobs "$JOBS"
}

SANITIZED=(--buildtype=debug -Doptimization=1 "-Db_sanitize=address,undefined" -Db_lundef=false
    -Dtests=enabled -Dapps=enabled -Dexamples=enabled -Dbench=auto -Ddocs=disabled
    -Dc_args=-fno-sanitize-recover=all -Dcpp_args=-fno-sanitize-recover=all)

sanitizer_options() {
    export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
}

# Every test under the sanitizers, raft-kv's included. Left out: tests that compile the library
# themselves or inspect symbols, and the longest (suite `long`).
all_sanitizers() {
    configure build/asan "${SANITIZED[@]}" -Dbench=disabled
    "$MESON" compile -C build/asan -j "$JOBS"
    sanitizer_options
    run_tests build/asan --no-rebuild --timeout-multiplier 5 --no-suite abi --no-suite long
    build/asan/tests/simulation/raft-sim --runs 400 --from 300000 --jobs "$JOBS"
}

# raft-kv's event loop and its worker threads. Independent rafts in parallel threads are in
# tools/test.
thread_sanitizer() {
    configure build/tsan --buildtype=debug -Doptimization=1 -Db_sanitize=thread \
        -Db_lundef=false -Dtests=enabled -Dapps=enabled -Dexamples=enabled -Dbench=disabled \
        -Ddocs=disabled
    run_tests build/tsan --timeout-multiplier 5 --suite kv
}

# Reads of uninitialized memory, down to the fields of an update.
under_valgrind() {
    local names
    # The sanitizers run what is left out here, where it would take minutes.
    mapfile -t names < <(programs_in build/test unit scenario c memory |
        grep -vE '^(failing memory|unit-term_log)$')
    [ "${#names[@]}" -gt 0 ] || { echo "no test found"; return 1; }
    run_tests build/test --no-rebuild --setup valgrind "${names[@]}"
}

# The same updates from every compiler, word size and byte order. tools/test compares the builds
# that the machine can make; here all must be there.
every_build() {
    need_packages "${PACKAGES_PLATFORMS[@]}"
    tests/determinism/variants.py --root . --build build/test/tests/determinism/variants \
        --jobs "$JOBS" --insist
}

# mutants ARGUMENT...: with the programs that tools/test has built.
mutants() { RAFT_BUILD=build/test tools/mutants "$@"; }

# commit_mutants: some. Which half of them, the commit says, so that two commits run all. (The tool
# tests itself at night; its parts that build nothing are tested by tools/test.)
commit_mutants() {
    local commit
    commit=$(git rev-parse HEAD 2>/dev/null || echo 0)
    mutants --commit --half "$((16#${commit:0:1} % 2))"
}

# Install the library and use it in every way that a user does, also beside C-Raft.
installation() {
    local prefix=$ROOT/build/prefix
    need_packages cmake pkg-config libuv1-dev zlib1g-dev
    configure build/install --buildtype=release --prefix="$prefix" --libdir=lib
    "$MESON" compile -C build/install -j "$JOBS"
    rm -rf "$prefix"
    "$MESON" install -C build/install --quiet
    "$PYTHON" tests/install/consumers.py . "$prefix" docs/examples/quickstart.c "$MESON"
    if known libraft-dev; then # Debian 13 has none
        need_packages libraft-dev
        "$PYTHON" tests/install/beside.py "$prefix" docs/examples/quickstart.c
    fi
}

demo() { tools/demo; }

# The README's lines and the quick start on fresh machines.
fresh_install() {
    tools/chroot bookworm install && tools/chroot trixie install && tools/chroot bookworm quickstart
}
fresh_documentation() { tools/chroot trixie run "tools/docs --test"; }
fresh_commands() { tools/chroot bookworm commands && tools/chroot trixie commands; }

# The release tarball and the packages made of it.
packages() { tools/package; }

# platforms [NAME...]: other compilers, machines and systems.
platforms() { tools/platforms "$@"; }

# The bindings for other languages. Every tool can be installed, so a test that is skipped has failed.
bindings() {
    need_packages "${PACKAGES_BINDINGS[@]}"
    RAFT_INSIST=1 tools/bindings
}

# The playground: the engine in Node, the page in Chromium.
playground() {
    RAFT_SIM=$ROOT/build/test/tests/simulation/raft-sim RAFT_INSIST=1 tools/playground test
}

# --- The two lists.

# commit_checks: all tests, and of the night's checks those whose result depends on the commit.
commit_checks() {
    check_tests
    check documentation "the documentation builds without a warning; its pages in a browser" \
        documentation
    check simulator "600 simulated clusters" simulator 600 1
    check clang "clang builds without a warning; tests under ASan and UBSan" clang_sanitizers
    check valgrind "unit, scenario, C and memory tests under valgrind" under_valgrind
    check fuzzing "fuzzing for 10 seconds" fuzzing 10
    check mutants "the mutants of a commit are killed" commit_mutants
    check lint "clang-tidy, cppcheck, shellcheck" lint
    check installation "the installed library is used in every way" installation
    check fresh-install "a fresh Debian 12: the library as the README installs it" \
        tools/chroot bookworm install
    check bindings "the bindings for other languages" bindings
    check playground "the playground's engine and page" playground
    check platforms "a foreign processor, WebAssembly, the flags of Fedora" \
        platforms aarch64 wasm32 fedora-flags
    check packages "the release tarball, built twice; packages from it" packages
}

# full_checks: everything.
full_checks() {
    check_tests
    check documentation "the documentation builds without a warning; its pages in a browser" \
        documentation
    check lint "clang-tidy, cppcheck, shellcheck" lint
    check coverage "coverage" coverage
    check installation "the installed library is used in every way" installation
    check clang "clang builds without a warning; tests under ASan and UBSan" clang_sanitizers
    check sanitizers "every test under ASan and UBSan, with gcc" all_sanitizers
    check threads "raft-kv under the thread sanitizer" thread_sanitizer
    check valgrind "unit, scenario, C and memory tests under valgrind" under_valgrind
    check builds "the same updates from every build, on foreign architectures too" every_build
    check demo "three servers of raft-kv; the leader is killed" demo
    check bindings "the bindings for other languages" bindings
    check playground "the playground's engine and page" playground
    check platforms "every platform" platforms
    check packages "the release tarball, built twice; packages from it" packages
    check fresh-install "Debian 12 and 13: the library as the README installs it" fresh_install
    check fresh-documentation "Debian 13: the documentation; its pages in a browser" \
        fresh_documentation
    check fresh-commands "Debian 12 and 13: the two commands of the README" fresh_commands
    check simulator "20,000 simulated clusters" simulator 20000
    check fuzzing "fuzzing for ten minutes" fuzzing 600
    check self-test "tools/mutants reports a mutant that changes nothing" mutants --self-test
    check mutants "all mutants are killed" mutants
    check random "of 300 random mutants 95 % are killed" mutants --random 300 --seed 1
}

# full_tier [--list | CHECK...]: tools/test full.
full_tier() {
    local name
    if [ "${1:-}" = --list ]; then
        declare -f full_checks | awk '$1 == "check" { print $2 } $1 ~ /^check_tests/ { print "tests" }'
        return
    fi
    for name in "$@"; do
        full_tier --list | grep -qxF -- "$name" || fail "no such check: $name (see full --list)"
    done
    wanted=("$@")
    set +e # a check that fails does not stop the others
    full_checks
    print_summary
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}
