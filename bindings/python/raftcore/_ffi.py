# SPDX-License-Identifier: MIT
"""The library, loaded through cffi with the declarations of raft.ffi.h."""

import ctypes.util
import os
import sys
from typing import Any, Iterator, List

from cffi import FFI

VERSION = 10000  # of raft.ffi.h: 10000 * major + 100 * minor + patch

ffi = FFI()
with open(os.path.join(os.path.dirname(__file__), "raft.ffi.h"), encoding="ascii") as _file:
    ffi.cdef(_file.read())


def candidates() -> Iterator[str]:
    """Where the library may be. RAFT_LIBRARY, if set, is the only place."""
    chosen = os.environ.get("RAFT_LIBRARY")
    if chosen:
        yield chosen
        return
    if sys.platform == "win32":
        yield "raft-core-1.dll"
        yield "libraft-core-1.dll"
    elif sys.platform == "darwin":
        yield "libraft-core.1.dylib"
    else:
        yield "libraft-core.so.1"
    found = ctypes.util.find_library("raft-core")
    if found:
        yield found


def load() -> Any:
    """The library, if one is found and its version fits."""
    errors: List[str] = []
    for name in candidates():
        try:
            library = ffi.dlopen(name)
            version = library.raft_version(ffi.NULL)
        except (OSError, AttributeError) as error:
            errors.append(f"{name}: {error}")
            continue
        if version // 10000 != VERSION // 10000 or version < VERSION:
            errors.append(f"{name}: version {version}, but {VERSION} or a later minor is needed")
            continue
        return library
    raise ImportError("libraft-core was not found; set RAFT_LIBRARY to its path.\n" +
                      "\n".join(errors))


lib = load()


def text(pointer: Any) -> str:
    """A string of C. Bytes that are not UTF-8 are kept as lone surrogates."""
    return str(ffi.string(pointer).decode("utf-8", "surrogateescape"))


def encoded(string: str) -> bytes:
    """The bytes of a string, for C. Zero bytes cannot be passed."""
    raw = string.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError("a zero byte in a string")
    return raw
