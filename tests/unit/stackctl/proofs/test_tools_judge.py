"""Every kind of failure of a tool call is told from every other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stackctl.model.reply import Broken, Reply
from stackctl.proofs.kinds import KINDS
from stackctl.proofs.tools.cases import CASES, CHAT, Case, body
from stackctl.proofs.tools.judge import judge
from stackctl.proofs.trouble import Blame
from tests.unit.stackctl.proofs import brain

PLAIN = 70
CHATS = tuple(case for case in CASES if case.path == CHAT)
_BY_ID = {case.id: case for case in CASES}


def reply(case: Case, whole: brain.Message) -> Reply:
    if not case.stream:
        return Reply(200, whole)
    return Reply(200, streamed=True, events=tuple(brain.chunks(whole)), done=True)


def kinds(case: Case, answer: Reply) -> list[str]:
    return [trouble.kind for trouble in judge(case, answer, PLAIN)]


@pytest.mark.parametrize("case", CHATS, ids=lambda c: str(c.id))
def test_a_right_answer_passes(case: Case) -> None:
    assert kinds(case, reply(case, brain.completion(body(case, "m", 9)))) == []


@pytest.mark.parametrize(("kind", "name", "fault"), brain.FAULTS)
def test_a_fault_is_named(kind: str, name: str, fault: Callable[[brain.Message], Any]) -> None:
    case = _BY_ID[name]
    whole = brain.completion(body(case, "m", 9))
    fault(whole)
    assert kinds(case, reply(case, whole)) == [kind]


def test_a_call_where_none_was_asked_for() -> None:
    weather = brain.completion(body(_BY_ID["single"], "m", 9))
    assert kinds(_BY_ID["none-needed"], Reply(200, weather)) == ["call-unasked"]
    assert kinds(_BY_ID["result"], Reply(200, weather)) == ["call-unasked"]


def test_a_result_that_is_not_used() -> None:
    whole = brain.completion({"messages": [{"role": "user", "content": "capital"}]})
    assert kinds(_BY_ID["result"], Reply(200, whole)) == ["wrong-values"]


def test_openai_says_stop_of_a_named_call() -> None:
    case = _BY_ID["named"]
    whole = brain.completion(body(case, "m", 9))
    whole["choices"][0]["finish_reason"] = "stop"
    assert kinds(case, Reply(200, whole)) == []


STREAM = _BY_ID["stream"]


def _events(change: Callable[[list[Any]], Any]) -> Reply:
    events = brain.chunks(brain.completion(body(STREAM, "m", 9)))
    change(events)
    return Reply(200, streamed=True, events=tuple(events), done=False)


def _piece(event: Any) -> Any:
    return event["choices"][0]["delta"]["tool_calls"][0]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("stream-index", _events(lambda e: _piece(e[2]).pop("index"))),
        ("stream-index", _events(lambda e: [_piece(each).update(index=4) for each in e[1:-2]])),
        ("call-id", _events(lambda e: _piece(e[2]).update(id="another"))),
        ("call-id", _events(lambda e: _piece(e[1]).pop("id"))),
        ("cut-off", _events(lambda e: e.__delitem__(slice(4, None)))),
        ("error-in-stream", _events(lambda e: e.insert(3, {"error": {"message": "x"}}))),
        ("not-a-completion", _events(lambda e: e.insert(3, ["x"]))),
        ("arguments-json", _events(lambda e: e.pop(2))),
        ("not-a-stream", Reply(200, {"choices": []})),
    ],
)
def test_streams(kind: str, answer: Reply) -> None:
    assert kinds(STREAM, answer) == [kind]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("rate-limited", Reply(429, {"error": {"message": "slow"}}, retry_after="7")),
        ("key-refused", Reply(401, {"error": "Unauthorized"})),
        ("server-error", Reply(500, "Internal Server Error")),
        ("server-error", Reply(502, "<html>", broken=Broken.HTML)),
        ("request-refused", Reply(400, {"error": {"message": "what?"}})),
        ("redirected", Reply(302, "")),
        ("html", Reply(200, "<html>", broken=Broken.HTML)),
        (
            "tools-off",
            Reply(400, {"message": '"auto" tool choice requires --enable-auto-tool-choice'}),
        ),
        ("template-without-tools", Reply(400, {"error": "x/y does not support tools"})),
        ("template-refuses", Reply(500, {"error": {"message": "roles must alternate"}})),
        ("harmony-error", Reply(500, {"error": {"message": "openai_harmony.HarmonyError: x"}})),
        ("grammar-left", Reply(500, {"error": "Unexpected empty grammar stack after x"})),
    ],
)
def test_answers_that_are_none(kind: str, answer: Reply) -> None:
    assert kinds(_BY_ID["single"], answer) == [kind]


def test_the_wait_that_a_server_asks_for_is_told() -> None:
    (trouble,) = judge(_BY_ID["single"], Reply(429, "no", retry_after="7"))
    assert "Retry-After: 7" in trouble.evidence


def test_the_responses_api() -> None:
    case = _BY_ID["responses"]
    call = {
        "type": "function_call",
        "call_id": "c",
        "name": "get_weather",
        "arguments": '{"city":"Paris"}',
    }
    right = {"status": "completed", "output": [{"type": "reasoning"}, call]}
    assert kinds(case, Reply(200, right)) == []
    assert kinds(case, Reply(404, "Not Found")) == ["not-offered"]
    assert kinds(case, Reply(200, {"output": "x"})) == ["not-a-completion"]
    assert kinds(case, Reply(200, {**right, "status": "incomplete"})) == ["truncated"]
    text = {"type": "message", "content": [{"type": "output_text", "text": brain.CALL}]}
    assert kinds(case, Reply(200, {**right, "output": [text]})) == ["parser-missing"]


def test_every_kind_says_what_to_do() -> None:
    for kind in KINDS.values():
        assert kind.shows, kind.id
        assert kind.cause, kind.id
        assert kind.fix, kind.id
    assert {KINDS[b.value].blame for b in Broken} == {Blame.SERVER}
