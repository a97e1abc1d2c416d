"""The file of the history: its tables, how it is opened, and what becomes of a file that is broken.

Everything hangs on the number of a run, never on its time: a clock that is set can neither mix up
what came first nor let anything be thrown away too early.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from stackctl.model import MIB, StackError
from stackctl.system import durable

#: "stck": tells our file from any other that SQLite could open
_OURS = 0x7374636B
#: seconds to wait for another writer
_PATIENCE = 10.0
#: what brings a file from each version to the next; never changed, only added to
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        # one row a run; the names of its figures are in layouts, as they hardly ever change
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, at REAL NOT NULL, layout INTEGER NOT NULL,"
        " figures BLOB NOT NULL)",
        "CREATE TABLE layouts (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE)",
        # a finding is written when it changes: from run `first` to run `last`, NULL = it still is
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL,"
        " UNIQUE (name, subject))",
        "CREATE TABLE texts (id INTEGER PRIMARY KEY, pattern TEXT NOT NULL UNIQUE,"
        " summary TEXT NOT NULL, evidence TEXT NOT NULL, cause TEXT NOT NULL, fix TEXT NOT NULL)",
        "CREATE TABLE findings (key INTEGER, first INTEGER, last INTEGER, severity TEXT NOT NULL,"
        " text INTEGER, PRIMARY KEY (key, first)) WITHOUT ROWID",
        "CREATE INDEX going ON findings (key) WHERE last IS NULL",
        "CREATE TABLE incidents (id INTEGER PRIMARY KEY, name TEXT NOT NULL, subject TEXT NOT NULL,"
        " severity TEXT NOT NULL, summary TEXT NOT NULL, cause TEXT NOT NULL, fix TEXT NOT NULL,"
        " started REAL NOT NULL, ended REAL, changed TEXT NOT NULL)",
        "CREATE INDEX open_incidents ON incidents (id) WHERE ended IS NULL",
        "CREATE TABLE notes (incident INTEGER NOT NULL, at REAL NOT NULL, text TEXT NOT NULL)",
        "CREATE INDEX notes_of ON notes (incident)",
        "CREATE TABLE spells (id INTEGER PRIMARY KEY, service TEXT NOT NULL, up INTEGER NOT NULL,"
        ' start REAL NOT NULL, "end" REAL NOT NULL, run INTEGER NOT NULL)',
        "CREATE INDEX spells_of ON spells (service, id)",
    ),
)


class DamagedError(StackError):
    """This file is none of ours, or no longer whole."""


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing; made, or brought to our version, where it is not. Raises StackError."""
    with faults(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = not path.exists()
        except OSError as error:
            raise durable.fault(error, path) from None
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        try:
            if _version(connection, path) != len(MIGRATIONS):
                with alone(path):
                    _migrate(connection, path)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        if made:
            durable.hand_over(path)
        return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open without writing, by a user who may not, too. Raises StackError."""
    with faults(path):
        uri = path.absolute().as_uri()
        # an index of the log of writes cannot be made in a folder of others, so do without the log
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            connection = sqlite3.connect(
                f"{uri}?{mode}", timeout=_PATIENCE, isolation_level=None, uri=True
            )
            try:
                version = _version(connection, path)
                break
            except sqlite3.OperationalError:
                connection.close()
                if mode != "mode=ro":
                    raise
            except BaseException:
                connection.close()
                raise
        if version != len(MIGRATIONS):
            connection.close()
            raise StackError(
                f"{path} is of an older stackctl",
                fix="it is brought up by: stackctl verify --record",
            )
        return connection


def move_aside(path: Path) -> Path:
    """Out of the way, and kept. Somebody else may have done so meanwhile; then theirs stays."""
    with alone(path):
        if _whole(path):
            return path
        stamp = time.strftime("%Y%m%d-%H%M%S")
        target = path.with_name(f"{path.name}.damaged-{stamp}-{os.getpid()}")
        try:
            path.replace(target)
            for ending in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    path.with_name(path.name + ending).replace(f"{target}{ending}")
        except OSError as error:
            raise durable.fault(error, path) from None
    return target


def _whole(path: Path) -> bool:
    """Whether every page and every table is as it should be."""
    try:
        with closing(connect_to_read(path)) as connection, faults(path):
            if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                return False
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    except DamagedError:
        return False
    made = [statement.split()[2] for statements in MIGRATIONS for statement in statements]
    return there.issuperset(made)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process at a time makes, changes or moves the file."""
    lock = path.with_name(path.name + ".lock")
    try:
        handle = lock.open("ab")
    except OSError as error:
        raise durable.fault(error, lock) from None
    durable.hand_over(lock)
    with handle:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise _busy(path) from None
                time.sleep(0.05)
        yield


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """SQLite's errors in our words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from None


def _explained(error: sqlite3.Error, path: Path) -> StackError:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DamagedError(f"{path}: the history is damaged: {error}", fix=f"ls -l {path}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return _busy(path)
        case sqlite3.SQLITE_FULL:
            return durable.fault(OSError(errno.ENOSPC, ""), path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR:
            return durable.fault(OSError(_likely(path), str(error)), path)
        case _:
            # a table or a column that is missing: no version of ours wrote this
            return DamagedError(f"{path}: the history cannot be used: {error}", fix=f"ls -l {path}")


def _likely(path: Path) -> int:
    """Why a file cannot be opened, read or written, as the system sees it."""
    folder = path.parent
    with suppress(OSError):
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return errno.EROFS
        if shutil.disk_usage(folder).free < MIB:
            return errno.ENOSPC
        if path.is_dir():
            return errno.EISDIR
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            return errno.EACCES
    return errno.EIO


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """How many migrations it has; 0 for a new one."""
    ((ours,),) = connection.execute("PRAGMA application_id")
    ((version,),) = connection.execute("PRAGMA user_version")
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
    if ours != _OURS and (ours or version or tables):
        raise DamagedError(f"{path}: this is a database of another program", fix=f"ls -l {path}")
    if version > len(MIGRATIONS):
        raise StackError(
            f"{path}: a newer stackctl wrote this history", fix="update stackctl: git pull"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _version(connection, path)  # another writer may have been faster
        for statements in MIGRATIONS[done:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_OURS}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _busy(path: Path) -> StackError:
    return StackError(
        f"{path}: another program has been writing it for {_PATIENCE:.0f} s",
        fix=f"see which one: fuser -v {path}",
    )
