"""A real llama.cpp: by its role, by way of the gateway, and as another machine comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.chat.client import chat
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, Result, box, free_ports, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
FRANCE = "What is the capital of France?"


@dataclass
class Stack:
    box: Box
    key: str
    url: str
    tls: str

    def chat(self, *words: str) -> Result:
        return self.box.stackctl("chat", *words, env={"A_KEY": self.key})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("chat")) as made:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        made.settings(COMPOSE_PROFILES="coder,gateway", CODER_CONTEXT=2048, **ports)
        up = made.stackctl("up")
        assert up.code == 0, up.text
        added = made.stackctl("keys", "add", "chat", "--json")
        assert added.code == 0, added.text
        url = f"http://127.0.0.1:{ports['GATEWAY_HTTP_PORT']}"
        tls = f"https://127.0.0.1:{ports['GATEWAY_PORT']}"
        yield Stack(made, json.loads(added.out)["key"], url, tls)


@pytest.mark.parametrize(
    "words",
    [
        ("coder", FRANCE),
        (FRANCE,),  # of the only role that serves text
        ("--through", "gateway", "--key-env", "A_KEY", "coder", FRANCE),
    ],
)
def test_a_role(stack: Stack, words: tuple[str, ...]) -> None:
    done = stack.chat(*words)
    assert done.code == 0, done.text
    assert "Paris" in done.out


def test_from_another_machine(stack: Stack) -> None:
    env = {"A_KEY": stack.key, "BAD_KEY": "sk-stack-wrong"}
    done = chat(stack.url, "--key-env", "A_KEY", "--json", FRANCE, env=env)
    assert done.code == 0, done.told
    told = json.loads(done.out)
    assert "Paris" in told["answer"]
    assert told["usage"]["prompt_tokens"] > 0
    assert 0 < told["ttft"] <= told["seconds"]
    refused = chat(stack.url, "--key-env", "BAD_KEY", "--model", "x", FRANCE, env=env)
    assert refused.code == 1
    assert "refuses the key" in refused.told
    unknown = chat(stack.url, "--key-env", "A_KEY", "--model", "nosuch", FRANCE, env=env)
    assert unknown.code == 1
    assert f"--model: {told['model']}" in unknown.told


def test_by_tls(stack: Stack, tmp_path: Path) -> None:
    made = stack.box.stackctl("tls", "init")
    assert made.code == 0, made.text
    words = ("--key-env", "A_KEY", "--model", "gpt-oss-20b", FRANCE)
    env = {"A_KEY": stack.key}
    trusted = chat(stack.tls, "--ca", str(stack.box.home / ".stackctl/tls/ca.pem"), *words, env=env)
    assert trusted.code == 0, trusted.told
    assert b"Paris" in trusted.out
    strange = chat(stack.tls, *words, env=env)
    assert strange.code == 1
    assert "certificate is not trusted" in strange.told
    (tmp_path / "empty.pem").write_text("no certificate")
    empty = chat(stack.tls, "--ca", str(tmp_path / "empty.pem"), *words, env=env)
    assert empty.code == 1
    assert "holds no certificate" in empty.told


def test_tools_that_the_engine_fails_at(stack: Stack) -> None:
    """The rigged model calls a tool that was not offered, which llama.cpp ends with an error."""
    done = stack.chat("coder", "--tools", FRANCE)
    assert done.code == 1, done.text
    assert "empty grammar stack" in done.err
    assert "stackctl logs coder" in done.err


def test_a_role_that_there_is_not(stack: Stack) -> None:
    done = stack.chat("hello")
    assert done.code == 2
    assert "coder" in done.err
    assert stack.chat("gateway", "hi").code == 2
