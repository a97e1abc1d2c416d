"""Whatever it is given, the linter answers or says what is wrong; --fix never breaks a file."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackctl import lint
from stackctl.lint import render
from stackctl.model import StackError
from tests.unit.stackctl.lint.linting import fixed, issues

_QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_WORDS = st.sampled_from(
    [
        *("vllm serve", "--model", "/m/x", "openai/gpt-oss-20b", "--tensor-parallel-size", "3"),
        *("--swap-space", "4", "--max-model-len", "999999", "--tool-call-parser", "hermes"),
        *("'", '"', "\\", "$X", "${Y:-0,1}", "$$Z", "sh -c", "|", ">", "&&", "#", "\n", "--a=b"),
        *("ollama/ollama:latest", "vllm/vllm-openai", "nvidia", "0,1", "all", "-1", "true", ""),
        *("0.0.0.0:80:80", "[::]:1:2", "8g", "nvidia.com/gpu=0", "CUDA_VISIBLE_DEVICES=0,1"),
        *("--enable-auto-tool-choice", "--compilation-config", '{"a": 1}', "GPU-1f", "python3 -m"),
    ]
)
_TEXTS = st.lists(_WORDS, max_size=8).map(" ".join) | st.text(max_size=20)
_SCALARS = _TEXTS | st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats(allow_nan=False)
_KEYS = st.sampled_from(
    [
        *("image", "command", "entrypoint", "environment", "runtime", "ports", "volumes", "gpus"),
        *("deploy", "resources", "reservations", "devices", "device_ids", "count", "driver"),
        *("capabilities", "healthcheck", "test", "logging", "options", "labels", "profiles"),
        *("shm_size", "ipc", "privileged", "extends", "file", "service", "env_file", "target"),
        *("published", "host_ip", "CUDA_VISIBLE_DEVICES", "VLLM_ATTENTION_BACKEND", "build"),
    ]
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=20,
)
_SERVICES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dictionaries(_KEYS, _VALUES))
_COMMANDS = st.lists(_WORDS, max_size=14).map(" ".join)
_STYLES = st.sampled_from([None, True, False])


@_QUICK
@given(_SERVICES, _STYLES)
def test_any_structure(services: dict[str, Any], flow: bool | None) -> None:
    text = yaml.dump({"services": services}, default_flow_style=flow, allow_unicode=True)
    with suppress(StackError):
        for issue in issues(text, {"X": "1"}, 46080):
            render.text(issue)
            json.dumps(issue.finding(render.lines(issue)).values)
        once = fixed(text)
        assert yaml.safe_load(once) is not None
        assert fixed(once) == once


@_QUICK
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_as_a_file(text: str) -> None:
    with suppress(StackError):
        issues(text)


@_QUICK
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`?, \n\t<=~", max_size=60))
def test_any_yaml_punctuation(text: str) -> None:
    with suppress(StackError):
        issues("services:\n  a:\n    command: " + text)


@_QUICK
@given(
    st.lists(_WORDS, max_size=14).map(" ".join), st.sampled_from(["", "docker run ", "vllm serve "])
)
def test_any_command(text: str, begin: str) -> None:
    with suppress(StackError):
        texts, _ = lint.fix(
            {"command": begin + text},
            lambda t: lint.examine(lint.load_command(t["command"]), lint.Known()),
        )
        again, _ = lint.fix(
            texts, lambda t: lint.examine(lint.load_command(t["command"]), lint.Known())
        )
        assert again == texts


def test_a_thousand_aliases_cost_nothing() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    text = "l0: &l0 [x, x]\n" + levels + "services: {a: {image: x, command: *l8}}\n"
    issues(text)


def test_deep_nesting_is_told() -> None:
    with suppress(StackError):
        issues("services: {a: " + "[" * 5000 + "]" * 5000 + "}")
