"""CUDA as a container sees it: cuda_inside.py, joined to the container from the host, else by exec.

The engines' images bring neither a compiler nor, most of them, Python; the host has the Python that
runs this. It goes in already started, and the container's libcuda runs on the host's C library:
that is what the driver on this host was made for.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stackctl.model import Container, Cuda, Node, StackError, Unavailable
from stackctl.system import probe
from stackctl.system.docker import EXEC_TIMEOUT, Docker

PROGRAM = Path(__file__).with_name("cuda_inside.py")
_DEVICES = Path("/proc/devices")
#: exit codes of `timeout -s KILL`, and of an exec of what the image does not have
_KILLED, _NO_PROGRAM = (124, 137), (126, 127)


def look(docker: Docker, container: Container) -> Cuda | Unavailable:
    """Which device nodes open inside, and what CUDA sees. Unavailable if nobody could ask."""
    answer = from_host(container, EXEC_TIMEOUT)
    try:
        code, output = answer or by_exec(docker, container)
    except StackError as error:
        return Unavailable(error.message, "exec")
    return read(code, output, uvm_major())


def from_host(container: Container, timeout: float) -> tuple[int, str] | None:
    """Exit code and output; None where an exec has to do."""
    procs = probe.cgroup_procs(container)
    if procs is None:
        return None
    python = [sys.executable, "-I", "-S", str(PROGRAM), str(procs), str(container.pid)]
    code, output = probe.end_in_time(python, timeout)
    return None if code == probe.CANNOT_JOIN else (code, output)


def on_host() -> Cuda | Unavailable:
    """The same question, in no container: is it the host that is ill?"""
    code, output = probe.end_in_time([sys.executable, "-I", "-S", str(PROGRAM)], EXEC_TIMEOUT)
    return read(code, output, uvm_major())


def by_exec(docker: Docker, container: Container) -> tuple[int, str]:
    """With the image's own Python, if it has one."""
    return docker.execute(container.id, ["python3", "-c", PROGRAM.read_text()])


def uvm_major(devices: Path = _DEVICES) -> int | None:
    """The major number that the kernel gave to nvidia-uvm at this boot."""
    try:
        rows = [line.split() for line in devices.read_text().splitlines()]
    except OSError:
        return None
    return next((int(row[0]) for row in rows if row[1:] == ["nvidia-uvm"]), None)


def read(code: int, output: str, major: int | None = None) -> Cuda | Unavailable:
    """The program's lines -> what CUDA says. Pure."""
    mask: str | None = None
    nodes: list[Node] = []
    found: list[str] = []
    failed: Unavailable | None = None
    ended = False
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "mask":
            mask = rest
        elif word == "node":
            path, numbered, _, error = rest.rsplit(" ", 3)
            nodes.append(Node(path, int(numbered), int(error)))
        elif word == "device":
            found.append(rest)
        elif word == "failed":
            failed = _failed(*rest.split(" ", 2))
        ended = ended or word == "end"
    if not nodes and not ended and failed is None:
        return _not_asked(code, output)
    if failed is None and not ended:
        what = "did not end in time" if code in _KILLED else f"ended with {code}"
        failed = Unavailable(f"CUDA {what}", "hung" if code in _KILLED else f"exit:{code}")
    return Cuda(failed or tuple(found), tuple(nodes), mask, major)


def _failed(call: str, code: str, text: str = "") -> Unavailable:
    if call != "dlopen":
        return Unavailable(f"{call} failed with {code}: {text}", f"cuda:{code}")
    missing = "No such file" in text and "libcuda.so.1:" in text
    # a library that does not fit to the Python which asked says nothing of the engine's
    return Unavailable(text, "no-libcuda" if missing else "not-loaded")


def _not_asked(code: int, output: str) -> Unavailable:
    if code in _KILLED:
        return Unavailable("the probe did not end in time", "hung")
    if code in _NO_PROGRAM:
        return Unavailable("only root can ask from the host, and the image has no Python", "python")
    last = (output.strip().splitlines() or [f"exit code {code}"])[-1]
    return Unavailable(f"the probe did not run: {last}", "probe")
