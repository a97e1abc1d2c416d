"""A real gateway in front of fake engines, in a Compose project of its own.

It is started from the clone's own compose file, with its rights and its image, and configured by
`refresh`, as `stackctl up` does. Only what is behind it is fake.
"""

from __future__ import annotations

import csv
import json
import os
import re
import secrets
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from stackctl import settings
from stackctl.commands.gateway import apply
from stackctl.gateway import keys as key_files
from stackctl.model import StackError
from stackctl.model.gateway import Key
from stackctl.system import files, haproxy
from stackctl.system.docker import Docker
from tests.integration.certificate import certify
from tests.integration.stack.box import docker, free_ports

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
IMAGE = "stackctl/sim-haproxy:1"
ENGINES = ("main", "coder", "audio", "image")
#: seconds for anything that takes a moment
PATIENCE = 20.0


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until it is so -> its value."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return value


@dataclass(frozen=True)
class FakeEngine:
    """What one engine saw. `address` is that of its container, which this host reaches."""

    name: str
    container: str
    address: str

    def state(self) -> dict[str, Any]:
        """active, count, gone (clients that left), received (requests as they came)"""
        told: dict[str, Any] = requests.get(f"http://{self.address}:8001/state", timeout=10).json()
        return told

    @property
    def active(self) -> int:
        return int(self.state()["active"])

    def idle(self) -> bool:
        return self.active == 0

    @property
    def received(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state()["received"]
        return found

    def next(self) -> None:
        """Let a stream that goes by steps send one more."""
        requests.post(f"http://{self.address}:8001/next", timeout=10)

    def reset(self) -> None:
        requests.post(f"http://{self.address}:8001/reset", timeout=10)


@dataclass
class Door:
    """One gateway. `root` stands for the clone: compose/, .stackctl/."""

    root: Path
    project: str
    http_port: int
    tls_port: int
    metrics_port: int
    acme_port: int
    knobs: Mapping[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[Key, str]] = field(default_factory=dict)
    engines: dict[str, FakeEngine] = field(default_factory=dict)

    # --- where it is
    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def certificate(self) -> Path:
        return self.place.tls / "server.pem"

    @property
    def place(self) -> apply.Place:
        return apply.Place(self.root)

    @property
    def container(self) -> str:
        return f"{self.project}-gateway-1"

    @property
    def config(self) -> Path:
        """The static configuration that it has read, a copy of the clone's."""
        return self.root / "compose" / "gateway" / "haproxy.cfg"

    # --- what is done to it
    def add_key(self, name: str = "", **limits: Any) -> str:
        """A new key, given to HAProxy; the key itself."""
        text = key_files.PREFIX + secrets.token_urlsafe(32)
        name = name or f"k-{uuid.uuid4().hex[:8]}"
        key = Key(name, key_files.digest(text), time.time(), **limits)
        self.keys[name] = (key, text)
        self._write_keys()
        return text

    def remove_key(self, name: str) -> None:
        del self.keys[name]
        self._write_keys()

    def _write_keys(self) -> None:
        files.write(
            self.place.keys, key_files.dump(key for key, _ in self.keys.values()), mode=0o600
        )
        self.refresh()

    def refresh(self) -> None:
        assert apply.refresh(self.root, Docker())

    def reload(self, *, alone: bool = False) -> None:
        """A new process; `alone`: until the old one, which may take connections for a moment more,
        has ended."""
        files.remove(self.place.loaded)
        self.refresh()
        if alone:
            until(lambda: len(self.processes()) == 2, "the old process has ended")

    @contextmanager
    def changed(self, settings: Mapping[str, str]) -> Iterator[None]:
        """Other values, as in {"timeout client": "2s"}, until the end of the block."""
        text = other = self.config.read_text(encoding="utf-8")
        for name, value in settings.items():
            other, count = re.subn(rf"\b{name} \S+", f"{name} {value}", other)
            assert count, f"haproxy.cfg has no {name}"
        try:
            # in place: a single file is mounted by its inode
            self.config.write_text(other, encoding="utf-8")
            self.reload(alone=True)
            yield
        finally:
            self.config.write_text(text, encoding="utf-8")
            self.reload(alone=True)

    # --- what it says
    def admin(self, command: str) -> str:
        return haproxy.command(self.place.run, command)

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def access(self, key: str = "") -> list[dict[str, Any]]:
        """The access log; of one key's name alone if it is named."""
        rows = [json.loads(row) for row in self.logs().splitlines() if row.startswith("{")]
        return [row for row in rows if not key or row.get("key") == key]

    def metrics(self) -> str:
        return requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).text

    def processes(self) -> list[int]:
        """Resident memory in KiB of the master, of the worker, and of old workers."""
        rows = docker("top", self.container, "-o", "pid,rss,comm").splitlines()[1:]
        return [int(row.split()[1]) for row in rows if row.split()[2] == "haproxy"]

    def memory(self) -> int:
        """KiB of all of them."""
        return sum(self.processes())

    # --- what is behind it
    def engine(self, name: str) -> FakeEngine:
        if name not in self.engines:
            container = f"{self.project}-{name}-1"
            (network,) = json.loads(docker("inspect", container))[0]["NetworkSettings"][
                "Networks"
            ].values()
            self.engines[name] = FakeEngine(name, container, network["IPAddress"])
        return self.engines[name]

    def servers(self) -> dict[str, dict[str, str]]:
        """HAProxy's own statistics of each engine; empty while it cannot be asked."""
        try:
            table = self.admin("show stat -1 4 -1").lstrip("# \n")
        except StackError:
            return {}
        return {row["pxname"]: row for row in csv.DictReader(table.splitlines())}

    def queued(self, backend: str) -> int:
        """Requests that wait for a free place in an engine."""
        table = self.admin("show stat -1 2 -1").lstrip("# \n")
        rows = {row["pxname"]: row for row in csv.DictReader(table.splitlines())}
        return int(rows[backend]["qcur"])

    def wait(self) -> None:
        """Until every engine was found, and has answered."""

        def ready() -> bool:
            rows = self.servers()
            return set(rows) >= set(ENGINES) and all(
                row["status"] == "UP" and row["check_status"] == "L7OK" and row["addr"]
                for row in rows.values()
            )

        until(ready, "every engine is up")

    # --- how it comes and goes
    def compose(self, *words: str) -> None:
        environ = {
            k: v for k, v in os.environ.items() if not k.startswith(("COMPOSE_", "GATEWAY_"))
        }
        environ |= {
            "GATEWAY_IMAGE": IMAGE,
            "GATEWAY_STATE": str(self.place.conf.parent),
            "GATEWAY_USER": ":".join(map(str, settings.gateway_user(self.root))),
            "GATEWAY_PORT": str(self.tls_port),
            "GATEWAY_HTTP_PORT": str(self.http_port),
            "GATEWAY_METRICS_PORT": str(self.metrics_port),
            "GATEWAY_ACME_PORT": str(self.acme_port),
            "FAKE_ENGINE": str(HERE / "fake_engine.py"),
            **self.knobs,
        }
        argv = ["docker", "compose", "-p", self.project, "--profile", "gateway"]
        argv += [
            "-f",
            str(self.root / "compose/roles/gateway.yaml"),
            "-f",
            str(HERE / "engines.yaml"),
        ]
        done = subprocess.run(
            [*argv, *words], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        self.place.prepare()
        certify(self.certificate, settings.gateway_user(self.root))
        self.compose("create")
        self.refresh()
        self.compose("start")
        self.wait()

    def remove(self) -> None:
        label = f"label=com.docker.compose.project={self.project}"
        if ids := docker("ps", "--all", "--quiet", "--filter", label, check=False).split():
            docker("rm", "--force", "--volumes", *ids, check=False)
        if ids := docker("network", "ls", "--quiet", "--filter", label, check=False).split():
            docker("network", "rm", *ids, check=False)


@contextmanager
def open_door(folder: Path, **knobs: str) -> Iterator[Door]:
    """A gateway that is up, with every engine behind it; nothing of it is left behind. `knobs` as
    in env/stack.env."""
    root = folder / "clone"
    for name in ("compose/gateway", "healthchecks"):
        shutil.copytree(REPOSITORY / name, root / name)
    (root / "compose" / "roles").mkdir()
    shutil.copy(REPOSITORY / "compose/roles/gateway.yaml", root / "compose/roles")
    http, tls, metrics, acme = free_ports(4)
    door = Door(root, f"stackctl-test-{uuid.uuid4().hex[:8]}", http, tls, metrics, acme, knobs)
    try:
        door.start()
        yield door
    finally:
        door.remove()
