"""Tells the mock driver who holds how much GPU memory.

The simulated engines run on the CPU; the process that stands for the work on a GPU says so in its
environment (`GPUSIM_GPU=<uuid>[,<uuid>…]`). What such a process has in memory of its own counts as
its GPU memory.
"""

import fcntl
import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gpusim.errors import GpusimError
from gpusim.paths import processes_file, state_file, watcher_pid_file, write_atomically

PERIOD_S = 0.25
PROC = Path("/proc")

# Places in /proc/PID/stat after the command name, counted from 0; proc(5) counts from 3.
STAT_FLAGS, STAT_STARTTIME, STAT_ENV_START = 9 - 3, 22 - 3, 50 - 3
PF_KTHREAD = 0x00200000  # include/linux/sched.h of the kernel

# What tells a process from a later one with its PID, and from itself before an exec.
Identity = tuple[bytes, bytes]
KERNEL_THREAD: Identity = (b"", b"")


@dataclass(frozen=True)
class Worker:
    """A process that stands for work on these GPUs."""

    pid: int
    gpus: tuple[str, ...]
    name: str


def _read(path: str) -> bytes:
    """The start of a short file; without Python's file objects, as this runs for every process."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def read_identity(pid: int, proc: Path = PROC) -> Identity | None:
    """Changes when a PID is used anew and when a process executes another program.

    Entrypoints are shells that set GPUSIM_GPU and then become the engine: same PID, same start
    time, but another place of the environment in memory. None when the process is gone.
    """
    try:
        fields = _read(f"{proc}/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) <= STAT_ENV_START:
        return None
    if int(fields[STAT_FLAGS]) & PF_KTHREAD:
        return KERNEL_THREAD
    return fields[STAT_STARTTIME], fields[STAT_ENV_START]


def judge(pid: int, proc: Path = PROC) -> Worker | None:
    """The worker behind a PID, if it is one."""
    try:
        entries = Path(proc, str(pid), "environ").read_bytes().split(b"\0")
        variables = dict(entry.partition(b"=")[::2] for entry in entries)
        gpus = tuple(uuid for uuid in variables.get(b"GPUSIM_GPU", b"").decode().split(",") if uuid)
        if not gpus:
            return None
        name = variables.get(b"GPUSIM_PROCESS_NAME", b"").decode()
        if not name:
            command = Path(proc, str(pid), "cmdline").read_bytes()
            name = command.split(b"\0")[0].decode(errors="replace")
    except (OSError, UnicodeDecodeError):
        return None
    return Worker(pid, gpus, name.replace("\n", " "))


def own_memory(pid: int, proc: Path = PROC) -> int | None:
    """Bytes in memory that are the process's own, without pages of files. None when it is gone."""
    try:
        status = Path(proc, str(pid), "status").read_text()
    except OSError:
        return None
    kibibytes = [
        int(line.split()[1])
        for line in status.splitlines()
        if line.startswith(("RssAnon:", "RssShmem:"))
    ]
    return sum(kibibytes) * 1024 if kibibytes else None


class Scanner:
    """Remembers what it has judged: a scan reads one short file for each other process."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._judged: dict[int, tuple[Identity, Worker | None]] = {}

    def scan(self) -> str:
        """The text of the processes file: "UUID PID BYTES TYPE NAME" lines (driver/processes.c)."""
        judged: dict[int, tuple[Identity, Worker | None]] = {}
        lines: list[str] = []
        for pid in sorted(int(name) for name in os.listdir(self._proc) if name.isdecimal()):
            known = self._judge(pid)
            if known is None:
                continue
            judged[pid] = known
            if known[1] is not None:
                lines += self._lines(known[1])
        self._judged = judged
        return "".join(lines)

    def _judge(self, pid: int) -> tuple[Identity, Worker | None] | None:
        known = self._judged.get(pid)
        if known is not None and known[0] is KERNEL_THREAD:
            return known
        identity = read_identity(pid, self._proc)
        if identity is None:
            return None
        if known is not None and known[0] == identity:
            return known
        return identity, None if identity is KERNEL_THREAD else judge(pid, self._proc)

    def _lines(self, worker: Worker) -> Iterator[str]:
        memory = own_memory(worker.pid, self._proc)
        if memory is None:
            return
        share = memory // len(worker.gpus)
        for gpu in worker.gpus:
            yield f"{gpu} {worker.pid} {share} C {worker.name}\n"


def publish(text: str, path: Path) -> bool:
    """Whether the file had to be written to say this."""
    with suppress(FileNotFoundError):
        if path.read_text() == text:
            return False
    write_atomically(path, text.encode())
    return True


@contextmanager
def _only_watcher() -> Iterator[int]:
    """Hold the PID file, whose lock says "alive" better than a PID that may be used anew."""
    descriptor = os.open(watcher_pid_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    for attempt in range(4):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        # It may only be running_watcher() looking.
        time.sleep(0.05 * attempt)
    else:
        os.close(descriptor)
        raise GpusimError("a watcher is running already")
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n{code_stamp()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _still_mine(descriptor: int) -> bool:
    """False after a remove and a new install, which has started another watcher."""
    try:
        return os.stat(watcher_pid_file()).st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def watch() -> None:
    """Keep the processes file true until the state file goes away. GpusimError when not alone."""
    if not state_file().exists():
        raise GpusimError(
            f"no simulated GPUs here ({state_file()} is missing): python -m gpusim install"
        )
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    scanner = Scanner()
    with _only_watcher() as descriptor:
        while not stopping and state_file().exists() and _still_mine(descriptor):
            with suppress(FileNotFoundError):  # the directory is being removed
                publish(scanner.scan(), processes_file())
            time.sleep(PERIOD_S)


@dataclass(frozen=True)
class RunningWatcher:
    pid: int
    stamp: str


def code_stamp() -> str:
    """Of this file, so that an install can replace the watcher of an older version."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def running_watcher() -> RunningWatcher | None:
    """The watcher that is alive, if there is one."""
    try:
        with open(watcher_pid_file(), encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, _, stamp = file.read().strip().partition("\n")
                return RunningWatcher(int(pid), stamp) if pid.isdecimal() else None
    except FileNotFoundError:
        pass
    return None
