"""The real vLLM, started as compose/engines/vllm.yaml does, with a rigged gpt-oss."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest
import requests

from gpusim.rigged.gpt_oss import CONTEXT, NAME
from gpusim.rigged.gpt_oss_script import SENTENCE, THOUGHT
from tests.integration.images.engine_container import Engine, docker, engine
from tests.integration.vllm.conftest import START
from tests.integration.vllm.fragment import MODELS, arguments, options
from tests.integration.vllm.golden_log import missing_lines

pytestmark = pytest.mark.docker

FUNCTION = {
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TOOLS = [{"type": "function", "function": FUNCTION}]
QUESTION = {"role": "user", "content": "How is the weather in Paris?"}


def post(container: Engine, path: str, **body: Any) -> Any:
    answer = requests.post(container.url + path, json={"model": NAME, **body}, timeout=60)
    assert answer.ok, answer.text
    return answer.json()


def stream(container: Engine, **body: Any) -> list[dict[str, Any]]:
    """The choices of all chunks, in order."""
    body |= {"model": NAME, "messages": [QUESTION], "stream": True}
    answer = requests.post(f"{container.url}/v1/chat/completions", json=body, timeout=60)
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event)["choices"][0] for event in events]


def test_thinks_and_answers(vllm: Engine) -> None:
    choice = vllm.chat(messages=[QUESTION])
    assert choice["message"]["reasoning"] == THOUGHT
    assert choice["message"]["content"] == SENTENCE
    assert choice["finish_reason"] == "stop"


def test_too_few_tokens_are_thought_and_not_said(vllm: Engine) -> None:
    choice = vllm.chat(messages=[QUESTION], max_tokens=6)
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning"]
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize("with_thought", [True, False])
def test_calls_the_tool_and_then_uses_its_result(vllm: Engine, with_thought: bool) -> None:
    choice = vllm.chat(messages=[QUESTION], tools=TOOLS)
    assert choice["finish_reason"] == "tool_calls"
    message = choice["message"]
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    if not with_thought:
        message = {key: message[key] for key in ("role", "tool_calls")}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    choice = vllm.chat(messages=[QUESTION, message, result], tools=TOOLS)
    assert choice["message"]["content"] == SENTENCE
    assert choice["finish_reason"] == "stop"


def test_streams(vllm: Engine) -> None:
    choices = stream(vllm)
    deltas = [choice["delta"] for choice in choices]
    assert "".join(delta.get("reasoning") or "" for delta in deltas) == THOUGHT
    said = [delta["content"] for delta in deltas if delta.get("content")]
    assert "".join(said) == SENTENCE
    assert len(said) > 5, "it came in one piece"
    assert choices[-1]["finish_reason"] == "stop"


def test_streams_a_tool_call(vllm: Engine) -> None:
    choices = stream(vllm, tools=TOOLS)
    deltas = [choice["delta"] for choice in choices]
    parts = [call["function"] for delta in deltas for call in delta.get("tool_calls") or ()]
    assert [part["name"] for part in parts if part.get("name")] == ["get_weather"]
    assert json.loads("".join(part["arguments"] for part in parts)) == {"city": "Paris"}
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_responses(vllm: Engine) -> None:
    thought, message = post(vllm, "/v1/responses", input="Who are you?")["output"]
    assert thought["content"][0]["text"] == THOUGHT
    assert message["content"][0]["text"] == SENTENCE


def test_responses_with_a_tool(vllm: Engine) -> None:
    tools = [{"type": "function", **FUNCTION}]
    output = post(vllm, "/v1/responses", input="How is the weather?", tools=tools)["output"]
    call = output[-1]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == {"city": "Paris"}
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    turns = [QUESTION, *output, result]
    answer = post(vllm, "/v1/responses", input=turns, tools=tools)["output"][-1]
    assert answer["content"][0]["text"] == SENTENCE


def test_a_prompt_without_chat(vllm: Engine) -> None:
    answer = post(vllm, "/v1/completions", prompt="Once upon a time", max_tokens=40)
    assert answer["choices"][0]["text"] == SENTENCE


def test_names_the_model_and_the_whole_context(vllm: Engine) -> None:
    (model,) = requests.get(f"{vllm.url}/v1/models", timeout=5).json()["data"]
    assert model["id"] == NAME
    assert model["max_model_len"] == CONTEXT


def test_a_long_prompt_and_one_that_is_too_long(vllm: Engine) -> None:
    words = {"role": "user", "content": "word " * 20000}
    assert vllm.chat(messages=[words], tools=TOOLS)["finish_reason"] == "tool_calls"
    words["content"] = "word " * CONTEXT
    answer = requests.post(
        f"{vllm.url}/v1/chat/completions", json={"messages": [words]}, timeout=60
    )
    assert answer.status_code == 400
    assert "exceeds model's maximum context length (131072)" in answer.json()["error"]["message"]


def test_the_log_is_the_one_that_was_recorded(vllm: Engine) -> None:
    assert missing_lines("vllm-0.32-cpu-tp2.log", vllm.log()) == []


def test_the_health_check_finds_what_it_needs_in_the_image(vllm: Engine) -> None:
    check = ("exec", vllm.name, "sh", "/healthchecks/engine.sh", "8000", "/health")
    assert docker(*check) == ""


def test_nothing_of_it_is_on_the_gpus(vllm: Engine) -> None:
    # tests beside this one set faults on the GPUs, each for some seconds
    deadline = time.monotonic() + 120
    while True:
        try:
            held = vllm.gpu_memory()
        except subprocess.CalledProcessError:
            assert time.monotonic() < deadline
            time.sleep(0.5)
            continue
        assert held == {}
        return


def test_too_little_shared_memory_is_told(image: str) -> None:
    small = [*options("vllm", 1), "--shm-size", "64m"]
    with engine(image, *arguments("vllm"), models=MODELS, options=small) as container:
        assert docker("wait", container.name, timeout=START).strip() == "1"
        assert missing_lines("vllm-0.32-cpu-shm.log", container.log()) == []
