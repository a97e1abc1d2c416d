"""The events of a stream -> the message they add up to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stackctl.model.reply import Reply
from stackctl.proofs.answer import Answer, Call, error_in, prompt_tokens, words
from stackctl.proofs.trouble import Trouble


@dataclass
class _Growing:
    id: Any = None
    type: Any = None
    name: str = ""
    arguments: Any = ""
    pieces: int = 0


@dataclass
class _Sum:
    content: str = ""
    reasoning: str = ""
    finish: str = ""
    tokens: int | None = None
    calls: dict[int, _Growing] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


def assemble(reply: Reply) -> Answer | Trouble:
    """The deltas of a chat completion put together by index, as clients do."""
    if not reply.streamed:
        return Trouble("not-a-stream", str(reply.body)[:200])
    total = _Sum()
    for event in reply.events:
        if error := error_in(event):
            return error
        try:
            _add(total, event)
        except (KeyError, IndexError, TypeError, AttributeError):
            return Trouble("not-a-completion", str(event)[:200])
    if not reply.done and not total.finish:
        return Trouble("cut-off", f"{len(reply.events)} events, no finish_reason, no [DONE]")
    calls = tuple(
        Call(one.id, one.type, one.name, one.arguments, one.pieces)
        for _, one in sorted(total.calls.items())
    )
    return Answer(
        total.content, total.reasoning, calls, total.finish, total.tokens, tuple(total.troubles)
    )


def first_token(reply: Reply) -> float | None:
    """Seconds until the first event that says something: text, a thought, or a piece of a call."""
    for at, event in zip(reply.times, reply.events, strict=False):
        choices = event.get("choices") if isinstance(event, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict) and any(
            delta.get(key) for key in ("content", "reasoning", "reasoning_content", "tool_calls")
        ):
            return at
    return None


def _add(total: _Sum, event: Any) -> None:
    total.tokens = prompt_tokens(event.get("usage")) or total.tokens
    choices = event.get("choices") or []
    if not choices:
        return
    delta = choices[0].get("delta") or {}
    total.content += words(delta.get("content"))
    total.reasoning += words(delta.get("reasoning") or delta.get("reasoning_content"))
    total.finish = words(choices[0].get("finish_reason")) or total.finish
    for piece in delta.get("tool_calls") or ():
        _piece(total, piece)


def _piece(total: _Sum, piece: Any) -> None:
    index = piece.get("index")
    if not isinstance(index, int):
        total.troubles.append(Trouble("stream-index", f"a piece without an index: {piece}"[:200]))
        index = max(total.calls, default=0)
    elif index not in total.calls and index != len(total.calls):
        total.troubles.append(Trouble("stream-index", f"index {index} after {len(total.calls)}"))
    one = total.calls.setdefault(index, _Growing())
    one.pieces += 1
    if piece.get("id"):
        if one.id not in (None, piece["id"]):
            total.troubles.append(Trouble("call-id", f"call {index} changes its id on the way"))
        one.id = piece["id"]
    one.type = piece.get("type") or one.type
    function = piece.get("function") or {}
    one.name += words(function.get("name"))
    arguments = function.get("arguments")
    if isinstance(arguments, str) and isinstance(one.arguments, str):
        one.arguments += arguments
    elif arguments is not None:
        one.arguments = arguments
