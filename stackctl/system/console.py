"""A dialogue in the user's terminal: typed lines, piped bytes, text that comes in pieces."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress

from stackctl.model import StackError

_MOST_PIPED = 16 << 20  # bytes; no context window has room for more

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def typed() -> bool:
    """Whether a person types at stdin."""
    return sys.stdin is not None and sys.stdin.isatty()


def piped() -> tuple[bytes, str]:
    """All of stdin, and the encoding of the locale. Bytes: they may be anything."""
    if sys.stdin is None:
        return b"", "utf-8"
    return sys.stdin.buffer.read(_MOST_PIPED), sys.stdin.encoding


def read_line(prompt: str) -> str:
    """One line that a person types. EOFError at the end, KeyboardInterrupt on Ctrl-C. What cannot
    be decoded by the locale is in it as lone surrogates."""
    with suppress(ImportError):  # Windows has none, and its console edits lines by itself
        readline = importlib.import_module("readline")
        # in a locale of ASCII it takes the bytes of other letters for commands
        for setting in ("input-meta on", "output-meta on", "convert-meta off"):
            readline.parse_and_bind(f"set {setting}")
    # a terminal may send what its locale does not have
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.flush()
    return input(prompt)


def answer(text: str) -> None:
    """A piece of an answer, at once: to stdout. StackError if it has no room."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # Python would try again at exit, and fail again
        raise StackError(
            f"the answer cannot be written: {error.strerror}", fix="write it elsewhere: > FILE"
        ) from None


def aside(text: str) -> None:
    """A piece of what is no answer, at once: to stderr, dim where that can be shown."""
    if sys.stderr is None:
        return
    sys.stderr.write(f"{_DIM}{text}{_PLAIN}" if dims() and text.strip() else text)
    sys.stderr.flush()


def dims() -> bool:
    """Whether stderr shows dim text. Only newer consoles of Windows do, and they say so."""
    able = os.name != "nt" or "WT_SESSION" in os.environ
    return able and sys.stderr.isatty() and "NO_COLOR" not in os.environ
