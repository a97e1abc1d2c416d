"""Run a program as a container sees the devices, from the host: no exec, nothing left behind.

An exec takes 50 ms and cannot be killed when the driver hangs. From the host the program joins the
container's device cgroup (plain `nsenter -m` would miss the classic fault, a device rule that is
gone) and its mount namespace: 5 ms, and it ends when we say so. Needs root on the daemon's host.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from stackctl.model import Container, StackError
from stackctl.system import process

_CGROUPS = Path("/sys/fs/cgroup")
#: $1 = cgroup.procs of the container, $2 = its first process, the rest is the program
_JOIN = 'echo $$ >"$1" || exit 125; pid=$2; shift 2; exec nsenter -t "$pid" -m -- "$@"'
_CANNOT_JOIN = 125
_TIMED_OUT = 124


def run(container: Container, argv: Sequence[str], timeout: float) -> tuple[int, str] | None:
    """Exit code and output; None where it cannot be done from here and an exec has to do."""
    procs = _cgroup_procs(container)
    if procs is None:
        return None
    shell = ["sh", "-c", _JOIN, "sh", str(procs), str(container.pid)]
    try:
        done = process.run([*shell, *argv], env={"PATH": _PATH}, timeout=timeout)
    except StackError:
        return _TIMED_OUT, ""
    if done.code == _CANNOT_JOIN or "nsenter:" in done.err:
        return None
    return done.code, done.out + done.err


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _cgroup_procs(container: Container) -> Path | None:
    """Where to write a pid to be under the container's device rules."""
    if os.geteuid() != 0 or not container.pid:
        return None
    try:
        lines = Path(f"/proc/{container.pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    # in a container of our own, the daemon's process numbers mean something else
    if not any(container.id in line for line in lines):
        return None
    unified = (_CGROUPS / "cgroup.controllers").exists()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if unified and not controllers:
            return _CGROUPS / path.lstrip("/") / "cgroup.procs"
        if not unified and "devices" in controllers.split(","):
            return _CGROUPS / "devices" / path.lstrip("/") / "cgroup.procs"
    return None
