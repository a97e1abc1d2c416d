"""`stackctl chat` as a program of its own, with any encoding, at a pipe or at a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

#: seconds for any one thing to happen; a slow machine is no failure
PATIENCE = 30.0
#: seconds after which a person presses Ctrl-C once more
_AGAIN = 5.0


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: bytes

    @property
    def told(self) -> str:
        return self.err.decode("utf-8", "replace")


def chat(
    url: str, *words: str | bytes, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> Ended:
    """One run to its end, which it must reach; never a traceback."""
    done = subprocess.run(
        argv(url, *words),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=environ(env),
        timeout=PATIENCE,
        check=False,
    )
    ended = Ended(done.returncode, done.stdout, done.stderr)
    assert b"Traceback" not in ended.err, ended.told
    assert ended.code in (0, 1, 2), ended
    return ended


@dataclass
class Terminal:
    """A person at a terminal."""

    process: subprocess.Popen[bytes]
    fd: int
    seen: bytearray = field(default_factory=bytearray)
    _read: int = 0

    def type(self, data: bytes) -> None:
        os.write(self.fd, data)

    def until(self, text: bytes) -> bytes:
        """What came up to and with the text, since the last time."""
        assert self._comes(text, PATIENCE), bytes(self.seen)
        end = self.seen.find(text, self._read) + len(text)
        found = bytes(self.seen[self._read : end])
        self._read = end
        return found

    def _comes(self, text: bytes, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.seen.find(text, self._read) < 0:
            if time.monotonic() > deadline:
                return False
            if select.select([self.fd], [], [], 0.1)[0]:
                with suppress(OSError):  # Linux: the other end is closed
                    self.seen += os.read(self.fd, 1 << 16)
        return True

    def interrupt(self, answer: bytes) -> None:
        """Ctrl-C, and again where nothing comes of it: Python notices no signal that comes in the
        moment before it waits for a key."""
        for _ in range(int(PATIENCE / _AGAIN)):
            self.process.send_signal(signal.SIGINT)
            if self._comes(answer, _AGAIN):
                break
        self.until(answer)

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


@contextmanager
def dialogue(url: str, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        argv(url, *words),
        stdin=child,
        stdout=child,
        stderr=child,
        env=environ({"TERM": "dumb", "NO_COLOR": "1", **(env or {})}),
        start_new_session=True,
    )
    os.close(child)
    try:
        yield Terminal(process, parent)
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def argv(url: str, *words: str | bytes) -> list[str | bytes]:
    return [sys.executable, "-m", "stackctl", "chat", "--url", url, "--timeout", "5", *words]


def environ(env: Mapping[str, str] | None) -> dict[str, str]:
    mine = ("LC_", "LANG", "PYTHON")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(mine)}
    return clean | {"LC_ALL": "C.UTF-8"} | dict(env or {})
