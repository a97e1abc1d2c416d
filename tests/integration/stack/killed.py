"""stackctl that ends by SIGKILL after its first step, then after its second ..., and what the next
run makes of it each time.

A step is whatever changes the box or is told: a lock, a file, Compose, a start, a stage, what is
remembered.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import docker  # noqa: F401 - as the next lines: every run would have to load it
import requests  # noqa: F401

from stackctl.__main__ import main
from stackctl.commands import heal, up  # noqa: F401
from stackctl.system import files, history, process, terminal
from stackctl.system.docker import Docker

_CHANGING = {"create", "up"}
#: seconds for a program that lives on
_PATIENCE = 60.0
_guard = threading.Lock()
_stages: set[str] = set()


@dataclass(frozen=True)
class Try:
    """`steps` that were made, none if it was not killed; how the run after it ended, or it."""

    steps: tuple[str, ...]
    code: int
    said: str


class Steps:
    def __init__(self, last: int, file: Path) -> None:
        self.last, self.file, self.made = last, file, 0
        self.orphan = file.with_suffix(".orphan")

    def next(self, name: str) -> None:
        with _guard:
            self.made += 1
            with self.file.open("a", encoding="utf-8") as out:
                out.write(name + "\n")
            if self.made == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


def watch(steps: Steps) -> None:
    """Every step is counted from here on."""
    lock, write, keep, run = files.lock, files.write, history.keep, process.run
    start, stage = Docker.start, terminal.Board.set

    @contextmanager
    def counted_lock(*words: Any, **more: Any) -> Iterator[None]:
        with lock(*words, **more):
            steps.next("lock")
            yield

    def counted_write(path: Path, *words: Any, **more: Any) -> None:
        write(path, *words, **more)
        steps.next(f"write {path.name}")

    def counted_keep(*words: Any) -> Any:
        kept = keep(*words)
        steps.next("remember")
        return kept

    def counted_run(
        argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 120.0
    ) -> process.Result:
        if not _CHANGING & set(argv):
            return run(argv, env=env, timeout=timeout)
        if steps.made + 1 == steps.last:
            # Compose goes on without us, as it does when only we are killed
            orphan = subprocess.Popen(
                argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            steps.orphan.write_text(str(orphan.pid))
            time.sleep(0.15)
        steps.next("amid compose")
        result = run(argv, env=env, timeout=timeout)
        steps.next("compose")
        return result

    def counted_start(daemon: Docker, container_id: str) -> None:
        start(daemon, container_id)
        steps.next("start")

    def counted_stage(
        board: terminal.Board, name: str, stage_: str, *words: Any, **more: Any
    ) -> None:
        stage(board, name, stage_, *words, **more)
        word = stage_.partition(":")[0]
        if word not in _stages:
            _stages.add(word)
            steps.next(word)

    for owner, name, counted in (
        (files, "lock", counted_lock),
        (files, "write", counted_write),
        (history, "keep", counted_keep),
        (process, "run", counted_run),
        (Docker, "start", counted_start),
        (terminal.Board, "set", counted_stage),
    ):
        setattr(owner, name, counted)


def child(words: Sequence[str], said: Path, steps: Steps | None = None) -> int:
    """stackctl in a process of its own, which has all its modules already; how it ended."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with said.open("w", encoding="utf-8") as out:
        sys.stdout = sys.stderr = out
        if steps:
            watch(steps)
        code = main(list(words))
        out.flush()
        os._exit(code)


def outlive(orphan: Path) -> None:
    """Until the program whose number is in this file has ended."""
    if not orphan.exists():
        return
    process_folder = Path("/proc", orphan.read_text())
    orphan.unlink()
    until = time.monotonic() + _PATIENCE
    while process_folder.exists():
        assert time.monotonic() < until, f"{process_folder} does not end"
        time.sleep(0.05)


def tries(prepare: str, words: Sequence[str], repair: Sequence[str], file: Path) -> Iterator[Try]:
    """Killed after each step in turn, then repaired; the last one comes to its end."""
    for number in count(1):
        file.unlink(missing_ok=True)
        subprocess.run(["sh", "-ec", prepare], check=True, capture_output=True)
        said = file.with_suffix(".said")
        code = child(words, said, Steps(number, file))
        text = said.read_text()
        if code == -signal.SIGKILL:
            # the next run comes a minute later, and no Compose takes so long
            outlive(file.with_suffix(".orphan"))
            code = child(repair, said)
            yield Try(tuple(file.read_text().split("\n")[:-1]), code, said.read_text())
        else:
            yield Try((), code, text)
            return


if __name__ == "__main__":
    how = json.loads(sys.argv[1])
    found = tries(how["prepare"], how["killed"], how["repair"], Path(how["file"]))
    print(json.dumps([asdict(each) for each in found]))
