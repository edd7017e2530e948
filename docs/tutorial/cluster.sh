# SPDX-License-Identifier: MIT
# Functions for the sessions of the tutorial. Read this file into bash:  . docs/tutorial/cluster.sh
# The programs are in build/tutorial; set BUILD if they are elsewhere.
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$source/build/tutorial}
PATH=$build/docs/tutorial:$build/examples/minimal:$PATH
if [ ! -x "$build/examples/minimal/raft-minimal" ]; then
    echo "The programs are not in $build: build them as docs/tutorial/index.rst says." >&2
fi

# shellcheck disable=SC2034 # the sessions use it
founders='1=127.0.0.1:9001 2=127.0.0.1:9002 3=127.0.0.1:9003'

# [start]
# start PROGRAM N [FOUNDERS]: run server N in the background. Its directory is mN.
start() {
    mkdir -p "m$2"
    { "$1" "m$2" "$2" "127.0.0.1:900$2" "${@:3}" >>"$2.out" 2>&1 & } 2>>jobs.log
    pid[$2]=$!
}

# crash N...: kill servers at once, as a power failure does.
crash() {
    for n; do
        kill -9 "${pid[$n]}"
        wait "${pid[$n]}"
    done 2>>jobs.log
}
# [start end]

# [say]
# say WORD: send a word to all servers, again and again, until one has applied it. Only the leader
# takes it, and there may be no leader at the moment.
say() {
    until grep -qs "applied: $1" ./*.out; do
        for n in 1 2 3; do
            { echo "$1"; sleep 0.3; } 2>>jobs.log >"/dev/tcp/127.0.0.1/900$n"
        done 2>>jobs.log
    done
}
# [say end]

# [ask]
# ask COMMAND: give a command to the leader.
ask() {
    echo "$@" | raft-ask 127.0.0.1:9001 127.0.0.1:9002 127.0.0.1:9003 127.0.0.1:9004
}

# at N COMMAND: give a command to server N. Use it for `status`, which every server answers.
at() {
    echo "${@:2}" | raft-ask "127.0.0.1:900$1"
}
# [ask end]
