"""A real llama.cpp whose model's template knows no tools: without the service, and with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gpusim.rigged import toolless
from stackctl.proofs.tools.cases import WEATHER
from tests.integration.emulation.service import PATIENCE, ask, emulating, stream
from tests.integration.images.engine_container import Engine, engine
from tests.unit.stackctl.emulation.asked import tool

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    models = tmp_path_factory.mktemp("models")
    models.chmod(0o755)
    toolless.write(models / "toolless.gguf")
    arguments = ("--model", "/models/toolless.gguf", "--alias", toolless.NAME, "--parallel", "2")
    where = ("--host", "0.0.0.0", "--port", "8000", "--ctx-size", "16384")
    with engine("sim-llama-cpp", *where, *arguments, models=models) as container:
        container.wait_for("/health")
        yield container


@pytest.fixture(scope="module")
def service(llama: Engine) -> Iterator[str]:
    with emulating(fake=llama.url) as url:
        yield url


def prove(url: str) -> tuple[int, dict[str, Any]]:
    words = ("prove", "tools", "--url", url, "--model", toolless.NAME, "--times", "2", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "stackctl", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    return done.returncode, json.loads(done.stdout)["tools"][0]


def test_without_the_service_no_case_passes(llama: Engine) -> None:
    code, proof = prove(llama.url)
    assert code == 1
    assert sum(case["passed"] for case in proof["cases"]) == 0
    assert "template-without-tools" in [finding["id"] for finding in proof["findings"]]


def test_with_it_every_case_passes(service: str) -> None:
    code, proof = prove(f"{service}/fake")
    assert code == 0, proof["findings"]
    passed = {case["case"]: case["passed"] for case in proof["cases"]}
    assert passed.pop("responses") == 0  # not offered
    assert set(passed.values()) == {2}


def test_the_grammar_holds_a_model_that_would_rather_talk(llama: Engine, service: str) -> None:
    answer = llama.chat(messages=[{"role": "user", "content": "How is the weather in Paris?"}])
    assert answer["message"]["content"] == toolless.SENTENCE
    assert stream(service, tools=[WEATHER]).calls == {0: ("get_weather", {"city": "Paris"})}


def test_definitions_of_two_tools_hold_in_a_real_grammar(service: str) -> None:
    def with_city(definition: Any) -> dict[str, Any]:
        city = {"city": {"$ref": "#/$defs/City"}}
        return {"properties": city, "required": ["city"], "$defs": {"City": definition}}

    tools = [
        tool("get_time", with_city({"type": "integer"})),
        tool("get_weather", with_city({"enum": ["Paris", "서울"]})),
    ]
    (choice,) = ask(service, tools=tools).json()["choices"]
    function = choice["message"]["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == (
        "get_weather",
        {"city": "Paris"},
    )


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/props"])
def test_pages_are_the_same(llama: Engine, service: str, path: str) -> None:
    direct = requests.get(llama.url + path, timeout=PATIENCE)
    for url, headers in (
        (f"{service}/fake{path}", {}),
        (f"{service}{path}", {"X-Stackctl-Server": "fake"}),
    ):
        passed = requests.get(url, headers=headers, timeout=PATIENCE)
        assert passed.status_code == direct.status_code
        assert passed.headers["Content-Type"] == direct.headers["Content-Type"]
        assert passed.headers["Server"] == direct.headers["Server"] == "llama.cpp"


def test_answers_are_the_same_bytes(llama: Engine, service: str) -> None:
    request = {
        "messages": [{"role": "user", "content": "안녕"}],
        "temperature": 0,
        "seed": 1,
        "max_tokens": 8,
        "stream": True,
    }
    for path in ("/v1/chat/completions", "/completion"):
        texts = []
        for url in (llama.url, f"{service}/fake"):
            answer = requests.post(url + path, json=request | {"prompt": "안녕"}, timeout=PATIENCE)
            events = [line for line in answer.content.split(b"\n\n") if line]
            # all but what is new in every answer: its id, its time and its figures
            texts.append([_timeless(event) for event in events])
        assert texts[0] == texts[1]
        assert len(texts[0]) > 2


def _timeless(event: bytes) -> Any:
    data = event.removeprefix(b"data: ")
    if data == b"[DONE]":
        return data
    value = json.loads(data)
    return {k: v for k, v in value.items() if k not in ("id", "created", "timings", "id_slot")}
