# SPDX-License-Identifier: MIT
"""Generate ctypes classes from abi/raft.ffi.h, without a C compiler; cdecl.py parses
the file."""

import ctypes

import cdecl

BASE = {
    "void *": ctypes.c_void_p, "const char *": ctypes.c_char_p, "const void *": ctypes.c_void_p,
    "size_t": ctypes.c_size_t, "bool": ctypes.c_bool,
    "unsigned char": ctypes.c_ubyte, "unsigned short": ctypes.c_ushort, "int": ctypes.c_int,
    "unsigned": ctypes.c_uint, "unsigned int": ctypes.c_uint,
    "unsigned long long": ctypes.c_ulonglong, "void": None,
}


class Interface:
    """The structs, constants and functions of a loaded library, by name."""

    def __init__(self, text, library):
        self.declarations = cdecl.Declarations(text)
        self.structs = {name: type(name, (ctypes.Structure,), {})
                        for name in self.declarations.structs}
        for name, fields in self.declarations.structs.items():
            self._fill(self.structs[name], fields)
        self.constants = {name: value for listed in self.declarations.enums.values()
                          for name, value in listed}
        loaded = ctypes.CDLL(library)
        self.functions = {}
        for name, (kind, parameters) in self.declarations.functions.items():
            function = getattr(loaded, name)
            function.restype = self.type_of(kind)
            function.argtypes = [self.type_of(parameter) for parameter, _ in parameters]
            self.functions[name] = function

    def _fill(self, target, fields):
        described, unnamed = [], []
        for kind, name, length in fields:
            if not name:
                union = type(target.__name__ + "_union", (ctypes.Union,), {})
                self._fill(union, kind)
                described.append(("unnamed", union))
                unnamed.append("unnamed")
                continue
            field = self.type_of(kind)
            described.append((name, field * length if length else field))
        target._anonymous_ = unnamed
        target._fields_ = described

    def type_of(self, kind):
        """The ctypes type that corresponds to a C type."""
        if kind in BASE:
            return BASE[kind]
        if "(*)" in kind:
            return ctypes.c_void_p
        if kind in self.declarations.typedefs:
            return self.type_of(self.declarations.typedefs[kind])
        if kind.endswith("**"):
            return ctypes.POINTER(self.type_of(kind[:-1].strip()))
        if kind.endswith("*"):
            return ctypes.POINTER(self.type_of(kind[:-1].replace("const ", "").strip()))
        tag, name = kind.split()
        return ctypes.c_int if tag == "enum" else self.structs[name]
