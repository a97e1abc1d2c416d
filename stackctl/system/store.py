"""The models' folder, and what stackctl keeps of it under `.stackctl/`.

    models.lock             what belongs here (stackctl/models/lock.py)
    .stackctl/parts/        downloads that are not finished
    .stackctl/chains/       see chains.py
    .stackctl/quarantine/   files whose content was wrong
    .stackctl/locks/        who is at work on what; never removed, they are empty

Reading asks for no right to write.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from stackctl.model import StackError, Stamp
from stackctl.system.chains import Chains
from stackctl.system.durable import fault, hand_over, replace_file
from stackctl.system.hashing import stamp_of

#: how often a waiting process looks whether it is its turn
_POLL = 0.2
#: a broken download that nobody took up again for so long is given up
STALE_DAYS = 14


class Store:
    """The folder of models of one box."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".stackctl"
        self.parts = self.state / "parts"
        self.quarantine = self.state / "quarantine"
        self.chains = Chains(self.state / "chains")
        self.lock_file = folder / "models.lock"

    @property
    def writable(self) -> bool:
        """Whether stackctl may change anything here."""
        there = [each for each in (self.folder, self.state) if os.access(each, os.F_OK)]
        return bool(there) and all(os.access(each, os.W_OK | os.X_OK) for each in there)

    def make(self, folder: Path) -> Path:
        """See that a folder below the models' is there. That of the models itself is not made:
        it may be a disk that is not mounted."""
        missing: list[Path] = []
        try:
            self._check()
            at = folder
            while not at.exists():
                missing.append(at)
                at = at.parent
            for each in reversed(missing):
                each.mkdir(exist_ok=True)
                hand_over(each)
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "")
        except OSError as error:
            raise fault(error, folder) from None
        return folder

    def parts_for(self, target: Path) -> Path:
        """Where a file on its way to `target` lies: on the same file system, even if somebody
        linked or mounted another disk below the models' folder."""
        try:
            top = target.parent
            while not top.exists():
                top = top.parent
            device = top.stat().st_dev
            if device == self.folder.stat().st_dev:
                return self.parts
            below = target.is_relative_to(self.folder)
            while below and top.parent.stat().st_dev == device:
                top = top.parent
        except OSError as error:
            raise fault(error, target) from None
        return top / ".stackctl-parts"

    def read_lock(self) -> str:
        """The text of models.lock, whole; "" if there is none."""
        try:
            self._check()
            return self.lock_file.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise StackError(
                f"{self.lock_file}: it is no text",
                fix="restore it from a backup, or move it away and run: stackctl models adopt",
            ) from None
        except OSError as error:
            raise fault(error, self.lock_file) from None

    def change_lock(self, change: Callable[[str], str]) -> None:
        """Put what `change` makes of models.lock in its place. Nobody else changes it meanwhile,
        so keep it short: no network, no reading of models."""
        with self.exclusive("models.lock", "models", lambda _holder: None):
            old = self.read_lock()
            new = change(old)
            if new == old:
                return
            path = Path(os.path.realpath(self.lock_file))  # a link, say into a git checkout, stays
            try:
                replace_file(path, new.encode("utf-8"), path.with_name(f".{path.name}.new"))
            except OSError as error:
                raise fault(error, path) from None

    @contextmanager
    def exclusive(self, name: str, verb: str, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Be the only one at work on a model. If another is, say so once to `on_wait` and wait."""
        locks = self.make(self.state / "locks")
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
        path = locks / f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        try:
            descriptor = _acquire(path, on_wait)
        except OSError as error:
            raise fault(error, path) from None
        try:
            since = time.strftime("%H:%M:%S")
            note = f"`stackctl {verb}` (pid {os.getpid()}, since {since})\n"
            with suppress(OSError):  # on a full disk the lock holds all the same
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, note.encode(), 0)
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def stamp(self, path: str | Path) -> Stamp | None:
        """What stat says of a file, links followed; None if there is none. A path that is not
        absolute is taken as below the models' folder."""
        full = self.folder / path
        try:
            stat = full.stat()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise fault(error, full) from None
        return stamp_of(stat) if S_ISREG(stat.st_mode) else None

    def orphans(
        self, wanted: Collection[str], now: float, days: float = STALE_DAYS
    ) -> tuple[Path, ...]:
        """Unfinished downloads that nobody will take up: not `wanted` (names as in parts/, up to
        the first dot), or not touched for `days`."""
        try:
            entries = sorted(self.parts.iterdir())
        except OSError:
            return ()
        touched: dict[str, float] = {}
        for entry in entries:
            with suppress(FileNotFoundError):  # finished a moment ago
                name = entry.name.partition(".")[0]
                touched[name] = max(touched.get(name, 0.0), entry.lstat().st_mtime)
        wanted = {n for n, at in touched.items() if n in wanted and now - at <= days * 86400}
        return tuple(entry for entry in entries if entry.name.partition(".")[0] not in wanted)

    def _check(self) -> None:
        if not self.folder.exists():
            raise StackError(
                f"{self.folder}: the folder of the models is not there",
                fix=f"mount its disk or mkdir -p {self.folder}; env/stack.env says MODELS_DIR",
            )
        if not self.folder.is_dir():
            raise fault(NotADirectoryError(errno.ENOTDIR, ""), self.folder)


def _acquire(path: Path, on_wait: Callable[[str], None]) -> int:
    """An open file that holds the lock. Asks again and again instead of sleeping in the kernel: so
    Ctrl-C ends it at once whatever thread waits, and a lock removed meanwhile is noticed."""
    told = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            held = _try(descriptor)
            if held and _is(descriptor, path):
                hand_over(path)
                return descriptor
            if not (held or told):
                told = True
                holder = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").strip()
                on_wait(holder or "another stackctl")
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not held:
            time.sleep(_POLL)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(descriptor: int, path: Path) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
