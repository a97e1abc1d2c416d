"""What keeps `up` from changing anything, and what may come between."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.stack.box import PATIENCE, Box, Result, docker

pytestmark = [pytest.mark.docker, pytest.mark.stack]

FRAGMENT = "compose/engines/llama-cpp.yaml"
NOBODY = "65534"


def refused(result: Result, check: str, *words: str) -> None:
    assert result.code == 1, result.text
    assert f"[{check}]" in result.out
    assert all(word in result.out for word in words), result.text
    assert "nothing was changed" in result.out


def test_port_of_a_program(fresh: Box) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        fresh.settings(CODER_PORT=port)
        up = fresh.stackctl("up")
    refused(up, "host.port", f"port {port} is taken by", f"(pid {os.getpid()})", "CODER_PORT")
    assert fresh.containers() == {}


def test_port_of_another_stack(fresh: Box, stack: Box) -> None:
    fresh.settings(CODER_PORT=stack.ports["audio"])
    up = fresh.stackctl("up", "coder")
    refused(up, "host.port", f"is taken by container {stack.container('audio')}")
    assert fresh.containers() == {}


def test_port_of_a_role_that_stays(stack: Box) -> None:
    before = stack.inspect("coder")["Id"]
    stack.settings(CODER_PORT=stack.ports["audio"])
    refused(stack.stackctl("up", "coder"), "host.port", stack.container("audio"))
    assert stack.inspect("coder")["Id"] == before
    stack.settings()
    assert stack.stackctl("up", "coder").code == 0


def test_image_that_cannot_be_had(fresh: Box) -> None:
    fresh.settings(WHISPER_IMAGE="localhost:1/nobody/nowhere:1")
    up = fresh.stackctl("up")
    assert up.code == 1, up.text
    assert "the image cannot be had" in up.err
    assert "fix:" in up.err
    assert fresh.containers() == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"CODER_VRAM_MIB": 50000}, ("GPU 3: its services need 48.8 GiB, it has 45.0 GiB",)),
        (
            {"AUDIO_VRAM_MIB": 24000, "IMAGE_VRAM_MIB": 24000},
            ("GPU 2: its services need 46.9 GiB", "audio 23.4 GiB, image 23.4 GiB"),
        ),
    ],
    ids=["one-too-large", "two-together"],
)
def test_models_that_do_not_fit(
    fresh: Box, settings: dict[str, int], words: tuple[str, ...]
) -> None:
    fresh.settings(**settings)
    refused(fresh.stackctl("up"), "gpu.room", *words)
    assert fresh.containers() == {}


def test_gpu_that_does_not_exist(fresh: Box) -> None:
    fresh.settings(CODER_GPU=7)
    refused(fresh.stackctl("up"), "gpu.exists", "coder: GPU 7 is not on this host")
    assert fresh.containers() == {}


@contextmanager
def slow_up(box: Box) -> Iterator[subprocess.Popen[str]]:
    """`up coder` under way, with an engine that takes some seconds to begin loading."""
    box.replace(FRAGMENT, "exec /app/llama-server", "sleep 5; exec /app/llama-server")
    process = subprocess.Popen(
        box.argv("up", "coder"), env=box.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert any("loading" in line for line in process.stdout), "it ended before it loaded"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_two_at_once(fresh: Box) -> None:
    with slow_up(fresh) as first:
        second = fresh.stackctl("up", "coder")
        assert second.code == 1
        assert "`stackctl up` (pid " in second.err
        assert "is changing the stack right now" in second.err
        assert first.wait(PATIENCE) == 0
    assert fresh.verify().code == 0
    # and nothing is left of the lock
    assert fresh.stackctl("up", "coder").code == 0


def test_ctrl_c_and_on_with_it(fresh: Box) -> None:
    with slow_up(fresh) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert fresh.containers() == {"coder": "running"}
    started = fresh.inspect("coder")["State"]["StartedAt"]
    up = fresh.stackctl("up", "coder")
    assert up.code == 0, up.text
    assert fresh.inspect("coder")["State"]["StartedAt"] == started
    assert fresh.verify().code == 0


@pytest.mark.parametrize("verb", ["up", "down", "restart", "status", "logs", "verify"])
def test_daemon_that_is_not_there(fresh: Box, verb: str) -> None:
    nowhere = {"DOCKER_HOST": f"unix://{fresh.home}/nowhere.sock"}
    result = fresh.stackctl(verb, env=nowhere)
    assert result.code == 1, result.text
    assert "the Docker daemon is not running" in result.out + result.err
    assert "fix:" in result.out + result.err


def test_socket_that_may_not_be_used(fresh: Box) -> None:
    """As nobody, who may read everything here, so that Python and the files can be had."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is not installed")
    read_only = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    words = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *read_only)
    argv = fresh.argv("verify")
    python = argv.index("-m") - 1
    done = subprocess.run(
        [*argv[:python], *words, *argv[python:]],
        env=fresh.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "docker: no permission on the Docker socket  [docker.daemon]" in done.stdout
    assert "usermod -aG docker" in done.stdout


def test_full_disk(stack: Box) -> None:
    """The folder of the state is on a file system of its own, which has no room left."""
    state = stack.home / ".stackctl"
    placement = (state / "placement.yaml").read_bytes()
    before = stack.inspect("coder")["Id"]
    fill = f"head -c 4096 /dev/zero > {state}/filler"
    mounts = f"mount -t tmpfs -o size=4k tmpfs {state} && ({fill} || true)"
    up = stack.stackctl("restart", "coder", mounts=mounts)
    assert up.code == 1, up.text
    assert "No space left on device" in up.err
    assert "fix:" in up.err
    assert stack.inspect("coder")["Id"] == before
    assert (state / "placement.yaml").read_bytes() == placement
    assert stack.verify().code == 0


@pytest.mark.parametrize("encoding", ["cp949", "ascii"])
def test_terminal_without_utf_8(stack: Box, encoding: str) -> None:
    env = {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    for words in (("up", "coder"), ("status",), ("verify", "--answers"), ("logs", "-n", "5")):
        result = stack.stackctl(*words, env=env)
        assert result.code == 0, result.text
        assert result.out


def digest(box: Box) -> dict[str, str]:
    files = (path for path in sorted(box.home.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def everything(box: Box) -> tuple[str, dict[str, str]]:
    label = f"label=com.docker.compose.project={box.project}"
    rows = docker("ps", "--all", "--no-trunc", "--filter", label, "--format", "{{.ID}} {{.State}}")
    networks = docker("network", "ls", "--quiet", "--filter", label)
    return rows + networks, digest(box)


def test_dry_run_of_the_first_up_changes_nothing(fresh: Box) -> None:
    before = everything(fresh)
    result = fresh.stackctl("up", "--dry-run")
    assert result.code == 0, result.text
    assert "nvidia.com/gpu=GPU-" in result.out
    assert "nothing was done" in result.out
    assert everything(fresh) == before
    assert not (fresh.home / ".stackctl").exists()


@pytest.mark.parametrize("verb", ["up", "restart", "down"])
def test_dry_run_on_a_running_stack_changes_nothing(stack: Box, verb: str) -> None:
    before = everything(stack)
    result = stack.stackctl(verb, "--dry-run")
    assert result.code == 0, result.text
    assert "docker compose" in result.out
    assert everything(stack) == before
