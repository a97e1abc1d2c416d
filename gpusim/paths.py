"""Where things are on a host with simulated GPUs."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE_DIR = Path(__file__).resolve().parent

INSTALL_DIR = Path("/opt/gpusim")
RUN_DIR = Path("/run/gpusim")
DEV_DIR = Path("/dev")


def state_file() -> Path:
    """GPUs and faults; GPUSIM_STATE overrides, as it does for the mock library."""
    return Path(os.environ.get("GPUSIM_STATE") or RUN_DIR / "state")


def processes_file() -> Path:
    """Who holds how much GPU memory; GPUSIM_PROCESSES overrides."""
    return Path(os.environ.get("GPUSIM_PROCESSES") or RUN_DIR / "processes")


def watcher_pid_file() -> Path:
    return state_file().with_name("watcher.pid")


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` by rename: a reader sees the old content or the new, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def locked_directory(directory: Path) -> Iterator[None]:
    """Keep other gpusim commands out. The directory itself is the lock: no file is left behind."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
