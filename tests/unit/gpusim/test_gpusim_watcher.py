"""Who counts as a user of a GPU, and with how much memory."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpusim.hardware import MIB, make_profile
from gpusim.state import State, save
from gpusim.watcher import KERNEL_THREAD, Scanner, publish, read_identity

FIRST, SECOND = "GPU-first", "GPU-second"
HELD = 64 * MIB

# Holds 64 MiB of its own and maps as much of a file, which does not count.
HOLDER = f"""
import mmap, sys, tempfile
own = bytearray({HELD})
file = tempfile.TemporaryFile()
file.write(bytes({HELD}))
file.flush()
mapped = mmap.mmap(file.fileno(), {HELD}, mmap.MAP_SHARED, mmap.PROT_READ)
touched = sum(mapped[place] for place in range(0, {HELD}, 4096))
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(program: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has said a first line; it ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield running
        finally:
            running.kill()


def of(pid: int, text: str) -> list[list[str]]:
    """The lines about one process, as words: other workers may run on this machine."""
    lines = [line.split(" ", 4) for line in text.splitlines()]
    return [line for line in lines if line[1] == str(pid)]


def test_worker_counts_with_its_own_memory() -> None:
    with process(HOLDER, GPUSIM_GPU=FIRST, GPUSIM_PROCESS_NAME="/app/an engine") as worker:
        [line] = of(worker.pid, Scanner().scan())
    uuid, _pid, size, kind, name = line
    assert (uuid, kind, name) == (FIRST, "C", "/app/an engine")
    # The interpreter itself needs a little; the mapped file would add another 64 MiB.
    assert HELD <= int(size) < HELD + 32 * MIB


def test_memory_is_shared_out_evenly() -> None:
    with process(HOLDER, GPUSIM_GPU=f"{FIRST},{SECOND}") as worker:
        first, second = of(worker.pid, Scanner().scan())
    assert [first[0], second[0]] == [FIRST, SECOND]
    assert first[2] == second[2]
    assert HELD / 2 <= int(first[2]) < HELD / 2 + 16 * MIB
    assert first[4] == sys.executable


def test_others_do_not_count() -> None:
    with process(HOLDER) as bystander, process(HOLDER, GPUSIM_GPU="") as empty:
        text = Scanner().scan()
        assert of(bystander.pid, text) == []
        assert of(empty.pid, text) == []


def test_becoming_a_worker_by_exec_is_noticed() -> None:
    # As an entrypoint does: judged as a shell first, then the same PID is the engine.
    become = (
        "import os, sys\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"command = [sys.executable, '-c', {HOLDER!r}]\n"
        f"os.execve(sys.executable, command, {{'GPUSIM_GPU': {FIRST!r}}})"
    )
    scanner = Scanner()
    with process(become) as shell:
        assert of(shell.pid, scanner.scan()) == []
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("go\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "ready\n"
        [line] = of(shell.pid, scanner.scan())
        assert line[0] == FIRST
    assert of(shell.pid, scanner.scan()) == []


def test_process_is_judged_once(tmp_path: Path) -> None:
    folder = tmp_path / "10"
    folder.mkdir()
    stat = "10 (a ) b) S 1 10 10 0 -1 0 " + " ".join(str(n) for n in range(10, 53))
    (folder / "stat").write_text(stat)
    (folder / "environ").write_bytes(b"GPUSIM_GPU=GPU-first\0")
    (folder / "cmdline").write_bytes(b"/bin/engine\0--port\0")
    (folder / "status").write_text("Name:\tx\nRssAnon:\t 3 kB\nRssFile:\t 9 kB\nRssShmem:\t 1 kB\n")
    scanner = Scanner(tmp_path)
    assert scanner.scan() == "GPU-first 10 4096 C /bin/engine\n"
    (folder / "environ").unlink()
    assert scanner.scan() == "GPU-first 10 4096 C /bin/engine\n"
    # Another start time is another process, and this one's environment cannot be read.
    (folder / "stat").write_text(stat.replace(" 22 ", " 99 "))
    assert scanner.scan() == ""


def test_kernel_threads_are_known(tmp_path: Path) -> None:
    """kthreadd as Linux 6.18 shows it; in a container there is none to look at."""
    (tmp_path / "2").mkdir()
    fields = "S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0 18446744073709551615 0"
    (tmp_path / "2" / "stat").write_text(f"2 (kthreadd) {fields}{' 0' * 26}\n")
    assert read_identity(2, tmp_path) is KERNEL_THREAD
    mine = read_identity(os.getpid())
    assert mine is not None
    assert mine is not KERNEL_THREAD


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, dict[str, str]]]:
    save(State(make_profile()), tmp_path / "state")
    environment = {
        **os.environ,
        "GPUSIM_STATE": str(tmp_path / "state"),
        "GPUSIM_PROCESSES": str(tmp_path / "processes"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gpusim", "watch"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert eventually((tmp_path / "processes").exists)
            yield running, tmp_path, environment
        finally:
            running.kill()


def test_watcher_follows_and_ends(
    watcher: tuple[subprocess.Popen[str], Path, dict[str, str]],
) -> None:
    running, folder, _ = watcher
    processes = folder / "processes"
    assert (folder / "watcher.pid").read_text().splitlines()[0] == str(running.pid)
    with process(HOLDER, GPUSIM_GPU=FIRST) as worker:
        assert eventually(lambda: of(worker.pid, processes.read_text()) != [])
    assert eventually(lambda: of(worker.pid, processes.read_text()) == [])
    (folder / "state").unlink()
    assert running.wait(timeout=10) == 0


def test_only_changes_are_written(tmp_path: Path) -> None:
    path = tmp_path / "processes"
    assert publish("", path)
    assert not publish("", path)
    assert publish("GPU-first 1 2 C x\n", path)
    assert not publish("GPU-first 1 2 C x\n", path)
    assert path.read_text() == "GPU-first 1 2 C x\n"


def test_one_watcher_is_enough(
    watcher: tuple[subprocess.Popen[str], Path, dict[str, str]],
) -> None:
    _, _, environment = watcher
    second = subprocess.run(
        [sys.executable, "-m", "gpusim", "watch"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert (second.returncode, second.stderr) == (1, "gpusim: a watcher is running already\n")
