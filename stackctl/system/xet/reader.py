"""Reading from the process of child.py, which is killed when nobody reads any more."""

from __future__ import annotations

import fcntl
import json
import os
import select
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import Self

from stackctl.system.transfer.job import Stopped

#: seconds without a byte: it writes a block of chunks at once, up to 64 MB
SILENCE = 300.0
_POLL = 0.1
_PIPE = 1 << 20
_LAST = 4096
_CHILD = str(Path(__file__).with_name("child.py"))


class Failed(Exception):
    """The chunk store did not bring the file. HTTP may."""


class Reader:
    """`with Reader(ask) as reader:`; the process ends with the block, and with us, however we end.
    Ctrl-C does not reach it."""

    def __init__(self, ask: Mapping[str, object]) -> None:
        self._ask = json.dumps(ask).encode()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._err = self._stack.enter_context(tempfile.TemporaryFile())  # last words, log
            self._process = subprocess.Popen(
                # -P: the names beside child.py are not those of Python's own modules
                [sys.executable, "-P", _CHILD, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._err,
                bufsize=0,
                process_group=0,
                env={**os.environ, **_surroundings()},
            )
            assert self._process.stdin  # for mypy
            assert self._process.stdout
            self._stack.callback(self._process.wait)
            self._stack.callback(self._process.kill)
            self._stack.callback(self._process.stdout.close)
            with suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(self._ask)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pieces(self, stop: Event) -> Iterator[memoryview]:
        """What the process writes, as it comes; each piece is gone with the next."""
        assert self._process.stdout
        pipe = self._process.stdout.fileno()
        with suppress(OSError):  # a small one works as well
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        buffer = memoryview(bytearray(_PIPE))
        heard = time.monotonic()
        while True:
            if stop.is_set():
                raise Stopped
            if select.select([pipe], [], [], _POLL)[0]:
                count = os.readv(pipe, [buffer])
                if not count:
                    break
                yield buffer[:count]
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE:
                raise Failed(f"nothing came for {SILENCE:.0f} s")
        if self._process.wait():
            self._err.seek(max(0, self._err.seek(0, os.SEEK_END) - _LAST))
            words = self._err.read().decode("utf-8", "replace").strip().splitlines()
            raise Failed(words[-1][:300] if words else "it ended unexpectedly")


def _surroundings() -> dict[str, str]:
    """It insists on a folder for its logs. In the user's cache nobody asked for them."""
    home = Path(tempfile.gettempdir(), f"stackctl-xet-{os.getuid()}")
    with suppress(FileExistsError):
        home.mkdir(mode=0o700)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Failed(f"{home} belongs to somebody else")
    return {"HF_HOME": str(home), "HF_XET_CACHE": str(home), "RUST_LOG": "error"}
