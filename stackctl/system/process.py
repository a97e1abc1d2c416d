"""Programs and processes of the host."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackctl.model import StackError


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 120.0
) -> Result:
    """Run a program to its end. A program that is not there, or too slow, is a StackError."""
    try:
        done = subprocess.run(
            argv,
            env=env,
            capture_output=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise StackError(
            f"{argv[0]}: no such program", fix="run `make setup`, which installs what is missing"
        ) from None
    except subprocess.TimeoutExpired:
        raise StackError(
            f"{' '.join(argv[:3])} did not end within {timeout:.0f} s",
            fix="look at the Docker daemon: `docker info`",
        ) from None
    return Result(done.returncode, _text(done.stdout), _text(done.stderr))


def passthrough(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program on our own terminal, e.g. `docker compose create` with its progress."""
    return subprocess.run(argv, env=env, check=False).returncode


def is_root() -> bool:
    return os.geteuid() == 0


def container_of(pid: int) -> str:
    """The container id that a process belongs to by its cgroup; empty if to none."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return ""
    match = re.search(r"[0-9a-f]{64}", text)
    return match[0] if match else ""


def began(pid: int, container_id: str) -> float:
    """When a container's process was started, by the clock as it is now, whatever it was then;
    0.0 if it cannot be seen from here."""
    if not pid or container_of(pid) != container_id:
        return 0.0
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def listener(port: int) -> str:
    """Which process listens on a TCP port of this host, e.g. `nginx (pid 812)`; empty if none."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == "0A" and int(columns[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{columns[9]}]")
    if not inodes:
        return ""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in inodes:
                pid = link.parts[2]
                return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue
    return "another process"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
