"""What each engine answers over HTTP (tests/golden/api): model, context window, version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackctl.engines import ENGINES
from stackctl.model import LOG, Served, Unavailable
from tests.unit.stackctl.box import ROOT, log


def answers(engine: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / f"tests/golden/api/{engine}.json").read_text())
    return loaded


@pytest.mark.parametrize("name", ENGINES)
def test_there_is_an_answer_for_every_path_that_is_asked(name: str) -> None:
    engine = ENGINES[name]
    assert set(answers(name)) == {engine.ready_path, *engine.documents}


@pytest.mark.parametrize(
    ("name", "model", "context"),
    [
        ("vllm", "stackctl/gpt-oss-rigged", 4096),
        ("sglang", "openai/gpt-oss-120b", 131072),
        ("tensorrt-llm", "openai/gpt-oss-120b", None),
        ("llama-cpp", "gpt-oss-120b", 131072),
        ("ollama", "gpt-oss:20b", 131072),
        ("transformers", "stackctl/gpt-oss-rigged", None),
    ],
)
def test_served(name: str, model: str, context: int | None) -> None:
    assert ENGINES[name].served(answers(name)) == Served((model,), context)


@pytest.mark.parametrize(
    ("name", "context"), [("tensorrt-llm-good", 131072), ("tensorrt-llm-context-cut", 86720)]
)
def test_tensorrt_llm_tells_its_context_in_the_log_alone(name: str, context: int) -> None:
    documents = {**answers("tensorrt-llm"), LOG: log(name)}
    assert ENGINES["tensorrt-llm"].served(documents) == Served(("openai/gpt-oss-120b",), context)


def test_sglang_serves_no_more_than_its_cache_holds() -> None:
    documents = answers("sglang")
    documents["/server_info"]["max_total_num_tokens"] = 60000
    assert ENGINES["sglang"].served(documents) == Served(("openai/gpt-oss-120b",), 60000)
    del documents["/server_info"]
    assert ENGINES["sglang"].served(documents) == Served(("openai/gpt-oss-120b",), 131072)


def test_transformers_serves_what_it_was_started_for_and_not_what_lies_in_the_cache() -> None:
    cached = [{"id": "openai/gpt-oss-20b"}, {"id": "stackctl/gpt-oss-rigged"}]
    documents = {"/v1/models": {"data": cached}, LOG: log("transformers-5.19-serve")}
    assert ENGINES["transformers"].served(documents) == Served(("stackctl/gpt-oss-rigged",), None)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("vllm", "0.32.0"),
        ("sglang", "0.5.23"),
        ("tensorrt-llm", "1.2.1"),
        ("llama-cpp", "b11669-Debian"),
        ("ollama", "0.33.0-rc2"),
        ("comfyui", "0.3.64"),
        ("transformers", ""),
        ("whisper", ""),
    ],
)
def test_version(name: str, version: str) -> None:
    assert ENGINES[name].version(answers(name)) == version


GARBAGE: tuple[Any, ...] = (None, "", "Not Found", 7, [], [{}], {}, {"version": 7}, {"data": [3]})


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("body", GARBAGE, ids=repr)
def test_garbage_tells_nothing(name: str, body: Any) -> None:
    engine = ENGINES[name]
    documents = dict.fromkeys((engine.ready_path, *engine.documents), body)
    assert engine.version(documents) == ""
    served = engine.served(documents)
    assert isinstance(served, Unavailable) or not served.models
