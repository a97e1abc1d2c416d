"""What the box remembers: one SQLite file, `.stackctl/history.db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from stackctl.model import StackError
from stackctl.system import durable
from stackctl.system.history import refuge
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
    """Do `work` in one transaction; its result, and a word if a damaged file had to give way, or
    if its disk takes nothing.

    `work` may run twice, so it must not do anything outside. Raises StackError.
    """
    path = folder / NAME
    if spare := refuge.inside(path):
        # alone, or what one writes goes when another one brings it home
        with refuge.moving(spare):
            if refuge.inside(path) and not refuge.move_out(path, spare):
                return _write_whole(spare, work, _away(spare))
    try:
        return _write_whole(path, work)
    except durable.DiskError as error:
        try:
            spare = refuge.move_in(path)
        except OSError:
            raise error from None
        return _write_whole(spare, work, f"{error.message}; {_away(spare)}")


def _write_whole(
    path: Path, work: Callable[[History], _Result], away: str = ""
) -> tuple[_Result, str]:
    """A damaged file is moved aside, with a word. `away`: why it is not where it belongs."""
    try:
        return _write(path, work, away), away
    except DamagedError as error:
        aside = move_aside(path)
        word = "" if aside == path else f"{error.message}; it was moved to {aside}"
        return _write(path, work, away), away or word


def _away(spare: Path) -> str:
    return f"what is remembered is kept in memory until there is room ({spare})"


def look(folder: Path, work: Callable[[History], _Result]) -> _Result:
    """Read only. Raises StackError."""
    path = refuge.inside(folder / NAME) or folder / NAME
    if not path.exists():
        raise StackError(
            "nothing has been recorded yet", fix="stackctl verify --record, best once a minute"
        )
    with closing(connect_to_read(path)) as connection, faults(path):
        connection.execute("BEGIN")  # one view, whatever is written meanwhile
        return work(History(connection))


def _write(path: Path, work: Callable[[History], _Result], away: str) -> _Result:
    with closing(connect(path)) as connection, faults(path), _transaction(connection):
        return work(History(connection, away))


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
