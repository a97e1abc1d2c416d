"""A real llama.cpp measured twice, and once with a tenth of a core."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stackctl.cli import run
from tests.integration.images.engine_container import Engine, docker
from tests.integration.proofs.conftest import MODEL
from tests.integration.stack.box import REPOSITORY

pytestmark = pytest.mark.docker
#: other work of the machine may begin or end between two runs, which is no noise
TRIES = 8


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone to keep results in."""
    for name in ("compose", "env"):
        ignored = shutil.ignore_patterns("stack.env")
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=ignored)
    monkeypatch.setenv("STACKCTL_HOME", str(tmp_path))
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "no-such")


def bench(engine: Engine, capsys: pytest.CaptureFixture[str]) -> str:
    """The id of the result."""
    length = ("--input", "100", "--output", "16", "--requests", "16", "--concurrency", "1")
    words = ("--against", f"{engine.url}/v1", "--model", MODEL, *length, "--json")
    assert run(["bench", *words]) == 0
    return str(json.loads(capsys.readouterr().out)["id"])


def compare(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code = run(["bench", "compare", a, b, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_ten_times_slower_and_the_same_twice(
    llama: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [bench(llama, capsys)]
    for _ in range(TRIES):
        ids.append(bench(llama, capsys))
        code, told = compare(ids[-2], ids[-1], capsys)
        assert code == int(told["worse"])
        verdicts = {figure["verdict"] for figure in told["figures"]}
        if verdicts <= {"noise", "small"}:
            break
    else:
        pytest.fail(f"of {TRIES} pairs none was noise: {told}")
    assert code == 0

    docker("update", "--cpus", "0.1", llama.name)
    code, told = compare(ids[-1], bench(llama, capsys), capsys)
    assert code == 1
    assert told["worse"]
    # ten times on a machine without other work; tokens come in bursts then
    slowed = {figure["figure"]: figure["verdict"] for figure in told["figures"]}
    assert slowed["latency"] == slowed["ttft"] == "slower"

    assert run(["bench", "compare", ids[-1], "last"]) == 1
    assert "latency is" in capsys.readouterr().out
    assert run(["bench", "compare", "last", ids[-1]]) == 0, "faster is no failure"
