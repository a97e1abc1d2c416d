"""Run a program as a container sees the devices, from the host: no exec, nothing left behind.

An exec takes 50 ms and cannot be killed when the driver hangs. From the host the program joins the
container's device cgroup (plain `nsenter -m` would miss the classic fault, a device rule that is
gone) and its mount namespace: 5 ms, and it ends when we say so. Needs root on the daemon's host.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stackctl.model import Container

_CGROUPS = Path("/sys/fs/cgroup")
#: $1 = cgroup.procs of the container, $2 = its first process, the rest is the program
_JOIN = 'echo $$ >"$1" || exit 125; pid=$2; shift 2; exec nsenter -t "$pid" -m -- "$@"'
CANNOT_JOIN = 125
TIMED_OUT = 124
#: seconds until a killed program that is still there counts as stuck
_GRACE = 1.0


def run(container: Container, argv: Sequence[str], timeout: float) -> tuple[int, str] | None:
    """Exit code and output; None where it cannot be done from here and an exec has to do."""
    procs = cgroup_procs(container)
    if procs is None:
        return None
    shell = ["sh", "-c", _JOIN, "sh", str(procs), str(container.pid)]
    code, output = end_in_time([*shell, *argv], timeout)
    if code == CANNOT_JOIN or "nsenter:" in output:
        return None
    return code, output


def end_in_time(argv: Sequence[str], timeout: float) -> tuple[int, str]:
    """Exit code and output of a program. It may hang in the driver, where not even SIGKILL ends it:
    then it is not waited for."""
    started = subprocess.Popen(
        argv,
        env={"PATH": _PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        output, _ = started.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as late:
        started.kill()
        with suppress(subprocess.TimeoutExpired):
            started.wait(_GRACE)
        assert started.stdout is not None
        started.stdout.close()
        return TIMED_OUT, (late.output or b"").decode("utf-8", "replace")
    return started.returncode, output.decode("utf-8", "replace")


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def cgroup_procs(container: Container) -> Path | None:
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
