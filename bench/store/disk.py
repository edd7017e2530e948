# SPDX-License-Identifier: MIT
"""How often a file system can make an append durable: the limit of a store that syncs."""
import os
import tempfile
import threading
import time

BLOCK = bytes(range(256)) * 16  # 4 KiB


def syncs_per_second(folder, files=1, seconds=1.0):
    """Appends of 4 KiB, each synced, to so many files at once; all files together."""
    counts = []
    end = time.monotonic() + seconds

    def append():
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            n = 0
            while time.monotonic() < end:
                file.write(BLOCK)
                os.fdatasync(file.fileno())
                n += 1
            counts.append(n)

    threads = [threading.Thread(target=append) for _ in range(files)]
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
