"""A reply -> the message in it, in one form for all APIs, or why there is none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stackctl.catalogue import masked
from stackctl.model.reply import Reply
from stackctl.proofs.kinds import told
from stackctl.proofs.trouble import Trouble

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Call:
    """As it came: nothing of it is sure to have the right type. `pieces` of a stream."""

    id: Any
    type: Any
    name: Any
    arguments: Any
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """`troubles`: what was wrong with the form it came in."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    prompt_tokens: int | None = None
    troubles: tuple[Trouble, ...] = ()


def trouble(reply: Reply) -> Trouble | None:
    """What is wrong with a reply before one looks at its message."""
    if reply.broken and not (reply.status >= 400 and reply.body):
        return Trouble(reply.broken.value, masked(reply.evidence))
    if reply.status == 200:
        return None
    text = _text(reply.body)
    if known := told(text):
        return Trouble(known, masked(text)[:_SHOWN])
    shown = masked(f"HTTP {reply.status}: {text}")[:_SHOWN]
    if reply.status == 429:
        wait = f"; Retry-After: {reply.retry_after}" if reply.retry_after else ""
        return Trouble("rate-limited", shown + wait)
    if reply.status in (401, 403):
        return Trouble("key-refused", shown)
    if reply.status >= 500:
        return Trouble("server-error", shown)
    return Trouble("request-refused" if reply.status >= 400 else "redirected", shown)


def read(reply: Reply) -> Answer | Trouble:
    """The message of a chat completion that was not streamed."""
    body = reply.body
    if error := error_in(body):
        return error
    try:
        choice = body["choices"][0]
        message = choice["message"]
        calls = message.get("tool_calls")
        wrong: tuple[Trouble, ...] = ()
        if calls is not None and not isinstance(calls, list):
            wrong = (Trouble("calls-shape", f"tool_calls is {type(calls).__name__}"),)
            calls = []
        return Answer(
            words(message.get("content")),
            words(message.get("reasoning") or message.get("reasoning_content")),
            tuple(_call(each) for each in calls or ()),
            words(choice.get("finish_reason")),
            prompt_tokens(body.get("usage")),
            wrong,
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return Trouble("not-a-completion", _text(body)[:_SHOWN])


def error_in(body: Any) -> Trouble | None:
    """The error that a body of status 200, or an event of a stream, carries."""
    error = body.get("error") if isinstance(body, dict) else None
    if not error:
        return None
    text = _text(error)
    return Trouble(told(text) or "error-in-stream", masked(text)[:_SHOWN])


def prompt_tokens(usage: Any) -> int | None:
    """Of `usage`, in the words of both APIs."""
    if isinstance(usage, dict):
        for key in ("prompt_tokens", "input_tokens"):
            if isinstance(usage.get(key), int):
                return int(usage[key])
    return None


def words(value: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(value, list):
        return "".join(words(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _call(entry: Any) -> Call:
    one = entry if isinstance(entry, dict) else {}
    function = one.get("function")
    function = function if isinstance(function, dict) else {}
    return Call(one.get("id"), one.get("type"), function.get("name"), function.get("arguments"))


def _text(body: Any) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(message, str):
            return message
    return str(body)
