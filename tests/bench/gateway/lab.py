"""One network namespace in which engine, client and every gateway talk over loopback.

So no gateway pays for a port mapping that another one does not have.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stackctl.commands.gateway import apply
from stackctl.commands.gateway.apply import Place
from stackctl.gateway import keys
from stackctl.model.gateway import Key
from stackctl.system.docker import Docker
from tests.bench.gateway.load import KEY, SMALL, Figures
from tests.integration.stack.box import REPOSITORY, Box, docker, run
from tests.integration.stack.box import box as new_box

IMAGE = "stackctl/bench-gateway:1"
#: ports in the namespace: what the engine listens on, as every engine of a stack, and the door
ENGINE, GATEWAY = 8000, 8080
DESCRIPTION = f"""
services:
  bench:
    image: {IMAGE}
    labels:
      stackctl.role: bench
      stackctl.engine: llama-cpp
      stackctl.model: bench
      stackctl.port: "{ENGINE}"
      stackctl.slots: "1024"
  gateway:
    extends: {{file: roles/gateway.yaml, service: gateway}}
    profiles: !reset []
    ports: !reset []
    network_mode: service:bench
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Lab:
    """A Compose project of two: the engine, and the door in the engine's network namespace."""

    box: Box

    @property
    def name(self) -> str:
        """The container with the engine and the client."""
        return self.box.container("bench")

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

    def answers(self, port: int) -> bool:
        figures = self.client(port, 1, 0.01, SMALL)
        return figures.requests > 0 and figures.errors == 0

    def beside(self, name: str) -> tuple[str, ...]:
        """Options of `docker run` for a container in the same namespace, which ends with it."""
        return (
            *("--detach", "--name", f"{self.name}-{name}", "--network", f"container:{self.name}"),
            *("--label", f"com.docker.compose.project={self.box.project}"),
            *("--log-opt", "max-size=20m", "--log-opt", "max-file=3"),  # as the door has it
        )


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """The engine runs, and the real gateway with nothing changed but its network."""
    _build()
    with new_box(folder) as mine:
        place = Place(mine.home)
        place.prepare()
        bench = Key("bench", keys.digest(KEY), time.time())
        place.keys.write_text(keys.dump([bench]), encoding="utf-8")
        file = mine.home / "compose" / "bench.yaml"
        file.write_text(DESCRIPTION, encoding="utf-8")
        argv = ["docker", "compose", "--file", str(file)]
        for name in ("images.env", "hardware/sim.env"):
            argv += ["--env-file", str(mine.home / "env" / name)]
        _must([*argv, "create"], mine)
        assert apply.refresh(mine.home, Docker()), "the gateway was not found"
        _must([*argv, "start"], mine)
        made = Lab(mine)
        wait_for("the gateway", lambda: made.answers(GATEWAY))
        yield made


def _must(argv: list[str], box: Box) -> None:
    done = run(argv, env=box.environ)
    assert done.code == 0, done.text


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


class NotReadyError(AssertionError):
    """What was waited for did not come."""


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what} is not ready after {seconds:.0f} s")
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
