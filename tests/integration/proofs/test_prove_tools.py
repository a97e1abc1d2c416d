"""`stackctl prove tools` against servers with one fault each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stackctl.cli import run
from stackctl.model import StackError
from stackctl.proofs.tools.cases import CASES
from tests.integration.proofs.fake import Exchange, Server, serving
from tests.unit.stackctl.proofs import brain


def without_responses(act: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """What most engines are: /v1/responses is not there."""

    def answer(x: Exchange) -> None:
        if x.path == "/v1/responses":
            x.json({"error": {"message": "Not Found"}}, 404)
        else:
            act(x)

    return answer


def prove(
    server: Server, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, Mapping[str, Any]]:
    code = run(["prove", "tools", "--url", server.url, "--model", "m", "--json", *more])
    (document,) = json.loads(capsys.readouterr().out)["tools"]
    return code, document


def test_a_server_without_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(without_responses(lambda x: x.right())) as server:
        code, document = prove(server, capsys, "--times", "3")
    assert code == 0
    assert document["findings"] == []
    cases = {case["case"]: case for case in document["cases"]}
    assert set(cases) == {case.id for case in CASES}
    assert cases.pop("responses")["failures"] == {"not-offered": 3}
    assert {case["passed"] for case in cases.values()} == {3}
    assert len(server.requests) == 1 + 3 * len(CASES)


def test_one_of_twenty_calls_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    def act(x: Exchange) -> None:
        whole = brain.completion(x.body)
        if x.number == 8:  # the first is the question without tools
            whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"ci'
        x.answer(whole)

    with serving(act) as server:
        code, document = prove(server, capsys, "--times", "20", "--case", "single")
    assert code == 1
    (case,) = document["cases"]
    assert (case["passed"], case["failed"], case["rate"]) == (19, 1, 0.95)
    assert case["interval"] == pytest.approx([0.7638692, 0.9911193], abs=1e-6)
    (finding,) = document["findings"]
    assert (finding["id"], finding["count"]) == ("arguments-json", 1)
    assert '{"ci' in finding["evidence"]


@pytest.mark.parametrize(("kind", "name", "fault"), brain.FAULTS)
def test_a_fault_in_every_answer(
    kind: str,
    name: str,
    fault: Callable[[brain.Message], Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act(x: Exchange) -> None:
        whole = brain.completion(x.body)
        if "tools" in x.body:
            fault(whole)
        else:
            whole["usage"]["prompt_tokens"] = 70
        x.answer(whole)

    with serving(act) as server:
        code, document = prove(server, capsys, "--times", "2", "--case", name)
    (case,) = document["cases"]
    assert case["failures"] == {kind: 2}
    assert case["passed"] == 0
    assert code == 1


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(without_responses(lambda x: x.json({"error": "busy"}, 429, Retry_After="9"))) as s:
        code = run(["prove", "tools", "--url", s.url + "/v1/", "--model", "m"])
    out = capsys.readouterr().out
    assert code == 1
    assert "rate-limited" in out
    assert "Retry-After: 9" in out
    assert "ROLE" not in out
    assert len(s.requests) == 1, "who refuses a plain question is asked no more"


def test_a_server_that_falls_silent_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    def act(x: Exchange) -> None:
        if x.number == 1:
            x.right()
        else:
            x.hang()

    with serving(act) as server:
        code, document = prove(server, capsys, "--times", "9", "--timeout", "1")
    assert code == 1
    assert {kind for case in document["cases"] for kind in case["failures"]} == {
        "no-answer",
        "not-asked",
    }
    assert len(server.requests) < 12


def test_the_key_is_sent_and_never_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()

    def act(x: Exchange) -> None:
        seen.add(x.handler.headers["Authorization"])
        x.json({"error": {"message": "Incorrect API key: hunter2-secret"}}, 401)

    monkeypatch.setenv("A_KEY", "hunter2-secret")
    with serving(act) as server:
        run(["prove", "tools", "--url", server.url, "--model", "m", "--key-env", "A_KEY"])
    assert seen == {"Bearer hunter2-secret"}
    out = capsys.readouterr().out
    assert "key-refused" in out
    assert "secret" not in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--url", "http://127.0.0.1:1"], "--model"),
        (["--url", "ftp://x", "--model", "m"], "no URL"),
        (["main", "--url", "http://127.0.0.1:1", "--model", "m"], "instead of a role"),
        (["--url", "http://h", "--model", "m", "--key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY"),
        (["--case", "nosuch"], "nosuch is no case"),
    ],
)
def test_usage(words: list[str], says: str) -> None:
    with pytest.raises(StackError, match=says) as error:
        run(["prove", "tools", *words])
    assert error.value.exit_code == 2
