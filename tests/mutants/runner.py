# SPDX-License-Identifier: MIT
"""Runs a test in a sandbox and classifies its failure."""
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

MEMORY = 8 << 30   # bytes that a test may use
OUTPUT = 64 << 20  # bytes that a test may write
GIVE_UP = 3600     # seconds after which the run itself is given up


class Outcome:
    """How a test ended. `how`: check, invariant, crash or timeout; empty if it passed."""

    def __init__(self, test, how, what, seconds, cpu, seeds=0):
        self.test, self.how, self.what = test, how, what
        self.seconds, self.cpu, self.seeds = seconds, cpu, seeds

    @property
    def passed(self):
        return not self.how


class Runner:
    """`usual`: CPU seconds that each test takes without a mutant; `seeds`: how many the simulator
    runs."""

    def __init__(self, seeds, usual=None):
        self.seeds, self.usual = seeds, usual or {}

    def run(self, sandbox, test):
        simulated = test.suite == "simulation"
        command = [sandbox.program(test.program)] + test.args
        if simulated:
            command = [command[0], "--runs", str(self.seeds), "--jobs", "1", "--quiet"]
        elif test.suite in ("unit", "scenario"):
            command.append("--abort")
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            begin = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, cwd=sandbox.path,
                                       env=sandbox.environment(), start_new_session=True,
                                       preexec_fn=self._limits(test))
            status, cpu = wait(process)
            seconds = time.monotonic() - begin
            output.seek(0)
            text = output.read(1 << 20)
        if status == 0:
            return Outcome(test, "", "", seconds, cpu)
        seed = re.search(r"^seed (\d+) ", text, re.M)
        return Outcome(test, manner(status, text), explanation(test, text), seconds, cpu,
                       int(seed[1]) if simulated and seed else 0)

    def _limits(self, test):
        """A limit of CPU time, which does not depend on the load of the machine."""
        key = test.name
        cpu = 60 + 10 * self.usual.get(key, 60.0)
        if test.suite not in ("model", "simulation"):
            cpu = 5 + 10 * self.usual.get(key, 5.0)

        def apply():
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return apply


def wait(process):
    """The status of a process, and its CPU time, its children included."""
    timer_end = time.monotonic() + GIVE_UP
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if time.monotonic() > timer_end:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise RuntimeError("a test neither ends nor uses CPU time")
        time.sleep(0.002)


def manner(status, text):
    if status == -signal.SIGXCPU or "bounded work" in text:
        return "timeout"
    if status in (-signal.SIGILL, -signal.SIGTRAP) or "SIGILL" in text or \
            "invariants inside the library: killed by signal 4" in text:
        return "invariant"
    if status < 0 or "fatal error condition" in text or "killed by signal" in text:
        return "crash"
    return "check"


def explanation(test, text):
    """The part of a test's output that names the failure."""
    if test.suite in ("unit", "scenario"):
        case = re.search(r"^-{60,}\n(.*)\n", text, re.M)
        return case[1].strip() if case else ""
    for pattern in (r"violates (.*)", r"BROKEN: (.*), after:", r"(there are too many states)",
                    r"(only \d+ entries are committed in any state.*)"):
        found = re.search(pattern, text)
        if found:
            return found[1][:100]
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:100] if lines else ""
