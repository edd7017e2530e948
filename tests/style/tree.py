# SPDX-License-Identifier: MIT
"""The files of the source tree, for the checks beside this file."""
import os
import re
import sys
import tempfile

SKIPPED = ('build', '.', '__pycache__', 'node_modules')  # folders whose names begin like this
KEPT = {'.ci'}
FROZEN = re.compile(r'abi/[0-9.]+/')  # releases: they keep what they have
GENERATED = {'abi/raft.ffi.h', 'bindings/python/raftcore/raft.ffi.h',
             'bindings/javascript/src/layout.js', 'bindings/rust/src/sys.rs',
             'bindings/examples/csharp/RaftC.cs', 'bindings/examples/java/RaftC.java'}


def files(root):
    """Paths below `root` of the files of the tree, sorted; build directories are left out."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [s for s in subfolders if s in KEPT or not s.startswith(SKIPPED)]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in found if not FROZEN.match(path))


def is_c(path):
    """C or C++ that people write."""
    return path.endswith(('.c', '.h', '.cpp', '.hpp')) and path not in GENERATED


def read(root, path):
    """The text of a file, or None if it is not text."""
    try:
        with open(os.path.join(root, path), encoding='utf-8') as file:
            return file.read()
    except UnicodeDecodeError:
        return None


def write(root, files_and_texts):
    """Create the files of a small tree, for a self-test."""
    for path, text in files_and_texts.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)


def judge_cases(check, breaches, fine):
    """Self-test: each breach must cause exactly one complaint, with the given text, and each fine
    tree none. Returns the exit status."""
    def complaints_about(files):
        with tempfile.TemporaryDirectory() as folder:
            write(folder, files)
            return check(folder)[0]

    failed = 0
    for what, (files, part) in breaches.items():
        complaints = complaints_about(files)
        if len(complaints) != 1 or part not in complaints[0]:
            failed += 1
            print(f'FAILED: {what}: expected one complaint with "{part}": {complaints}')
    for what, files in fine.items():
        complaints = complaints_about(files)
        if complaints:
            failed += 1
            print(f'FAILED: {what}: expected no complaint: {complaints}')
    print(f'{len(breaches) + len(fine)} cases, {failed} failed')
    return 1 if failed else 0


def main(check, breaches, fine):
    """Check the tree that the command line names, or test the check. Returns the exit status."""
    if sys.argv[1:] == ['--self-test']:
        return judge_cases(check, breaches, fine)
    return report(*check(sys.argv[1]))


def report(complaints, seen):
    """Print the complaints about a tree. Returns the exit status."""
    print('\n'.join(complaints + [f'{seen} files, {len(complaints)} complaints']))
    return 1 if complaints else 0
