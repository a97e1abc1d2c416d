"""Runs one simulated engine in a container of its own, and takes it away again whatever happens."""

import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from stackctl.system.process import container_of

PORT = 8000


def docker(*arguments: str, check: bool = True, timeout: float = 60) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout
    )
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def nvidia_smi(query: str) -> list[list[str]]:
    done = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return [line.split(", ") for line in done.stdout.splitlines()]


@dataclass(frozen=True)
class Engine:
    name: str

    @property
    def url(self) -> str:
        return "http://" + docker("port", self.name, str(PORT)).splitlines()[0]

    def log(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout

    def state(self) -> tuple[bool, int]:
        """Whether it runs, and its exit code."""
        running, code = docker(
            "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", self.name
        ).split()
        return running == "true", int(code)

    def gpu_memory(self) -> dict[int, int]:
        """GPU index to MiB that this container's own processes hold, as the driver says."""
        container = docker("inspect", "--format", "{{.Id}}", self.name).strip()
        indexes = {uuid: int(index) for index, uuid in nvidia_smi("--query-gpu=index,uuid")}
        apps = nvidia_smi("--query-compute-apps=pid,gpu_uuid,used_memory")
        return {
            indexes[uuid]: int(mib)
            for pid, uuid, mib in apps
            if container_of(int(pid)) == container
        }

    def wait_for_gpu_memory(self, mib: int, gpus: int) -> dict[int, int]:
        """The simulated driver counts twice a second; gives up after some seconds."""
        deadline = time.monotonic() + 5
        while True:
            held = self.gpu_memory()
            enough = len(held) == gpus and min(held.values(), default=0) >= mib
            if enough or time.monotonic() > deadline:
                return held
            time.sleep(0.2)

    def wait_for(self, path: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.state()[0]:
                raise AssertionError(f"the engine ended:\n{self.log()}")
            try:
                if requests.get(self.url + path, timeout=2).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} was not ready in {seconds} s:\n{self.log()}")

    def chat(self, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/v1/chat/completions", json=body, timeout=30)
        assert answer.ok, answer.text
        choice: dict[str, Any] = answer.json()["choices"][0]
        return choice


@contextmanager
def engine(
    image: str,
    *arguments: str,
    gpus: Sequence[int] = (),
    models: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Engine]:
    name = f"stackctl-test-{uuid.uuid4().hex[:12]}"
    devices = [part for gpu in gpus for part in ("--device", f"nvidia.com/gpu={gpu}")]
    mounts = ["--volume", f"{models}:/models:ro"] if models else []
    try:
        docker(
            *("run", "--detach", "--init", "--name", name, "--publish", f"127.0.0.1::{PORT}"),
            *devices,
            *mounts,
            *options,
            f"stackctl/{image}:1",
            *arguments,
        )
        yield Engine(name)
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def stop_seconds(container: Engine) -> float:
    start = time.monotonic()
    docker("stop", container.name)
    return time.monotonic() - start
