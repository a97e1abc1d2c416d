"""Whatever JSON a server answers: a kind of failure, never a traceback."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.model.reply import Reply
from stackctl.proofs.context.prompt import build
from stackctl.proofs.context.step import read
from stackctl.proofs.kinds import KINDS
from stackctl.proofs.stream import first_token
from stackctl.proofs.tools.cases import CASES, body
from stackctl.proofs.tools.judge import judge
from stackctl.system.sse import Events
from tests.unit.stackctl.proofs import brain

PROMPT = build(3, 1)
_KEYS = st.sampled_from(
    (
        *("choices", "message", "delta", "tool_calls", "function", "arguments", "name", "id"),
        *("index", "content", "finish_reason", "usage", "prompt_tokens", "error", "output"),
        *("type", "status"),
    )
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of every value in a value."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [path, *(found for key, each in pairs for found in _paths(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy in which another value stands at a path."""
    if not path:
        return other
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return copy


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(CASES), ANY, st.sampled_from([200, 400, 429, 500]))
def test_any_body(case: Any, answer: Any, status: int) -> None:
    for trouble in judge(case, Reply(status, answer), 50):
        assert trouble.kind in KINDS


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(CASES), ANY, st.data())
def test_anything_in_the_place_of_anything(case: Any, other: Any, data: st.DataObject) -> None:
    whole = brain.completion(body(CASES[0], "m", 9))
    events: Any = brain.chunks(whole)
    wrong = _with(whole, data.draw(st.sampled_from(_paths(whole))), other)
    broken = _with(events, data.draw(st.sampled_from(_paths(events)[1:])), other)
    stream = Reply(200, streamed=True, events=tuple(broken), times=(1.0,) * len(broken), done=True)
    for reply in (Reply(200, wrong), stream):
        for trouble in judge(case, reply, 50):
            assert trouble.kind in KINDS
        step = read(50, PROMPT, 90, reply, exact=True)
        assert step.trouble is None or step.trouble.kind in KINDS
    first_token(stream)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(max_size=9)), st.data())
def test_events_in_any_pieces(texts: list[str], data: st.DataObject) -> None:
    sent = [json.dumps(text, ensure_ascii=data.draw(st.booleans())) for text in texts]
    raw = "".join(f": ping\ndata: {text}\r\n\n" for text in sent).encode("utf-8", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=9)))
    reader = Events()
    try:
        found = [
            event
            for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)
            for event in reader.feed(raw[a:b])
        ]
    except UnicodeDecodeError:
        assert any(0xD800 <= ord(char) <= 0xDFFF for text in texts for char in text)
        return
    assert found == sent
    assert reader.comments == len(texts)
    assert not reader.pending
