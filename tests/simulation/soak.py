# SPDX-License-Identifier: MIT
"""soak.py TOOLS/SOAK RAFT-SIM: it resumes where it was interrupted, lives each seed once, and
tells of those that failed."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SOAK, SIM = sys.argv[1:]

# Stands in for raft-sim: writes down what it was asked for, hangs in one batch while a file is
# there, fails in another.
FAKE = """#!/bin/sh
echo "begin $2" >>"$DIARY"
if [ "$2" = 120 ] && [ -e "$DIARY.hang" ]; then
    touch "$DIARY.hangs"
    while :; do sleep 1; done
fi
echo "lived $2 to $(($2 + $4 - 1))" >>"$DIARY"
if [ "$2" = 130 ]; then
    echo "seed 133 violates something: badly"
    echo "  replay: raft-sim --seed 133 --trace"
    exit 1
fi
echo "$4 worlds, 0 failed"
"""


def soak(state, sim, *options, **kwargs):
    return subprocess.Popen(["bash", SOAK, "--state", state, "--sim", sim, *options],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            start_new_session=True, **kwargs)


def lived(diary):
    """The seeds that were lived to the end."""
    seeds = []
    with open(diary, encoding="utf-8") as file:
        for first, last in re.findall(r"^lived (\d+) to (\d+)$", file.read(), re.M):
            seeds += range(int(first), int(last) + 1)
    return seeds


def interrupted_and_resumed(folder):
    diary, sim, state = (os.path.join(folder, name) for name in ("diary", "sim", "s.next"))
    with open(sim, "w", encoding="utf-8") as file:
        file.write(FAKE)
    os.chmod(sim, 0o755)
    open(diary + ".hang", "w").close()
    env = dict(os.environ, DIARY=diary)
    run = soak(state, sim, "--from", "100", "--batch", "10", "--batches", "6", env=env)
    while not os.path.exists(diary + ".hangs"):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate()
    assert run.returncode != 0, "interrupted, but content"
    assert lived(diary) == list(range(100, 120)), lived(diary)
    os.remove(diary + ".hang")

    run = soak(state, sim, "--batch", "10", "--batches", "3", env=env)
    output = run.communicate()[0]
    assert run.returncode == 1, "a failing seed, but content: " + output
    assert lived(diary) == list(range(100, 150)), lived(diary)
    with open(state, encoding="utf-8") as file:
        assert file.read() == "150\n"
    with open(os.path.join(folder, "s.failures"), encoding="utf-8") as file:
        told = file.read()
    assert "seed 133 violates something" in told and "--seed 133 --trace" in told, told

    run = soak(state, sim, "--batch", "10", "--batches", "1", env=env)
    assert "seeds 150 to 159" in run.communicate()[0] and run.returncode == 0
    assert lived(diary) == list(range(100, 160)), lived(diary)


def real(folder):
    state = os.path.join(folder, "real.next")
    for expected in ("seeds 7 to 8: 2 worlds, 0 failed", "seeds 9 to 10: 2 worlds, 0 failed"):
        options = ["--from", "7"] if not os.path.exists(state) else []
        run = soak(state, SIM, "--batch", "2", "--batches", "1", *options)
        output = run.communicate()[0]
        assert run.returncode == 0 and expected in output, output


with tempfile.TemporaryDirectory() as scratch:
    interrupted_and_resumed(scratch)
    real(scratch)
print("resumed where it was interrupted; no seed twice")
