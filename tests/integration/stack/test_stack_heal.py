"""Faults under a running stack that is watched: healed within two runs of the timer, or explained,
and every other service left alone."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.stack.box import PATIENCE, REPOSITORY, ROLES, Box, docker, gpusim
from tests.integration.stack.watching import TIMER, changed, forgotten, healed, started, timer

pytestmark = [pytest.mark.docker, pytest.mark.stack]

GGUF = "llama-cpp/gpt-oss-20b.gguf"


@pytest.fixture
def watched(stack: Box) -> Iterator[Box]:
    """The running stack, of which nothing is remembered."""
    with forgotten(stack):
        yield stack


def processes(box: Box, role: str, name: str) -> list[int]:
    rows = docker("top", box.container(role), "-eo", "pid,comm").splitlines()[1:]
    return [int(row.split()[0]) for row in rows if row.split()[1].startswith(name)]


def test_a_green_box_is_left_alone(watched: Box) -> None:
    before = started(watched)
    for _ in range(2):
        result = timer(watched)
        assert (result.code, result.out) == (0, "")
    assert watched.stackctl("heal").out.startswith("nothing to heal")
    assert changed(watched, before) == set()


def test_lost_device_permissions_of_one(watched: Box) -> None:
    before = started(watched)
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    first = timer(watched)
    assert "seen for the first time" in first.out
    assert changed(watched, before) == set()
    assert "coder: recreated, as the container lost its device permissions" in healed(watched, 1)
    assert changed(watched, before) == {"coder"}
    past = watched.stackctl("history").out
    assert "recreated, as the container lost its device permissions" in past
    # nor does the next `up` see anything to do
    now = started(watched)
    assert watched.stackctl("up").code == 0
    assert changed(watched, now) == set()


def test_lost_device_permissions_of_all(watched: Box) -> None:
    before = started(watched)
    for role in ROLES:
        gpusim("fault", "cgroup-denied", "--container", watched.container(role))
    healed(watched)
    assert changed(watched, before) == set(ROLES)


def test_by_hand_at_once(watched: Box) -> None:
    before = started(watched)
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    dry = watched.stackctl("heal", "--dry-run")
    assert "would recreate coder" in dry.out
    assert changed(watched, before) == set()
    assert watched.stackctl("heal", "main").out.startswith("nothing to heal")
    done = watched.stackctl("verify", "--heal")
    assert done.code == 0, done.text
    assert "coder: recreated" in done.out
    assert changed(watched, before) == {"coder"}


def test_container_removed_by_hand(watched: Box) -> None:
    before = started(watched)
    docker("rm", "--force", watched.container("coder"))
    assert watched.verify().problems == {("service.there", "error", "coder")}
    healed(watched)
    assert changed(watched, before) == {"coder"}


def test_what_was_taken_down_stays_down(watched: Box) -> None:
    assert watched.stackctl("down", "coder").code == 0
    before = started(watched)
    for _ in range(3):
        assert timer(watched).code == 0
    assert changed(watched, before) == set()
    assert watched.stackctl("up", "coder").code == 0
    # and one whose container is gone already
    docker("rm", "--force", watched.container("coder"))
    assert watched.stackctl("down", "coder").code == 0
    assert watched.verify().code == 0
    assert watched.stackctl("up").code == 0


def test_hung_engine(watched: Box) -> None:
    before = started(watched)
    for pid in processes(watched, "coder", "llama-server"):
        os.kill(pid, signal.SIGSTOP)
    said = healed(watched)
    assert "coder: recreated, as its engine hangs" in said
    assert changed(watched, before) == {"coder"}


def test_stopped_container(watched: Box) -> None:
    before = started(watched)
    docker("stop", watched.container("audio"))
    healed(watched)
    assert changed(watched, before) == {"audio"}


def test_what_docker_restarts_is_left_to_docker(watched: Box) -> None:
    container = watched.inspect("coder")["Id"]
    others = started(watched)
    for pid in processes(watched, "coder", "llama-server"):
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert "recreat" not in timer(watched).out
    watched.wait_until_ready("coder")
    now = watched.inspect("coder")
    assert now["Id"] == container
    assert now["RestartCount"] == 1
    assert changed(watched, others) == {"coder"}
    assert timer(watched).code == 0
    watched.stackctl("restart", "coder")


def test_out_of_memory_again_and_again(watched: Box) -> None:
    """Three attempts, then hands off, until somebody has mended it and says so."""
    before = started(watched)
    limit = '    restart: "no"\n    mem_limit: 60m\n    memswap_limit: 60m\n'
    watched.add_to_role("coder", limit)
    docker("rm", "--force", watched.container("coder"))
    said = [timer(watched).out for _ in range(6)]
    assert sum("tried: " in text for text in said) == 3
    assert "out of memory" in said[2]
    assert "three attempts within an hour did not help" in said[-1]
    assert "[heal.breaker]" in watched.stackctl("history").out
    assert changed(watched, before) == {"coder"}
    watched.restore_files()
    assert "three attempts" in watched.stackctl("heal", "coder").out
    again = watched.stackctl("heal", "coder", "--again")
    assert again.code == 0, again.text
    assert watched.verify().code == 0


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (("gpu-lost", "--gpu", "3"), "GPU is lost"),
        (("version-mismatch",), "version mismatch"),
        (("driver-not-loaded",), "the driver"),
        (("memory-full", "--gpu", "3"), "held by somebody else"),
    ],
)
def test_what_no_container_mends(watched: Box, fault: tuple[str, ...], why: str) -> None:
    before = started(watched)
    gpusim("fault", *fault)
    said = "".join(timer(watched).out for _ in range(3))
    assert why in said
    assert "not healed" in said
    by_hand = watched.stackctl("heal")
    assert by_hand.code == 1
    assert "fix:" in by_hand.out
    assert changed(watched, before) == set()


def test_xid_79(watched: Box) -> None:
    before = started(watched)
    watched.add_xid(3, 79)
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    said = "".join(timer(watched).out for _ in range(3))
    watched.kernel_log.write_text("")
    assert "coder: not healed: no container helps while this is so: GPU 3" in said
    assert changed(watched, before) == set()


def test_damaged_model(watched: Box) -> None:
    before = started(watched)
    model = watched.home / "models" / "sim" / GGUF
    whole = model.stat().st_size
    docker("stop", watched.container("coder"))
    try:
        os.truncate(model, whole // 2)
        said = "".join(timer(watched).out for _ in range(3))
    finally:
        shutil.copy2(REPOSITORY / "models" / "sim" / GGUF, model)
    assert "coder: not healed: its model is damaged" in said
    assert "stackctl models" in said
    assert watched.inspect("coder")["State"]["Status"] == "exited"
    assert changed(watched, before) == set(), "nothing was started"
    healed(watched)


def test_stolen_port(watched: Box) -> None:
    before = started(watched)
    docker("rm", "--force", watched.container("coder"))
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", watched.ports["coder"]))
        thief.listen()
        said = "".join(timer(watched).out for _ in range(3))
        assert f"port {watched.ports['coder']} is taken by" in said
        assert f"(pid {os.getpid()})" in said
    assert changed(watched, before) == {"coder"}
    healed(watched, 1)


@contextmanager
def held(box: Box, name: str, text: str) -> Iterator[None]:
    with (box.home / ".stackctl" / name).open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(text)
        lock.flush()
        yield
        lock.truncate(0)


def test_never_while_up_is_at_work(watched: Box) -> None:
    before = started(watched)
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    with held(watched, "lock", "`stackctl up` (pid 1, since 12:00:00)"):
        said = "".join(timer(watched).out for _ in range(3))
    assert "`stackctl up` (pid 1, since 12:00:00) is changing the stack right now" in said
    assert "nothing is healed meanwhile" in said
    assert changed(watched, before) == set()
    healed(watched, 1)


def test_one_run_of_the_timer_at_a_time(watched: Box) -> None:
    with held(watched, "watch.lock", "another"):
        result = timer(watched)
    assert result.code == 0
    assert "still at work; nothing was done" in result.out


def test_two_heals_at_once(watched: Box) -> None:
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    since = f"{time.time():.3f}"
    both = [
        subprocess.Popen(
            watched.argv("heal"), env=watched.environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=PATIENCE)[0] for process in both]
    made = docker(
        *("events", "--since", since, "--until", f"{time.time():.3f}", "--format", "{{.ID}}"),
        *("--filter", "event=create", "--filter", "type=container"),
        *("--filter", f"label=com.docker.compose.project={watched.project}"),
    )
    assert len(made.split()) == 1, said
    assert watched.verify().code == 0


@pytest.mark.parametrize("at", ["recreating", "loading"])
def test_killed_while_it_heals(watched: Box, at: str) -> None:
    """As systemd does when the time is up: the whole group."""
    before = started(watched)
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    timer(watched)
    process = subprocess.Popen(
        watched.argv(*TIMER),
        env=watched.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert any(at in line for line in process.stdout)
    if at == "recreating":
        time.sleep(0.15)  # in the midst of what Compose does
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    healed(watched, 3)
    assert changed(watched, before) == {"coder"}
    rows = docker(
        *("ps", "--all", "--quiet", "--filter"),
        f"label=com.docker.compose.project={watched.project}",
    )
    assert len(rows.split()) == len(ROLES)
