"""Reading from the process of child.py, which is killed when nobody reads any more."""

from __future__ import annotations

import fcntl
import json
import os
import select
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
            # its logs and its last words; not in the user's cache
            home = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="stackctl-xet-"))
            self._words = Path(home, "stderr")
            err = self._stack.enter_context(self._words.open("wb"))
            self._process = subprocess.Popen(
                # -P: the names beside child.py are not those of Python's own modules
                [sys.executable, "-P", _CHILD, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                bufsize=0,
                process_group=0,
                env={**os.environ, "HF_HOME": home, "HF_XET_CACHE": home},
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
            words = self._words.read_text("utf-8", "replace").strip().splitlines()
            raise Failed(words[-1][:300] if words else "it ended unexpectedly")
