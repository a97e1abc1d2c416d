"""Staying out of the way of the engines: the disk when nobody wants it, and their page cache."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

from stackctl.model import StackError
from stackctl.system import process

_NICEST = 19
_IDLE_CLASS = "3"
_PROT_READ, _MAP_SHARED = 1, 1


def be_idle() -> str:
    """Take the CPU and the disk only when nobody else wants them, for the rest of this process;
    threads that are begun later do so as well. Says what could not be had."""
    os.nice(_NICEST)
    try:
        done = process.run(["ionice", "-c", _IDLE_CLASS, "-p", str(os.getpid())])
    except StackError:
        return "ionice (util-linux) is not there, so the disk is shared as usual"
    return f"ionice: {done.err.strip()}" if done.code else ""


def cached(path: Path) -> float:
    """The share of a file that is in memory: an engine may count on it. 0 if that is not told."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            pages = -(-size // os.sysconf("SC_PAGE_SIZE"))
            told = ctypes.create_string_buffer(max(1, pages))
            at = libc.mmap(None, size, _PROT_READ, _MAP_SHARED, descriptor, 0)
            if not size or at in (None, ctypes.c_void_p(-1).value):
                return 0.0
            try:
                if libc.mincore(at, size, told):
                    return 0.0
            finally:
                libc.munmap(at, size)
            raw = told.raw[:pages]
            return 1 - raw.count(0) / pages
        finally:
            os.close(descriptor)
    return 0.0


def forget(path: Path) -> None:
    """Give the memory back that reading a file took. What somebody has mapped stays."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
