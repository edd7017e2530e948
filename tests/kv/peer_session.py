# SPDX-License-Identifier: MIT
"""The connection of a server to another one, for tests: frames, and with a secret their encryption
(apps/raft-kv/peers/session.h), with libsodium through ctypes."""
import ctypes
import ctypes.util
import hashlib
import os
import socket
import struct

HEAD, HEADER, MORE = 8, 24, 17
KEY, PROOF, MAGIC = b"\x1e", b"\x1f", 0x31534b52
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
    TABLE.append(byte)


def frame(content):
    """A frame that is not encrypted."""
    crc = 0xffffffff
    for byte in content:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return struct.pack("<II", len(content), crc ^ 0xffffffff) + content


def sodium():
    """The library, or None."""
    path = ctypes.util.find_library("sodium")
    return ctypes.CDLL(path) if path else None


STREAM = "crypto_secretstream_xchacha20poly1305_"


class Channel:
    """A connection to the port for servers at `port`, or the accepted connection `accepted`."""

    def __init__(self, port=None, secret=None, accepted=None, timeout=5):
        self.socket = accepted or socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.settimeout(timeout)
        self.connects = accepted is None
        self.secret = hashlib.blake2b(secret, digest_size=32).digest() if secret else None
        self.library = sodium() if secret else None
        self.opened = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise ConnectionError("connection closed")
            data += more
        return data

    def key(self):
        """The frame with this side's public key."""
        public, private = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
        self.library.crypto_box_keypair(public, private)
        self.private = private.raw
        self.public = public.raw + os.urandom(32)
        return frame(KEY + struct.pack("<I", MAGIC) + self.public)

    def proof(self, other):
        """Derive the keys from the public key of the other side; return the frame with the
        proof."""
        point = ctypes.create_string_buffer(32)
        self.library.crypto_scalarmult(point, self.private, other)
        first, second = (self.public, other) if self.connects else (other, self.public)

        def derive(direction):
            return hashlib.blake2b(b"raft-kv session 1\0" + bytes([direction]) + point.raw + first +
                                   second, key=self.secret, digest_size=32).digest()
        size = self.library[STREAM + "statebytes"]()
        self.out, self.into = (ctypes.create_string_buffer(size) for _ in range(2))
        header = ctypes.create_string_buffer(HEADER)
        self.library[STREAM + "init_push"](self.out, header, derive(1 if self.connects else 2))
        self.in_key = derive(2 if self.connects else 1)
        return frame(PROOF + header.raw + self.push(b"", b""))

    def push(self, content, head):
        to = ctypes.create_string_buffer(len(content) + MORE)
        self.library[STREAM + "push"](self.out, to, None, content,
                                      ctypes.c_ulonglong(len(content)), head,
                                      ctypes.c_ulonglong(len(head)), ctypes.c_ubyte(0))
        return to.raw

    def pull(self, data, head):
        to = ctypes.create_string_buffer(len(data))
        n, tag = ctypes.c_ulonglong(0), ctypes.c_ubyte(0)
        if self.library[STREAM + "pull"](self.into, to, ctypes.byref(n), ctypes.byref(tag), data,
                                         ctypes.c_ulonglong(len(data)), head,
                                         ctypes.c_ulonglong(len(head))) != 0:
            raise ConnectionError("not authentic")
        return to.raw[:n.value]

    def open(self):
        """Exchange keys, if there is a secret."""
        if self.secret is None:
            return self
        if self.connects:
            self.socket.sendall(self.key())
        other = self.receive()[5:]
        if not self.connects:
            self.socket.sendall(self.key())
        self.socket.sendall(self.proof(other))
        proof = self.receive()
        if self.library[STREAM + "init_pull"](self.into, proof[1:1 + HEADER], self.in_key) != 0:
            raise ConnectionError("not authentic")
        self.pull(proof[1 + HEADER:], b"")
        self.opened = True
        return self

    def seal(self, content):
        """The frame with this content."""
        if not self.opened:
            return frame(content)
        head = struct.pack("<II", len(content) + MORE, 0)
        return head + self.push(content, head)

    def send(self, content):
        self.socket.sendall(self.seal(content))

    def receive(self):
        """The content of the next frame."""
        head = self.read(HEAD)
        data = self.read(struct.unpack("<I", head[:4])[0])
        return self.pull(data, head) if self.opened else data
