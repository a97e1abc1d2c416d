"""The proofs of real llama.cpp servers, by way of the engine and of the gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, Result, box, free_ports, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
#: what the model is rigged to get right
RIGGED = {"single", "stream", "required", "named", "responses"}
CONTEXT = 2048


@dataclass
class Stack:
    """One coder behind a gateway, and a key for it."""

    box: Box
    key: str

    def prove(self, *words: str) -> Result:
        return self.box.stackctl("prove", *words, env={"A_KEY": self.key})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("prove")) as made:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        made.settings(COMPOSE_PROFILES="coder,gateway", CODER_CONTEXT=CONTEXT, **ports)
        up = made.stackctl("up")
        assert up.code == 0, up.text
        added = made.stackctl("keys", "add", "prove", "--json")
        assert added.code == 0, added.text
        yield Stack(made, json.loads(added.out)["key"])


def document(result: Result, kind: str) -> dict[str, Any]:
    assert result.out, result.text
    (found,) = json.loads(result.out)[kind]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("way", [("engine",), ("gateway", "--key-env", "A_KEY")])
def test_tools(stack: Stack, way: tuple[str, ...]) -> None:
    done = stack.prove("tools", "coder", "--times", "2", "--json", "--through", *way)
    assert done.code == 0, done.text
    told = document(done, "tools")
    assert told["rigged"] is True
    cases = {case["case"]: case for case in told["cases"]}
    assert {name for name, case in cases.items() if case["rate"] == 1.0} == RIGGED
    # what it was not made for is told, and not counted
    assert cases["none-needed"]["failures"] == {"call-unasked": 2}
    assert {case["failed"] for case in cases.values()} == {0}


def test_the_gateway_wants_a_key(stack: Stack) -> None:
    refused = stack.prove("tools", "coder", "--through", "gateway")
    assert (refused.code, "keys add" in refused.err) == (2, True)
    wrong = stack.box.stackctl(
        *("prove", "tools", "--through", "gateway", "--key-env", "A_KEY"),
        env={"A_KEY": "sk-stack-wrong"},
    )
    assert wrong.code == 1, wrong.text
    assert "key-refused" in wrong.out


def test_only_language_models_that_run(stack: Stack) -> None:
    assert stack.prove("tools", "gateway").code == 2
    assert stack.prove("tools", "nosuch").code == 2


def test_the_window(stack: Stack, tmp_path: Path) -> None:
    page = tmp_path / "context.html"
    words = ("--steps", "25,100", "--key-env", "A_KEY", "--json", "--plot", str(page))
    done = stack.prove("context", "coder", *words)
    assert done.code == 0, done.text
    by_engine, by_gateway = json.loads(done.out)["context"]
    assert (by_engine["way"], by_gateway["way"]) == ("engine", "gateway")
    for way in (by_engine, by_gateway):
        assert (way["promised"], way["rigged"], way["recall_proven"]) == (CONTEXT, True, False)
        assert [step["percent"] for step in way["steps"]] == [25, 100]
        for step in way["steps"]:
            assert step["exact"]
            assert step["counted"] == step["sent"], "tokens as the engine itself counts them"
            assert 0 < step["first"] <= step["seconds"]
            assert step["vram_mib"] > 0
        assert way["beyond"]["limit"] == CONTEXT
    assert page.read_text(encoding="utf-8").count("<svg") == 6, (
        "a rigged model's needles are not drawn"
    )


def test_a_window_of_half_the_size(stack: Stack) -> None:
    stack.box.settings(
        COMPOSE_PROFILES="coder",
        CODER_CONTEXT=CONTEXT,
        CODER_ARGS=f"--ctx-size {CONTEXT // 2}",
    )
    up = stack.box.stackctl("up", "coder")
    assert up.code == 1, "the engine says less than its label"
    done = stack.prove("context", "coder", "--steps", "25,100", "--key-env", "A_KEY", "--json")
    assert done.code == 1, done.text
    ways = json.loads(done.out)["context"]
    assert [way["way"] for way in ways] == ["engine", "gateway"]
    for way in ways:
        (finding,) = way["findings"]
        assert finding["values"]["failure"] == "window-smaller"
        assert finding["values"]["limit"] == CONTEXT // 2


def test_without_the_flag_by_which_llama_cpp_parses_calls(stack: Stack) -> None:
    stack.box.settings(
        COMPOSE_PROFILES="coder",
        CODER_CONTEXT=CONTEXT,
        CODER_ARGS="--no-jinja --chat-template chatml",
    )
    up = stack.box.stackctl("up", "coder")
    assert up.code == 0, up.text
    done = stack.prove("tools", "coder", "--times", "2", "--case", "single", "--json")
    assert done.code == 1, done.text
    (finding,) = document(done, "tools")["findings"]
    assert (finding["id"], finding["count"]) == ("parser-missing", 2)
    assert "--jinja" in finding["fix"]
