"""The laboratory's four machines, and what is typed on each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).parents[2]
IMAGE = "stackctl/test-lab:1"
#: an image inside that needs no registry: TLS on 8443, HTTP on 8080, both answer `peer ADDRESS`
DOOR = "lab/door:1"

#: the router's address outside: of the internet, of a provider's NAT, of another router's LAN
PUBLIC, CGNAT, PRIVATE = "81.2.69.10", "100.64.7.10", "192.168.1.10"
LAN, ROUTER, CLIENT = "192.168.77.2", "192.168.77.1", "192.168.77.3"

#: seconds; a laboratory is up in five to ten on two idle cores
PATIENCE = 120.0


@dataclass(frozen=True)
class Run:
    """What a command said, as its user would see it."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def build() -> None:
    """The image; from the cache in a second, if nothing changed."""
    secret = os.environ.get("EXTRA_CA_FILE")
    _must(
        *("docker", "buildx", "build", "--builder", "default", "--load", "--tag", IMAGE),
        *("--build-context", f"common={REPOSITORY / 'compose/images/common'}"),
        *(("--secret", f"id=extra_ca,src={secret}") if secret else ()),
        str(Path(__file__).parent / "image"),
        seconds=900,
    )


@dataclass
class Lab:
    """One laboratory. `home` is stackctl's folder, which the daemon inside sees under that path."""

    wan_address: str = PUBLIC
    upnp: bool = True
    natpmp: bool = True
    #: whether the router forwards though its address outside is no public one
    forward_anyway: bool = False
    home: Path | None = None
    name: str = field(default_factory=lambda: f"stackctl-lab-{uuid.uuid4().hex[:8]}")
    _root: Path = Path()

    lan_address = LAN
    router_address = ROUTER
    client_address = CLIENT

    def __enter__(self) -> Lab:
        home = ("--volume", f"{self.home}:{self.home}") if self.home else ()
        try:
            _must(
                *("docker", "run", "--detach", "--init", "--privileged", "--network", "none"),
                *("--name", self.name, "--tmpfs", "/run:exec", "--volume", "/var/lib/docker"),
                *("--env", f"WAN_ADDRESS={self.wan_address}"),
                *("--env", f"UPNP={_yes(self.upnp)}", "--env", f"NATPMP={_yes(self.natpmp)}"),
                *("--env", f"FORWARD_ANYWAY={_yes(self.forward_anyway)}"),
                *home,
                IMAGE,
            )
            pid = _must("docker", "inspect", "--format", "{{.State.Pid}}", self.name).out.strip()
            self._root = Path(f"/proc/{pid}/root")
            self._wait()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def lan(self, *argv: str, seconds: float = 60) -> Run:
        """On the host that runs Docker."""
        return self._on("lan", argv, seconds)

    def wan(self, *argv: str, seconds: float = 60) -> Run:
        """Somewhere on the internet."""
        return self._on("wan", argv, seconds)

    def client(self, *argv: str, seconds: float = 60) -> Run:
        """On another machine of the LAN."""
        return self._on("cl", argv, seconds)

    def router(self, *argv: str, seconds: float = 60) -> Run:
        """On the router."""
        return self._on("rtr", argv, seconds)

    def reboot_router(self, http_port: int = 5000) -> None:
        """As by a power failure: every mapping is forgotten. Some then have their description on
        another port."""
        self.stop_router()
        self.start_router(http_port)

    def stop_router(self) -> None:
        """No UPnP, no NAT-PMP, no mapping; it routes on."""
        _must("docker", "exec", self.name, "/lab/router", "stop")

    def start_router(self, http_port: int = 5000) -> None:
        port = ("--env", f"HTTP_PORT={http_port}")
        _must("docker", "exec", *port, self.name, "/lab/router", "start")

    def python(
        self,
        *argv: str,
        seconds: float = 120,
        env: Mapping[str, str] | None = None,
        machine: str = "lan",
    ) -> Run:
        """This Python with this working tree, in the network of a machine (by default the one that
        runs Docker), with the daemon inside."""
        strange = ("STACKCTL_", "DOCKER_", "COMPOSE_", "GATEWAY_")
        environ = {k: v for k, v in os.environ.items() if not k.startswith(strange)}
        environ |= {"DOCKER_HOST": f"unix://{self._root}/run/docker.sock"}
        environ |= {"PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
        if self.home:
            environ |= {"STACKCTL_HOME": str(self.home)}
        return _run(
            *("nsenter", f"--net={self._root}/run/netns/{machine}", sys.executable, *argv),
            seconds=seconds,
            env=environ | dict(env or {}),
        )

    def stackctl(
        self, *argv: str, seconds: float = 120, env: Mapping[str, str] | None = None
    ) -> Run:
        """`stackctl` as typed on the host that runs Docker."""
        return self.python("-m", "stackctl", *argv, seconds=seconds, env=env)

    def docker(self, *argv: str, seconds: float = 60) -> Run:
        """`docker` as typed there; it must succeed."""
        return _must("docker", "exec", self.name, "docker", *argv, seconds=seconds)

    def publish(
        self, *ports: str, name: str = "door", image: str = DOOR, labels: tuple[str, ...] = ()
    ) -> None:
        """A container with published ports, as of `docker run --publish`."""
        self.docker(
            *("run", "--detach", "--name", name),
            *(word for port in ports for word in ("--publish", port)),
            *(word for label in labels for word in ("--label", label)),
            image,
        )

    def load(self, image: str) -> None:
        """An image of this machine's daemon, into the one inside."""
        into = ["docker", "exec", "--interactive", self.name, "docker", "load", "--quiet"]
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            done = subprocess.run(into, stdin=saved.stdout, capture_output=True, timeout=300)
        assert (saved.returncode, done.returncode) == (0, 0), done.stderr.decode()

    def wan_get(self, port: int, *, scheme: str = "https", seconds: int = 10) -> str:
        """What a client on the internet gets of the router's address; "" if nothing in time."""
        url = f"{scheme}://{self.wan_address}:{port}/"
        return self.wan("curl", "-sk", "--max-time", str(seconds), url).out

    def _on(self, machine: str, argv: tuple[str, ...], seconds: float) -> Run:
        there = ("nsenter", f"--net=/run/netns/{machine}")
        return _run("docker", "exec", self.name, *there, *argv, seconds=seconds)

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (self._root / "run" / "ready").exists():
            running = _run("docker", "inspect", "--format", "{{.State.Running}}", self.name).out
            if running.strip() != "true" or time.monotonic() > deadline:
                log = _run("docker", "logs", self.name).text
                tail = _run("docker", "exec", self.name, "tail", "/var/log/dockerd.log").text
                raise AssertionError(f"the laboratory did not start:\n{log}\n{tail}")
            time.sleep(0.1)

    def _remove(self) -> None:
        _run("docker", "rm", "--force", "--volumes", self.name)


def _yes(switch: bool) -> str:
    return "yes" if switch else "no"


def _run(*argv: str, seconds: float = 60, env: Mapping[str, str] | None = None) -> Run:
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=seconds, env=env, stdin=subprocess.DEVNULL
    )
    return Run(done.returncode, done.stdout, done.stderr)


def _must(*argv: str, seconds: float = 60) -> Run:
    done = _run(*argv, seconds=seconds)
    assert done.code == 0, f"{' '.join(argv)}: exit {done.code}\n{done.text}"
    return done
