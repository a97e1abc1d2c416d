"""SHA-256 that can be taken up again in the middle.

A hash over 60 GB runs in one line from the first byte to the last. But its state between two blocks
is 32 bytes (FIPS 180-4, 6.2.2). Kept at every RANGE, these states (the *chain*) let a later run
check any range by itself: begin with the state before it, and the state after it has to come out.
So one large file is verified by several threads, a broken download goes on without a second read
of what is there, and damage is known by its range. The chain needs no trust: if every step from the
constants of the standard to the publisher's hash comes out, the file has that hash.

hashlib does not give the state away; the same code in OpenSSL does, through ctypes. Its functions
of 1998 are called deprecated and are in every build that distributions ship.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import hashlib
import struct

from stackctl.model import StackError

#: bytes from one state of the chain to the next
RANGE = 64 << 20
#: FIPS 180-4, 5.3.3: the state before the first block
INITIAL = bytes.fromhex("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19")
_BLOCK = 64
_WORDS = struct.Struct(">8I")
_NAMES = ("libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so")


class _Context(ctypes.Structure):
    """SHA256_CTX of openssl/sha.h."""

    _fields_ = (
        ("h", ctypes.c_uint32 * 8),
        ("bits_low", ctypes.c_uint32),
        ("bits_high", ctypes.c_uint32),
        ("data", ctypes.c_uint32 * 16),
        ("num", ctypes.c_uint),
        ("md_len", ctypes.c_uint),
    )


class Chained:
    """A running SHA-256 whose state can be read and set at multiples of 64 bytes."""

    def __init__(self, state: bytes = INITIAL, done: int = 0) -> None:
        """Go on after `done` bytes with the `state` they left."""
        if done % _BLOCK or len(state) != _WORDS.size:
            raise ValueError(f"no state of SHA-256 after {done} bytes")
        self._library = _library()
        self._context = _Context()
        self._at = ctypes.byref(self._context)
        self._library.SHA256_Init(self._at)
        self._context.h[:] = _WORDS.unpack(state)
        self._context.bits_low = (done << 3) & 0xFFFFFFFF
        self._context.bits_high = done >> 29
        self.done = done

    def update(self, buffer: bytearray | memoryview) -> None:
        """Add the bytes of a writable buffer; other threads run meanwhile."""
        size = len(buffer)
        if size:
            view = (ctypes.c_char * size).from_buffer(buffer)
            self._library.SHA256_Update(self._at, view, ctypes.c_size_t(size))
            self.done += size

    @property
    def state(self) -> bytes:
        """The 32 bytes between two blocks."""
        if self.done % _BLOCK:
            raise ValueError(f"no state of SHA-256 after {self.done} bytes")
        return _WORDS.pack(*self._context.h)

    def hexdigest(self) -> str:
        """The hash of everything; ends the use of this object."""
        result = ctypes.create_string_buffer(32)
        self._library.SHA256_Final(result, self._at)
        return result.raw.hex()


def ranges(size: int) -> int:
    """How many ranges a file of `size` bytes has; an empty one has one as well."""
    return max(1, -(-size // RANGE))


@functools.cache
def _library() -> ctypes.CDLL:
    """OpenSSL's libcrypto, proven to count as hashlib does."""
    for name in (*_NAMES, ctypes.util.find_library("crypto") or ""):
        try:
            library = ctypes.CDLL(name)
            if _counts(library):
                return library
        except (OSError, AttributeError):
            continue
    raise StackError(
        "OpenSSL's libcrypto was not found", fix="sudo apt-get install libssl3, then try again"
    )


def _counts(library: ctypes.CDLL) -> bool:
    context = _Context()
    at = ctypes.byref(context)
    text = b"stackctl" * 40
    result = ctypes.create_string_buffer(32)
    library.SHA256_Init(at)
    if _WORDS.pack(*context.h) != INITIAL:
        return False
    library.SHA256_Update(at, text, ctypes.c_size_t(len(text)))
    library.SHA256_Final(result, at)
    return result.raw == hashlib.sha256(text).digest()
