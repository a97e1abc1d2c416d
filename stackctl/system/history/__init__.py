"""What the box remembers: one SQLite file, `.stackctl/history.db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from stackctl.model import StackError
from stackctl.system.history.book import History
from stackctl.system.history.schema import (
    DamagedError,
    connect,
    connect_to_read,
    faults,
    move_aside,
)

__all__ = ["NAME", "History", "keep", "look"]

NAME = "history.db"
_Result = TypeVar("_Result")


def keep(folder: Path, work: Callable[[History], _Result]) -> tuple[_Result, str]:
    """Do `work` in one transaction; its result, and a word if a damaged file had to give way.

    `work` may run twice, so it must not do anything outside. Raises StackError.
    """
    path = folder / NAME
    try:
        return _write(path, work), ""
    except DamagedError as error:
        aside = move_aside(path)
        word = "" if aside == path else f"{error.message}; it was moved to {aside}"
        return _write(path, work), word


def look(folder: Path, work: Callable[[History], _Result]) -> _Result:
    """Read only. Raises StackError."""
    path = folder / NAME
    if not path.exists():
        raise StackError(
            "nothing has been recorded yet", fix="stackctl verify --record, best once a minute"
        )
    with closing(connect_to_read(path)) as connection, faults(path):
        connection.execute("BEGIN")  # one view, whatever is written meanwhile
        return work(History(connection))


def _write(path: Path, work: Callable[[History], _Result]) -> _Result:
    with closing(connect(path)) as connection, faults(path), _transaction(connection):
        return work(History(connection))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
