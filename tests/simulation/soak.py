# SPDX-License-Identifier: MIT
"""soak.py TOOLS/SOAK RAFT-SIM: tools/soak resumes where it was interrupted, runs each seed once,
and reports the seeds that fail."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SOAK, SIM = sys.argv[1:]

# Replaces raft-sim: logs the batches that it is given, hangs in one batch while a file exists, and
# fails in another.
FAKE = """#!/bin/sh
echo "begin $2" >>"$LOG"
if [ "$2" = 120 ] && [ -e "$LOG.hang" ]; then
    touch "$LOG.hangs"
    while :; do sleep 1; done
fi
echo "ran $2 to $(($2 + $4 - 1))" >>"$LOG"
if [ "$2" = 130 ]; then
    echo "seed 133 violates a property: detail"
    echo "  replay: raft-sim --seed 133 --trace"
    exit 1
fi
echo "$4 runs, 0 failed"
"""


def soak(state, sim, *options, **kwargs):
    return subprocess.Popen(["bash", SOAK, "--state", state, "--sim", sim, *options],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True, **kwargs)


def ran(log):
    """The seeds of all batches that ended."""
    seeds = []
    with open(log, encoding="utf-8") as file:
        for first, last in re.findall(r"^ran (\d+) to (\d+)$", file.read(), re.M):
            seeds += range(int(first), int(last) + 1)
    return seeds


def interrupted_and_resumed(folder):
    log, sim, state = (os.path.join(folder, name) for name in ("log", "sim", "s.next"))
    with open(sim, "w", encoding="utf-8") as file:
        file.write(FAKE)
    os.chmod(sim, 0o755)
    open(log + ".hang", "w").close()
    env = dict(os.environ, LOG=log)
    run = soak(state, sim, "--from", "100", "--batch", "10", "--batches", "6", env=env)
    while not os.path.exists(log + ".hangs"):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode != 0, "interrupted, but it reports success"
    assert ran(log) == list(range(100, 120)), ran(log)
    os.remove(log + ".hang")

    run = soak(state, sim, "--batch", "10", "--batches", "3", env=env)
    output = run.communicate()[0]
    assert run.returncode == 1, "a failing seed, but it reports success: " + output
    assert ran(log) == list(range(100, 150)), ran(log)
    with open(state, encoding="utf-8") as file:
        assert file.read() == "150\n"
    with open(os.path.join(folder, "s.failures"), encoding="utf-8") as file:
        reported = file.read()
    assert "seed 133 violates a property" in reported and "--seed 133 --trace" in reported, reported

    run = soak(state, sim, "--batch", "10", "--batches", "1", env=env)
    assert "seeds 150 to 159" in run.communicate()[0] and run.returncode == 0
    assert ran(log) == list(range(100, 160)), ran(log)


def real(folder):
    state = os.path.join(folder, "real.next")
    for expected in ("seeds 7 to 8: 2 runs, 0 failed", "seeds 9 to 10: 2 runs, 0 failed"):
        options = ["--from", "7"] if not os.path.exists(state) else []
        run = soak(state, SIM, "--batch", "2", "--batches", "1", *options)
        output = run.communicate()[0]
        assert run.returncode == 0 and expected in output, output


with tempfile.TemporaryDirectory() as scratch:
    interrupted_and_resumed(scratch)
    real(scratch)
print("resumed after an interruption, no seed twice")
