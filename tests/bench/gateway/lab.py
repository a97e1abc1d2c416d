"""One network namespace in which engine, client and every gateway talk over loopback.

So no gateway pays for a port mapping that another one does not have.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.gateway.load import Figures
from tests.integration.stack.box import REPOSITORY, docker, run

IMAGE = "stackctl/bench-gateway:1"
#: what the engine listens on, as every engine of a stack
ENGINE = 8000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Lab:
    """A container with a network of its own, on which the engine is known as MODEL."""

    name: str

    @property
    def address(self) -> str:
        """Where this host reaches it, without a port mapping."""
        where = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", "--format", where, self.name)

    def client(self, port: int, connections: int, seconds: float, request: bytes) -> Figures:
        with self.clients(port, connections, seconds, request) as result:
            return result()

    @contextmanager
    def clients(
        self, port: int, connections: int, seconds: float, request: bytes
    ) -> Iterator[Callable[[], Figures]]:
        """Load in the background, until its figures are asked for."""
        words = (str(port), str(connections), str(seconds))
        argv = ["docker", "exec", "--interactive", self.name, "client", *words]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdin
            process.stdin.write(request)
            process.stdin.close()
            process.stdin = None  # or communicate() would flush it
            yield lambda: Figures(**json.loads(process.communicate(timeout=seconds + 90)[0]))
        finally:
            process.kill()
            process.wait()

    def beside(self, name: str) -> tuple[str, ...]:
        """Options of `docker run` for a container in the same namespace."""
        return ("--detach", "--name", f"{self.name}-{name}", "--network", f"container:{self.name}")


@contextmanager
def lab() -> Iterator[Lab]:
    """The engine runs in it; the containers beside it end with it."""
    _build()
    name = f"stackctl-bench-{uuid.uuid4().hex[:8]}"
    try:
        docker("network", "create", name)
        docker("run", "--detach", "--name", name, "--network", name, IMAGE)
        yield Lab(name)
    finally:
        mine = docker("ps", "--all", "--quiet", "--filter", f"name={name}", check=False).split()
        docker("rm", "--force", "--volumes", *mine, check=False)
        docker("network", "rm", name, check=False)


def processes(container: str) -> list[int]:
    """Of this host, init included."""
    lines = docker("top", container, "-eo", "pid").splitlines()
    return [int(line) for line in lines[1:]]


def resident_mib(pids: list[int]) -> float:
    """What they hold together; pages that two of them share count twice."""
    total = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        total += int(status.split("VmRSS:")[1].split()[0])
    return total / 1024


def cpu_seconds(pids: list[int]) -> float:
    """Used so far by processes that still run."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} is not ready after {seconds:.0f} s"
        time.sleep(0.2)


def _build() -> None:
    ca = os.environ.get("EXTRA_CA_FILE") or os.environ.get("PIP_CERT")
    built = run(
        [
            *("docker", "buildx", "build", "--builder", "default", "--load", "--tag", IMAGE),
            *("--build-context", f"common={REPOSITORY / 'compose/images/common'}"),
            *(("--secret", f"id=extra_ca,src={ca}") if ca else ()),
            str(Path(__file__).parent),
        ],
        timeout=900,
    )
    assert built.code == 0, built.text
