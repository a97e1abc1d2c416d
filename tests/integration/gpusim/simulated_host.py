"""Containers that play a host of their own, so that installing and breaking it harms nobody."""

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
BASE_IMAGE = "debian:forky-slim"
HOST_IMAGE = "stackctl/test-gpuhost:1"
SMALL_IMAGE = "busybox"


def command(
    *argv: str, check: bool = True, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Output and error in one text, as a person would see them."""
    done = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=seconds,
    )
    if check and done.returncode:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}")
    return done


def build_host_image() -> None:
    secret = os.environ.get("EXTRA_CA_FILE")
    command(
        *("docker", "buildx", "build", "--builder", "default", "--load", "--tag", HOST_IMAGE),
        *("--build-context", f"common={REPOSITORY / 'compose/images/common'}"),
        *(("--secret", f"id=extra_ca,src={secret}") if secret else ()),
        str(Path(__file__).parent / "gpuhost"),
        seconds=900,
    )


@contextmanager
def container(*options: str, image: str = BASE_IMAGE, run: tuple[str, ...]) -> Iterator[str]:
    """The name of a container that runs until the end of the block."""
    name = f"gpusim-test-{uuid.uuid4().hex[:12]}"
    try:
        command("docker", "run", "--detach", "--name", name, *options, image, *run)
        yield name
    finally:
        command("docker", "rm", "--force", "--volumes", name, check=False)


class Host:
    """A container with gpusim's sources in /gpusim, where commands run as on a host."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return command("docker", "exec", self.name, *argv, check=check)

    def gpusim(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("python3", "-m", "gpusim", *argv, check=check)

    def shell(self, script: str, check: bool = True) -> str:
        return self.run("sh", "-c", script, check=check).stdout

    def container(self, *options: str) -> "InnerContainer":
        """Starts one inside this host; it goes with the host at the latest."""
        name = f"inner-{uuid.uuid4().hex[:8]}"
        started = self.run(
            *("docker", "run", "--detach", "--network", "none", "--name", name),
            *options,
            *(SMALL_IMAGE, "/busybox", "sleep", "3600"),
            check=False,
        )
        if started.returncode:
            self.run("docker", "rm", "--force", name, check=False)
            raise StartRefused(started.stdout)
        return InnerContainer(self, name)

    def wait_for(self, *argv: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.run(*argv, check=False).returncode:
            assert time.monotonic() < deadline, self.run(*argv, check=False).stdout
            time.sleep(0.1)


class StartRefused(Exception):
    """The inner daemon's reason for not starting a container."""


class InnerContainer:
    def __init__(self, host: Host, name: str) -> None:
        self.host = host
        self.name = name

    def __enter__(self) -> "InnerContainer":
        return self

    def __exit__(self, *_reason: object) -> None:
        self.host.run("docker", "rm", "--force", self.name, check=False)

    def smi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.host.run("docker", "exec", self.name, "nvidia-smi", *arguments, check=False)


def copy_gpusim_to(name: str) -> None:
    command("docker", "cp", "--quiet", str(REPOSITORY / "gpusim"), f"{name}:/repository/gpusim")


@contextmanager
def bare_host() -> Iterator[Host]:
    """A host with Python and nothing else: no systemd, no daemon."""
    options = ("--init", "--network", "none", "--device-cgroup-rule", "c 195:* rwm")
    with container(*options, image=HOST_IMAGE, run=("sleep", "3600")) as name:
        copy_gpusim_to(name)
        yield Host(name)


@contextmanager
def gpu_host() -> Iterator[Host]:
    """A host with systemd, simulated GPUs, and a daemon on cgroup v2 that knows them."""
    options = (
        *("--privileged", "--cgroupns", "private", "--network", "none"),
        *("--tmpfs", "/run:exec", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),
        *("--volume", "/var/lib/docker"),
    )
    with container(*options, image=HOST_IMAGE, run=("/boot-gpuhost",)) as name:
        host = Host(name)
        host.wait_for("systemctl", "is-active", "docker.service")
        copy_gpusim_to(name)
        host.gpusim("install")
        # The daemon looks for the hook when it starts.
        host.run("systemctl", "restart", "docker.service")
        host.wait_for("docker", "info")
        host.run("docker", "import", "/busybox.tar", SMALL_IMAGE)
        yield host
