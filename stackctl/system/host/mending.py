"""Doing a repair: run a program, or write a file that was proven before."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stackctl.model import StackError
from stackctl.model.host import Mend
from stackctl.system import process
from stackctl.system.durable import fault, replace_file

TIMEOUT = 60.0


def do(mend: Mend) -> str:
    """Do it; a word on what was kept, if anything was. What goes wrong is a StackError."""
    if mend.argv:
        try:
            kept = _keep(Path(mend.keep)) if mend.keep else ""
        except OSError as error:
            raise fault(error, Path(mend.keep)) from None
        _run(mend.argv)
        return kept
    return put(Path(mend.path), mend.text, mend.old, mend.prove)


def put(path: Path, text: str, old: str, prove: Sequence[str] = ()) -> str:
    """Write a file whole, prove it first, keep the old one beside it."""
    path = path.resolve()  # a link stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        now = path.read_text(encoding="utf-8") if path.exists() else ""
        if now != old:
            raise StackError(f"{path} was changed meanwhile", fix="run stackctl doctor again")
        if prove:
            _prove(path, text, prove)
        kept = _keep(path)
        replace_file(path, text.encode("utf-8"), path.with_name(f".{path.name}.{os.getpid()}"))
    except OSError as error:
        raise fault(error, path) from None
    return kept


def _keep(path: Path) -> str:
    """Copy a file beside itself, under a name that no program takes for the file."""
    if not path.exists():
        return ""
    beside = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
    shutil.copy2(path, beside)
    return f"the old one is kept as {beside}"


def _prove(path: Path, text: str, prove: Sequence[str]) -> None:
    """Let the program that will read the file look at a draft of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as draft:
            draft.write(text)
        _run((*prove, name))
    finally:
        with suppress(OSError):
            Path(name).unlink()


def _run(argv: Sequence[str]) -> None:
    try:
        done = process.run(argv, timeout=TIMEOUT)
    except OSError as error:
        raise StackError(f"{argv[0]}: {error.strerror}") from None
    if done.code != 0:
        lines = (done.err.strip() or done.out.strip()).splitlines()
        why = lines[-1] if lines else "it says nothing"
        raise StackError(f"{argv[0]} ended with {done.code}: {why}", fix=" ".join(argv))
