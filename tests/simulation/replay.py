# SPDX-License-Identifier: MIT
"""replay.py RAFT-SIM: the command that a failure prints replays it, the same seed prints the same
trace, and the drawing shows what the trace says."""
import collections
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

SIM = sys.argv[1]
SVG = "{http://www.w3.org/2000/svg}"


def sim(*args):
    done = subprocess.run([SIM, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def without_summary(text):
    """The output without its last line, which contains the time taken."""
    return text[:text.rindex("\n", 0, -1)]


def failures_are_replayed():
    status, text = sim("--break", "forged-term", "--runs", "100", "--failures", "2", "--quiet")
    found = re.findall(r"^(seed \d+ at .* violates .*)\n  replay: raft-sim (.*)$", text, re.M)
    assert status == 1 and len(found) == 2, text
    for violation, command in found:
        status, text = sim(*command.split(), "--quiet")
        assert status == 1 and violation in text, (violation, text[-500:])
        assert len(text.splitlines()) > 100, text  # a trace
        quiet = sim(*command.split(), "--quiet")[1]
        assert without_summary(quiet) == without_summary(text), command


def drawing(seed, folder, *more):
    path = os.path.join(folder, "trace.svg")
    text = sim("--seed", seed, "--trace", "--svg", path, "--svg-seconds", "1000", *more)[1]
    return text, ET.parse(path).getroot()


def drawings_show_the_trace(folder):
    text, root = drawing("3", folder)
    titles = [title.text for title in root.iter(SVG + "title")]
    shown = collections.Counter(title.split()[0] for title in titles)
    lanes = {e.text for e in root.iter(SVG + "text") if re.fullmatch(r"s\d", e.text or "")}
    assert lanes == set(re.findall(r" ms  (s\d) ", text)) and len(lanes) == 5, lanes
    crashes = len(re.findall(r" ms  s\d  crashes", text))
    assert crashes > 0 and shown["crashes:"] == crashes, (crashes, shown)
    received = len(re.findall(r" ms  s\d  receives", text))
    assert received > 0 and len(list(root.iter(SVG + "line"))) == received, received
    terms = set(re.findall(r" ms  (s\d)  is leader of (term \d+)", text))
    assert terms and all(" ".join(term) in titles for term in terms), terms
    assert shown["commit"] > 0
    text, root = drawing("1", folder, "--break", "early-ack")
    violation = re.search(r" violates (.*)", text)[1]
    assert any(violation in (e.text or "") for e in root.iter(SVG + "text")), violation


with tempfile.TemporaryDirectory() as scratch:
    failures_are_replayed()
    drawings_show_the_trace(scratch)
print("failures are replayed, and drawings show the trace")
