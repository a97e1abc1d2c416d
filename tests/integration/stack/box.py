"""A box of one's own: a copy of the clone's files, with its own Compose project and its own ports.

Whatever the owner of this machine runs stays as it is, and nothing here depends on it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from gpusim.faults import kernel_log_line
from stackctl.model import LockedModel
from stackctl.models import lock
from stackctl.system.store import Store

REPOSITORY = Path(__file__).parents[3]
ROLES = ("main", "coder", "audio", "image")
#: seconds for any one command; the slowest, `up` of everything, takes about five
PATIENCE = 90.0

Problem = tuple[str, str, str]  # check, severity, subject


@dataclass(frozen=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass(frozen=True)
class Verdict:
    """What `verify --json` says."""

    code: int
    findings: tuple[Mapping[str, Any], ...]

    @property
    def problems(self) -> set[Problem]:
        """Everything that is neither fine nor skipped."""
        return {
            (f["check"], f["severity"], f["subject"])
            for f in self.findings
            if f["severity"] not in ("ok", "skipped")
        }

    def get(self, check: str, subject: str) -> Mapping[str, Any]:
        (found,) = [f for f in self.findings if (f["check"], f["subject"]) == (check, subject)]
        return found


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = PATIENCE,
) -> Result:
    done = subprocess.run(
        argv,
        env=env,
        cwd=cwd,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )
    return Result(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def docker(*words: str, check: bool = True) -> str:
    result = run(["docker", *words])
    assert not check or result.code == 0, f"docker {' '.join(words)}: {result.text}"
    return result.out.strip()


def gpusim(*words: str) -> str:
    result = run([sys.executable, "-m", "gpusim", *words], cwd=REPOSITORY)
    assert result.code == 0, result.text
    return result.out


def free_ports(count: int) -> list[int]:
    """Ports nobody has, from below the range out of which the kernel takes them by itself."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


@dataclass
class Box:
    """One copy of the clone's files. `env` is added to the environment of every command, `clock`
    (seconds) to what stackctl takes for the time."""

    home: Path
    project: str
    ports: Mapping[str, int]
    env: dict[str, str] = field(default_factory=dict)
    clock: float = 0.0

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of what the caller has set for a stack of its own."""
        foreign = ("STACKCTL_", "COMPOSE_", "DOCKER_", "MAIN_", "CODER_", "AUDIO_", "IMAGE_")
        base = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        own = {"STACKCTL_HOME": str(self.home), "COMPOSE_PROJECT_NAME": self.project}
        return base | {"PYTHONPATH": str(REPOSITORY)} | own | self.env

    @property
    def kernel_log(self) -> Path:
        """What stands for /dev/kmsg here: no test may redden `verify` of the owner's stack."""
        return self.home.parent / "kmsg"

    def docker(self, *words: str, check: bool = True) -> str:
        """Docker's own command, of the daemon that this box has."""
        return docker(*words, check=check)

    def deny(self, role: str) -> None:
        """What `systemctl daemon-reload` does to a container that got its GPU by the hook."""
        fault = ("fault", "cgroup-denied", "--container", self.container(role))
        result = run([sys.executable, "-m", "gpusim", *fault], cwd=REPOSITORY, env=self.environ)
        assert result.code == 0, result.text

    def inside(self, *words: str) -> list[str]:
        """A command line that runs where the box is."""
        return list(words)

    def seen(self, path: Path) -> Path:
        """A path of the box, as it is reached from here."""
        return path

    def argv(
        self, *words: str, mounts: str = "true", module: tuple[str, ...] = ("stackctl",)
    ) -> list[str]:
        """stackctl in a mount namespace of its own, where `mounts` are done before; or a module
        that plays it, with its own words."""
        if self.clock:
            module = ("tests.integration.stack.shifted", str(self.clock))
        prepare = f'mount --bind "$1" /dev/kmsg && shift && {mounts} && exec "$@"'
        alone = ["unshare", "--mount", "sh", "-c", prepare, "sh", str(self.kernel_log)]
        return [*alone, sys.executable, "-m", *module, *words]

    def stackctl(
        self,
        *words: str,
        timeout: float = PATIENCE,
        env: Mapping[str, str] | None = None,
        mounts: str = "true",
    ) -> Result:
        return run(
            self.argv(*words, mounts=mounts), env=self.environ | dict(env or {}), timeout=timeout
        )

    def compose(self, *more_files: str) -> list[str]:
        """`docker compose` for this box, to be run with `environ`."""
        command = ["docker", "compose"]
        for name in ("env/images.env", "env/hardware/sim.env", "env/stack.env"):
            command += ["--env-file", str(self.home / name)]
        for name in ("compose/compose.yaml", *more_files):
            command += ["-f", str(self.home / name)]
        return command

    def verify(self, *words: str, timeout: float = PATIENCE) -> Verdict:
        result = self.stackctl("verify", "--json", *words, timeout=timeout)
        assert result.code in (0, 1), result.text
        body = json.loads(result.out)
        assert body["ok"] is (result.code == 0)
        return Verdict(result.code, tuple(body["findings"]))

    def follow(self, fix: str) -> Result:
        """Type the first command of a fix that begins with `stackctl`."""
        command = next(
            part.strip()
            for piece in fix.split(";")
            for part in piece.split("then:")
            if part.strip().startswith("stackctl ")
        )
        return self.stackctl(*command.split()[1:])

    def settings(self, **values: str | int) -> None:
        """Write env/stack.env: the ports of this box, and these values; without a gateway."""
        lines = [f"{role.upper()}_PORT={port}" for role, port in self.ports.items()]
        values = {"COMPOSE_PROFILES": ",".join(ROLES), **values}
        lines += [f"{key}={value}" for key, value in values.items()]
        (self.home / "env" / "stack.env").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def add_to_role(self, role: str, text: str) -> None:
        """Append lines to the service of a role, indented as they are."""
        path = self.home / "compose" / "roles" / f"{role}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file as its owner would."""
        path = self.home / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def restore_files(self) -> None:
        """Compose files, settings and the models' lock as they were in the beginning."""
        for folder in ("compose", "env"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
            ignored = shutil.ignore_patterns("images", "stack.env", "__pycache__", ".*")
            shutil.copytree(REPOSITORY / folder, self.home / folder, ignore=ignored)
        stamp_copies(self.home / "models/sim")
        self.settings()

    def add_xid(self, gpu: int, number: int) -> None:
        """The kernel driver logs an Xid error, as if just now."""
        now = int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)
        self.kernel_log.write_text(f"4,1,{now},-;{kernel_log_line(gpu, number)}\n", "utf-8")

    def wait_until_ready(self, role: str, seconds: float = 20) -> None:
        """The engine says over HTTP that it is fine, whatever that is worth."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if requests.get(self.url(role) + "/health", timeout=2).ok:
                    return
            except requests.ConnectionError:
                pass
            assert time.monotonic() < deadline, docker("logs", self.container(role))
            time.sleep(0.1)

    def container(self, role: str) -> str:
        return f"{self.project}-{role}-1"

    def url(self, role: str) -> str:
        return f"http://127.0.0.1:{self.ports[role]}"

    def containers(self) -> dict[str, str]:
        """Role to state."""
        rows = self.docker(
            *("ps", "--all", "--filter", f"label=com.docker.compose.project={self.project}"),
            *("--format", '{{.Label "com.docker.compose.service"}} {{.State}}'),
        )
        return dict(row.split() for row in rows.splitlines())

    def inspect(self, role: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", self.container(role)))[0]
        return found

    def remove(self) -> None:
        """Every trace in the daemon, also of services that the files no longer name."""
        label = f"label=com.docker.compose.project={self.project}"
        if ids := self.docker("ps", "--all", "--quiet", "--filter", label, check=False).split():
            self.docker("rm", "--force", "--volumes", *ids, check=False)
        if ids := self.docker("network", "ls", "--quiet", "--filter", label, check=False).split():
            self.docker("network", "rm", *ids, check=False)


def stamp_copies(models: Path) -> None:
    """A copy has another date and inode than the lock says; its content is the same."""
    store = Store(models)

    def stamped(model: LockedModel) -> LockedModel:
        files = tuple(replace(file, stamp=store.stamp(file.path)) for file in model.files)
        return replace(model, files=files)

    store.change_lock(lambda text: lock.render(tuple(map(stamped, lock.read(text)))))


@contextmanager
def box(folder: Path) -> Iterator[Box]:
    """A box without containers, as a fresh clone; nothing of it is left behind."""
    home = folder / "home"
    home.mkdir()
    for name in ("healthchecks", "models/sim"):
        shutil.copytree(REPOSITORY / name, home / name)
    ports = dict(zip(ROLES, free_ports(len(ROLES)), strict=True))
    made = Box(home, f"stackctl-test-{uuid.uuid4().hex[:8]}", ports)
    made.kernel_log.touch()
    made.restore_files()
    try:
        yield made
    finally:
        made.remove()
