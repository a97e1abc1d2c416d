"""One of twenty tool calls of a real llama.cpp is broken on its way: it is found and named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stackctl.cli import run
from tests.integration.images.engine_container import Engine
from tests.integration.proofs import breaking
from tests.integration.proofs.breaking import Fault
from tests.integration.proofs.conftest import MODEL

pytestmark = pytest.mark.docker
TIMES = 20


def prove(
    url: str, case: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, Mapping[str, Any], list[Mapping[str, Any]]]:
    """Exit code, the case, the findings."""
    words = ("--url", url, "--model", MODEL, "--times", str(TIMES), "--case", case, "--json")
    code = run(["prove", "tools", *words])
    (document,) = json.loads(capsys.readouterr().out)["tools"]
    (only,) = document["cases"]
    return code, only, document["findings"]


@pytest.mark.parametrize("case", ["single", "stream"])
def test_without_a_fault(llama: Engine, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    with breaking.proxy(llama.url) as url:
        code, told, findings = prove(url, case, capsys)
    assert (code, told["passed"], told["rate"], findings) == (0, TIMES, 1.0, [])
    assert told["interval"] == pytest.approx([0.8388, 1.0], abs=1e-4)


@pytest.mark.parametrize(
    ("case", "fault", "kind", "fix"),
    [
        ("single", breaking.arguments_cut, "arguments-json", "parser"),
        ("single", breaking.call_as_text, "tools-as-text", "parser"),
        ("single", breaking.wrong_finish, "wrong-finish", "newer image"),
        ("stream", breaking.arguments_cut, "arguments-json", "parser"),
        ("stream", breaking.wrong_finish, "wrong-finish", "newer image"),
    ],
)
def test_one_of_twenty(
    llama: Engine,
    case: str,
    fault: Fault,
    kind: str,
    fix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with breaking.proxy(llama.url, fault) as url:
        code, told, findings = prove(url, case, capsys)
    assert code == 1
    assert (told["passed"], told["failed"], told["rate"]) == (TIMES - 1, 1, 0.95)
    assert told["interval"] == pytest.approx([0.7639, 0.9911], abs=1e-4)
    assert told["failures"] == {kind: 1}
    (finding,) = findings
    assert (finding["id"], finding["count"]) == (kind, 1)
    assert finding["cause"]
    assert fix in finding["fix"]
