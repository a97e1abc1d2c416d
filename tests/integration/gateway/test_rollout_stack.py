"""New settings for a service that is in use: nobody is refused, and what fails changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, box, docker, free_ports, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
MODEL = "gpt-oss-20b"
#: MiB that no second GPU has free
MORE_THAN_THERE_IS = 45900


@dataclass
class Stack:
    """One coder behind a gateway, and a key."""

    box: Box
    ports: dict[str, int]
    key: str = ""

    def settings(self, **values: str | int) -> None:
        roles = "coder,gateway"
        self.box.settings(COMPOSE_PROFILES=roles, **self.ports, **values)

    def ask(self) -> requests.Response:
        return requests.post(
            f"http://127.0.0.1:{self.ports['GATEWAY_HTTP_PORT']}/v1/chat/completions",
            headers={"Authorization": f"Bearer {self.key}"},
            json={"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]},
            timeout=120,
        )

    def coders(self) -> list[str]:
        """The context window of each container that serves the model."""
        told = docker(
            *("ps", "--filter", f"label=com.docker.compose.project={self.box.project}"),
            *("--format", '{{.Label "stackctl.model"}} {{.Label "stackctl.context"}}'),
        )
        return [row.split()[1] for row in told.splitlines() if row.startswith(MODEL)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("rollout")) as made:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        stack = Stack(made, ports)
        stack.settings()
        up = made.stackctl("up")
        assert up.code == 0, up.text
        added = made.stackctl("keys", "add", "client", "--json")
        assert added.code == 0, added.text
        stack.key = json.loads(added.out)["key"]
        yield stack


@dataclass
class Users:
    answers: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def users(stack: Stack, count: int = 3) -> Iterator[Users]:
    """Clients that ask one question after the other, until the end of the block."""
    seen, ended = Users(), threading.Event()

    def one() -> None:
        while not ended.is_set():
            try:
                answer = stack.ask()
            except requests.RequestException as error:
                seen.wrong.append(repr(error))
                continue
            seen.answers.append(answer.status_code)
            if answer.status_code != 200:
                seen.wrong.append(answer.text)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_by_way_of_a_second_gpu(stack: Stack) -> None:
    stack.settings(CODER_CONTEXT=65536)
    with users(stack) as seen:
        done = stack.box.stackctl("rollout", "coder", "--drain", "20")
    assert done.code == 0, done.text
    assert "a second container on GPU" in done.out
    assert seen.wrong == []
    assert seen.answers
    assert stack.coders() == ["65536"]
    assert stack.box.verify().code == 0


def test_with_a_gap_in_which_requests_wait(stack: Stack) -> None:
    stack.settings(CODER_CONTEXT=32768, CODER_VRAM_MIB=MORE_THAN_THERE_IS)
    plan = stack.box.stackctl("rollout", "coder", "--dry-run")
    assert plan.code == 0, plan.text
    assert "no GPU with room for one more" in plan.out
    assert "nothing was done" in plan.out
    with users(stack) as seen:
        done = stack.box.stackctl("rollout", "coder", "--drain", "20")
    assert done.code == 0, done.text
    assert seen.wrong == []
    assert stack.coders() == ["32768"]


@pytest.mark.parametrize("vram", [1000, MORE_THAN_THERE_IS])
def test_settings_that_do_not_pass_change_nothing(stack: Stack, vram: int) -> None:
    before = stack.coders()
    stack.settings(CODER_ARGS="--nosuch", CODER_VRAM_MIB=vram)
    with users(stack) as seen:
        done = stack.box.stackctl("rollout", "coder", "--drain", "20")
    assert done.code == 1, done.text
    assert "--nosuch" in done.out
    assert "runs on as before" in done.out
    assert seen.wrong == []
    assert stack.coders() == before


def test_what_does_not_run_is_not_rolled_out(stack: Stack) -> None:
    stack.settings()
    refused = stack.box.stackctl("rollout", "nosuch")
    assert (refused.code, "unknown role: nosuch" in refused.err) == (2, True)
    stack.box.settings(COMPOSE_PROFILES="coder,main,gateway", **stack.ports)
    refused = stack.box.stackctl("rollout", "main")
    assert refused.code == 1
    assert "main does not run" in refused.err


def test_another_replica_answers_meanwhile(stack: Stack) -> None:
    (port,) = free_ports(1)
    roles = "coder,coder2,gateway"
    both: dict[str, str | int] = {"COMPOSE_PROFILES": roles, "CODER2_PORT": port, **stack.ports}
    stack.box.settings(**both)
    up = stack.box.stackctl("up")
    assert up.code == 0, up.text
    stack.box.settings(**both, CODER_CONTEXT=16384)
    with users(stack) as seen:
        done = stack.box.stackctl("rollout", "coder", "--drain", "20")
    assert done.code == 0, done.text
    assert "coder2 answers for gpt-oss-20b meanwhile" in done.out
    assert seen.wrong == []
    assert sorted(stack.coders()) == ["131072", "16384"]
