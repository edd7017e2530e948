# SPDX-License-Identifier: MIT
"""How often a file system can make 4 KiB durable: the limit of a store that syncs."""
import os
import tempfile
import threading
import time

BLOCK = bytes(range(256)) * 16  # 4 KiB
PREPARED = 1024  # blocks of a file that is written in advance

# What is measured: files at once, whether they were written in advance, in words.
CASES = (
    (1, False, "to the end of one file"),
    (3, False, "to the ends of three files at once, together"),
    (1, True, "into one file written in advance"),
    (3, True, "into three such files at once, together"),
)


def syncs_per_second(folder, files, prepared, seconds=1.0):
    """4 KiB at a time, each synced, to so many files at once; all files together."""
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
    """Type of the file system that holds a folder, e.g. ext4."""
    path = os.path.realpath(folder)
    best = ("", "?")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind = line.split()[:3]
            if (path + "/").startswith(where.rstrip("/") + "/") and len(where) >= len(best[0]):
                best = (where, kind)
    return best[1]
