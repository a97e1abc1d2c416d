"""Messages with tools -> messages that an engine without tools understands. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from stackctl.emulation.schema import ANSWER, CALLS
from stackctl.emulation.wanted import Wanted

Message = dict[str, Any]
_SYSTEM = ("system", "developer")


def told(messages: Sequence[Any], wanted: Wanted | None, *, folded: bool = False) -> list[Message]:
    """The conversation, and how to reply where tools are `wanted`. `folded`: no system message,
    for templates that refuse one."""
    names: dict[str, str] = {}
    plain = [_plain(message, names, wanted is not None) for message in messages]
    if wanted is not None:
        plain = _instructed(plain, instructions(wanted))
    if folded:
        plain = [m | {"role": "user"} if m.get("role") in _SYSTEM else m for m in plain]
    return _merged(plain)


def again(messages: Sequence[Message], said: str, fault: str) -> list[Message]:
    """The same after a reply that was not right."""
    correction = f"That reply is not right: {fault}. Reply again, with one JSON object and no more."
    return _merged(
        [*messages, {"role": "assistant", "content": said}, {"role": "user", "content": correction}]
    )


def instructions(wanted: Wanted) -> str:
    """The form of a reply, and the tools."""
    call = '{"tool_calls": [{"name": "NAME OF A TOOL", "arguments": {ITS ARGUMENTS}}]}'
    lines = ["You have tools. Reply with one JSON object and nothing else."]
    if wanted.required:
        lines += [f"Call {'one tool' if wanted.single else 'one tool or more'}: {call}"]
    else:
        about = "" if wanted.answer is None else f", of this JSON schema: {_json(wanted.answer)}"
        value = '"YOUR ANSWER"' if wanted.answer is None else "YOUR ANSWER"
        several = "one tool" if wanted.single else "one tool, or several at once"
        lines += [
            f"To call {several}: {call}",
            f'To answer the user instead: {{"answer": {value}}}{about}',
            "Call a tool only if it helps. Its result comes in the next message; then answer.",
        ]
    lines += ["The tools, with the JSON schema of their arguments:"]
    for tool in wanted.tools:
        lines += [
            _json(
                {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                }
            )
        ]
    return "\n".join(lines)


def _plain(message: Any, names: dict[str, str], wrapped: bool) -> Any:
    """One message without tools. `names`: of the calls so far, by id. `wrapped`: answers in the
    form in which they were written, so that the engine finds them in its KV cache."""
    if not isinstance(message, dict):
        return message
    role = message.get("role")
    if role == "tool":
        return {"role": "user", "content": _result(message, names)}
    kept = {k: v for k, v in message.items() if k not in ("tool_calls", "function_call")}
    if role != "assistant":
        return kept
    content, calls = message.get("content"), message.get("tool_calls")
    if isinstance(calls, list) and calls:
        written = _json({CALLS: [_call(call, names) for call in calls]})
        before = content if isinstance(content, str) and content else ""
        return kept | {"content": f"{before}\n{written}" if before else written}
    if wrapped and isinstance(content, str):
        return kept | {"content": _json({ANSWER: content})}
    return kept | {"content": content or ""}


def _call(call: Any, names: dict[str, str]) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    function = function if isinstance(function, dict) else {}
    name = str(function.get("name") or "")
    names[str(call.get("id") if isinstance(call, dict) else "")] = name
    arguments = function.get("arguments")
    with suppress(ValueError):  # what is no JSON stays as the client has it
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {"name": name, "arguments": arguments}


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    id_ = str(message.get("tool_call_id") or "")
    name = names.get(id_) or message.get("name") or "a tool"
    head = f"Result of {name} ({id_}):" if id_ else f"Result of {name}:"
    content = message.get("content")
    if isinstance(content, list):
        return [_part(head), *content]
    return f"{head} {content if isinstance(content, str) else _json(content)}"


def _instructed(messages: Sequence[Any], text: str) -> list[Any]:
    """After the client's own system message, which so stays the beginning of every prompt."""
    first = messages[0] if messages else None
    if isinstance(first, dict) and first.get("role") in _SYSTEM:
        return [first | {"content": _joined(first.get("content"), text)}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def _merged(messages: Iterable[Any]) -> list[Any]:
    """Neighbours of one role as one message: many templates insist on turns."""
    merged: list[Any] = []
    for message in messages:
        last = merged[-1] if merged else None
        if (
            isinstance(last, dict)
            and isinstance(message, dict)
            and last.get("role") == message.get("role")
            and last.get("role") in ("user", "assistant")
        ):
            both = _joined(last.get("content"), message.get("content"))
            merged[-1] = last | message | {"content": both}
        else:
            merged.append(message)
    return merged


def _joined(first: Any, second: Any) -> Any:
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [_part(str(content))]


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
