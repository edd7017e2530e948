# SPDX-License-Identifier: MIT
"""Measures how many 4 KiB writes per second a file system can make durable: an upper limit for a
store that syncs every write."""
import os
import tempfile
import threading
import time

BLOCK = bytes(range(256)) * 16  # 4 KiB
PREPARED = 1024  # size in blocks of a file that is written in advance

# The cases: number of files at the same time, whether they are written in advance, description.
CASES = (
    (1, False, "appended to one file"),
    (3, False, "appended to three files at once, total"),
    (1, True, "into one file written in advance"),
    (3, True, "into three such files at once, total"),
)


def syncs_per_second(folder, files, prepared, seconds=1.0):
    """Write and sync 4 KiB at a time to this number of files at once; return the total rate."""
    counts = []
    start = threading.Barrier(files)

    def write():
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            if prepared:
                file.write(bytes(len(BLOCK) * PREPARED))
                os.fsync(file.fileno())
            start.wait()
            n = 0
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                at = n % PREPARED if prepared else n
                os.pwrite(file.fileno(), BLOCK, at * len(BLOCK))
                os.fdatasync(file.fileno())
                n += 1
            counts.append(n)

    threads = [threading.Thread(target=write) for _ in range(files)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def file_system(folder):
    """The type of the file system that holds a folder, for example ext4."""
    path = os.path.realpath(folder)
    best = ("", "?")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind = line.split()[:3]
            if (path + "/").startswith(where.rstrip("/") + "/") and len(where) >= len(best[0]):
                best = (where, kind)
    return best[1]
