"""`transformers serve` in the same image, with the same checkpoint and its templates."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from gpusim.rigged.gpt_oss import NAME
from gpusim.rigged.gpt_oss_script import SENTENCE, THOUGHT
from tests.integration.images.engine_container import Engine, engine
from tests.integration.vllm.fragment import MODELS, arguments, options
from tests.integration.vllm.golden_log import missing_lines
from tests.integration.vllm.test_vllm_cpu import QUESTION, TOOLS

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def transformers(image: str) -> Iterator[Engine]:
    command, given = arguments("transformers"), options("transformers", 0)
    with engine(image, *command, models=MODELS, options=given) as container:
        container.wait_for("/health", 120)
        yield container


def test_thinks_and_answers(transformers: Engine) -> None:
    choice = transformers.chat(model=NAME, messages=[QUESTION])
    assert choice["message"]["reasoning_content"] == THOUGHT
    assert choice["message"]["content"] == SENTENCE
    assert choice["finish_reason"] == "stop"


def test_calls_the_tool_and_then_uses_its_result(transformers: Engine) -> None:
    choice = transformers.chat(model=NAME, messages=[QUESTION], tools=TOOLS)
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    turns = [QUESTION, choice["message"], result]
    choice = transformers.chat(model=NAME, messages=turns, tools=TOOLS)
    assert choice["message"]["content"] == SENTENCE


def test_what_a_monitor_asks(transformers: Engine) -> None:
    def get(path: str) -> requests.Response:
        return requests.get(transformers.url + path, timeout=10)

    assert get("/health").json() == {"status": "ok"}
    assert [model["id"] for model in get("/v1/models").json()["data"]] == [NAME]
    assert get("/metrics").status_code == 404


def test_another_model_is_refused(transformers: Engine) -> None:
    body = {"model": "another/model", "messages": [QUESTION]}
    answer = requests.post(f"{transformers.url}/v1/chat/completions", json=body, timeout=10)
    assert answer.status_code == 400
    assert "pinned" in answer.text


def test_the_log_is_the_one_that_was_recorded(transformers: Engine) -> None:
    assert missing_lines("transformers-5.19-serve.log", transformers.log()) == []
