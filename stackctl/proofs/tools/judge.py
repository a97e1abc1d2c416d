"""Is an answer right? The four points of a tool call, and what else clients rely on. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stackctl.model.reply import Reply
from stackctl.proofs import answer as answers
from stackctl.proofs import responses, stream
from stackctl.proofs.answer import Answer, Call
from stackctl.proofs.tools import arguments
from stackctl.proofs.tools.cases import RESPONSES, Case, Wants
from stackctl.proofs.tools.marks import HARMONY, form, names_tool
from stackctl.proofs.trouble import Trouble

_SHOWN = 200
#: tokens; the shortest of our tools takes several times as many
_TOOLS_TAKE = 10


def judge(case: Case, reply: Reply, plain: int | None = None) -> tuple[Trouble, ...]:
    """What is wrong with an answer; nothing if it passes. `plain`: prompt tokens of the same
    question without tools."""
    if case.path == RESPONSES and reply.status in responses.NOT_OFFERED:
        return (Trouble("not-offered", f"{case.path} answers {reply.status}"),)
    if early := answers.trouble(reply):
        return (early,)
    if case.path == RESPONSES:
        answer = responses.read(reply)
    else:
        answer = stream.assemble(reply) if case.stream else answers.read(reply)
    if isinstance(answer, Trouble):
        return (answer,)
    if answer.finish == "length":
        return (Trouble("truncated", _said(answer)),)
    if any(trouble.kind == "calls-shape" for trouble in answer.troubles):
        return answer.troubles
    look = _no_call if case.wants is Wants.TEXT else _calls
    found = [*answer.troubles, *look(case, answer, plain)]
    return tuple({trouble.kind: trouble for trouble in reversed(found)}.values())[::-1]


def _no_call(case: Case, answer: Answer, _plain: int | None) -> Iterator[Trouble]:
    if answer.calls:
        yield Trouble("call-unasked", _shown(answer.calls[0]))
        return
    yield from _text_alone(case, answer)
    if not answer.content.strip():
        yield Trouble("empty-answer", _said(answer))
    elif not _holds(case, answer.content):
        yield Trouble("wrong-values", _said(answer))


def _text_alone(case: Case, answer: Answer) -> Iterator[Trouble]:
    """A call in the text, and in the thoughts where there is no text."""
    said = answer.content or answer.reasoning
    if written := form(said):
        if written == HARMONY:
            yield Trouble("harmony-text", _said(answer))
        else:
            evidence = f"written for the parser {written}: {_said(answer)}"
            yield Trouble("parser-missing", evidence)
    elif names_tool(said, case.schemas):
        yield Trouble("tools-as-text", _said(answer))


def _calls(case: Case, answer: Answer, plain: int | None) -> Iterator[Trouble]:
    if not answer.calls:
        yield _why_none(case, answer, plain)
        return
    if written := form(answer.content):
        yield Trouble(_parser(written), f"beside a call: {_said(answer)}")
    elif answer.content.strip():
        yield Trouble("text-beside-call", _said(answer))
    # OpenAI's own API says "stop" of a call that tool_choice names
    if answer.finish != "tool_calls" and not (
        isinstance(case.choice, dict) and answer.finish == "stop"
    ):
        yield Trouble("wrong-finish", f"finish_reason is {answer.finish or 'missing'!r}")
    ids = [call.id for call in answer.calls]
    if not all(isinstance(i, str) and i for i in ids) or len(set(map(str, ids))) < len(ids):
        yield Trouble("call-id", f"ids: {ids}"[:_SHOWN])
    sound: list[Any] = []
    for call in answer.calls:
        troubles = tuple(_call(case, call))
        yield from troubles
        if not troubles:
            sound.append(call.arguments)
    if len(sound) == len(answer.calls):
        yield from _content(case, sound)


def _why_none(case: Case, answer: Answer, plain: int | None) -> Trouble:
    if written := next(_text_alone(case, answer), None):
        return written
    if answer.prompt_tokens and plain and answer.prompt_tokens - plain < _TOOLS_TAKE:
        counted = f"{answer.prompt_tokens} prompt tokens with tools, {plain} without"
        return Trouble("template-without-tools", counted)
    if not answer.content.strip():
        thought = f", after the thoughts: {answer.reasoning}" if answer.reasoning.strip() else ""
        return Trouble("empty-answer", f"finish_reason {answer.finish!r}{thought}"[:_SHOWN])
    return Trouble("choice-ignored" if case.forced else "no-call", _said(answer))


def _call(case: Case, call: Call) -> Iterator[Trouble]:
    """Name, type and arguments of one call."""
    if not isinstance(call.name, str) or not call.name or call.type not in ("function", None):
        yield Trouble("calls-shape", _shown(call))
        return
    written = form(call.name) or (form(call.arguments) if isinstance(call.arguments, str) else "")
    if written:
        yield Trouble(_parser(written), _shown(call))
        return
    if call.name != case.tool:
        offered = call.name in case.schemas
        kind = "choice-ignored" if offered and isinstance(case.choice, dict) else "wrong-tool"
        yield Trouble(kind, _shown(call) if offered else f"not offered: {_shown(call)}")
        return
    yield from arguments.troubles(call.arguments, case.schemas[call.name])


def _content(case: Case, sound: list[Any]) -> Iterator[Trouble]:
    """Whether calls without a fault say what was asked."""
    told = json.dumps([json.loads(each) for each in sound], ensure_ascii=False)
    if case.wants is Wants.CALLS and len(sound) == 1:
        yield Trouble("one-at-a-time", told[:_SHOWN])
    elif not _holds(case, told):
        kind = "broken-characters" if arguments.misread(told) else "wrong-values"
        yield Trouble(kind, told[:_SHOWN])


def _holds(case: Case, text: str) -> bool:
    return all(any(word in text for word in group) for group in case.holds)


def _parser(written: str) -> str:
    return "harmony-text" if written == HARMONY else "parser-wrong"


def _said(answer: Answer) -> str:
    text = answer.content or answer.reasoning
    return text[:_SHOWN] if text else f"no text, finish_reason {answer.finish!r}"


def _shown(call: Call) -> str:
    return f"{call.name}({call.arguments})"[:_SHOWN]
