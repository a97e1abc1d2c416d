"""Who is asked about vLLM's flags, and what becomes of the answer."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stackctl.commands import vllm_flags
from stackctl.lint.tables import vllm
from stackctl.model import StackError
from stackctl.system import process
from stackctl.system.process import Result

#: flags of vLLM 0.33, which the image of 0.32 does not have
NEWER = {"--monokernel", "--sleep-mode-backend", "--watchdog-config"}
ASKED = {"one": ("vllm/vllm-openai:v0.33.0", ["m", "--nope"]), "two": ("x", ["m", "--a", "$B"])}
ANSWER = json.dumps({"version": "0.33.0", "errors": ["unrecognized arguments: --nope"]})


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "vllm_parser.py"
    path.write_text("print('the script')", encoding="utf-8")
    monkeypatch.setattr(vllm_flags, "SCRIPT", path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    return path


def _programs(monkeypatch: pytest.MonkeyPatch, run: Result, here: int = 0) -> list[list[str]]:
    started: list[list[str]] = []

    def start(argv: Sequence[str], **_: Any) -> Result:
        started.append(list(argv))
        return Result(here, "", "") if "inspect" in argv else run

    monkeypatch.setattr(process, "run", start)
    return started


def test_the_services_own_image_is_asked_and_nothing_is_pulled(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = _programs(monkeypatch, Result(0, f"{ANSWER}\n", ""))
    verdicts = vllm_flags.ask(ASKED)
    assert set(verdicts) == {"one"}, "a value that nobody knows is not judged"
    assert verdicts["one"].errors == ("unrecognized arguments: --nope",)
    assert verdicts["one"].by == "vLLM 0.33.0 in vllm/vllm-openai:v0.33.0"
    assert "--pull=never" in started[1]
    assert started[1][-2:] == [script.read_text(encoding="utf-8"), '{"argv": [["m", "--nope"]]}']


def test_this_python_is_asked_first(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    started = _programs(monkeypatch, Result(0, ANSWER, ""))
    assert vllm_flags.ask(ASKED)["one"].by == "vLLM 0.33.0 in this Python"
    assert str(script) in started[0]


def test_an_image_that_is_not_here_is_left_to_the_table(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = _programs(monkeypatch, Result(0, ANSWER, ""), here=1)
    assert vllm_flags.ask(ASKED) == {}
    assert len(started) == 1


@pytest.mark.parametrize("out", ["", "Traceback", "[]", "{}", '{"failure": "no vLLM"}'])
def test_an_answer_that_is_none_is_left_to_the_table(
    out: str, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _programs(monkeypatch, Result(1, out, ""))
    assert vllm_flags.ask(ASKED) == {}


def test_no_docker_is_no_failure(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(argv: Sequence[str], **_: Any) -> Result:
        raise StackError("docker: no such program")

    monkeypatch.setattr(process, "run", missing)
    assert vllm_flags.ask(ASKED) == {}


IMAGE = "stackctl/cpu-vllm:1"


@pytest.mark.docker
def test_vllm_itself_judges_in_its_image() -> None:
    if process.run(["docker", "image", "inspect", IMAGE]).code:
        pytest.skip(f"{IMAGE} is not built here")
    good = ["openai/gpt-oss-20b", "--max-model-len", "131072", "--tool-call-parser=openai"]
    switches = sorted(vllm.SWITCHES - NEWER - {"--help", "--version", "-h"})
    asked = {"good": (IMAGE, good), "bad": (IMAGE, [*good, "--swap-space", "4"])}
    # one by one: some exclude each other
    asked |= {flag: (IMAGE, ["m", flag]) for flag in switches}
    asked |= {flag: (IMAGE, ["m", flag, "3"]) for flag in sorted(vllm.VALUED - NEWER)}
    verdicts = vllm_flags.ask(asked)
    assert verdicts["good"].errors == ()
    assert "--swap-space" in verdicts["bad"].errors[0]
    assert verdicts["good"].by.endswith(IMAGE)
    # the table is what the parser knows: a bad value is fine here, an unknown flag is not
    unknown = {
        flag for flag, found in verdicts.items() if any("unrecognized" in e for e in found.errors)
    }
    assert unknown == {"bad"}
