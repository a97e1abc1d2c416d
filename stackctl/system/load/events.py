"""A stream of server-sent events -> tokens and their times. What does not fit has a name."""

from __future__ import annotations

import json
from typing import Any

from stackctl.model.load import Outcome

#: bytes; no event of a chat completion is nearly as long
LARGEST = 4 << 20


class Broken(Exception):
    """The answer is not what it should be: `name` of the failure, and what was seen."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail


class Events:
    """Takes bytes as they come, and fills an outcome. `began` and `now`: seconds of one clock."""

    kind = b"text/event-stream"

    def __init__(self, outcome: Outcome, began: float, limit: int) -> None:
        """`limit`: chunks with tokens beyond which the server does not keep to max_tokens."""
        self.outcome = outcome
        self.done = False
        self.finished = False
        self.last = 0.0  # when the last token came; 0 = none yet
        self.seen = False  # any event at all, keep-alives too
        self._began = began
        self._last_chunk = 0.0
        self._limit = limit
        self._rest = b""

    def feed(self, data: bytes, now: float) -> None:
        """Raises Broken."""
        if self._rest:
            data = self._rest + data
        self.seen = True
        if b"\r" in data:
            held = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n") if not held else data[:-1].replace(b"\r\n", b"\n")
            rest = b"\r" if held else b""
        else:
            rest = b""
        whole, separator, tail = data.rpartition(b"\n\n")
        self._rest = tail + rest
        if len(self._rest) > LARGEST:
            raise Broken("not-sse", "an event without an end")
        if not separator:
            return
        if whole.startswith(b"data: {"):
            text = whole[6:]
            last = text.endswith(b"\n\ndata: [DONE]")
            # one call of the parser for all that came at once takes a third of the time of one call
            # each; whatever is written differently fails here, and is looked at one by one below
            try:
                parsed = json.loads(
                    b"[%b]" % (text[:-14] if last else text).replace(b"\n\ndata: ", b",")
                )
            except (ValueError, RecursionError):
                pass
            else:
                self._take(parsed, now)
                self.done = self.done or last
                return
        parsed = []
        for event in whole.split(b"\n\n"):
            text = _data(event)
            if text == b"[DONE]":
                self.done = True
                break
            if text:
                parsed.append(_parsed(text))
        self._take(parsed, now)

    def _take(self, parsed: list[Any], now: float) -> None:
        """Events that came at once."""
        contents = thoughts = chunks = 0
        try:
            for event in parsed:
                choices = event.get("choices")
                if choices:
                    chunks += 1
                    choice = choices[0]
                    delta = choice.get("delta")
                    if choice.get("finish_reason"):
                        self.finished = True
                    if not delta:
                        pass
                    elif delta.get("content") or delta.get("tool_calls"):
                        contents += 1
                    elif delta.get("reasoning_content") or delta.get("reasoning"):
                        thoughts += 1
                elif "error" in event:
                    raise Broken("error-in-stream", error_text(event))
                if event.get("usage"):
                    self._usage(event["usage"])
        except (AttributeError, KeyError, IndexError, TypeError):
            raise Broken("wrong-json", f"no chunk: {ascii(event)[:100]}") from None
        if chunks:
            self._chunks(chunks, now)
        if contents or thoughts:
            self._tokens(contents, thoughts, now)

    def _chunks(self, new: int, now: float) -> None:
        outcome = self.outcome
        if self._last_chunk:
            outcome.gaps.append(now - self._last_chunk)
        else:
            outcome.first = now - self._began
        if new > 1:
            outcome.gaps.extend([0.0] * (new - 1))
        self._last_chunk = now
        outcome.latency = now - self._began

    def _tokens(self, contents: int, thoughts: int, now: float) -> None:
        outcome = self.outcome
        if not self.last:
            outcome.ttft = now - self._began
        self.last = now
        outcome.chunks += contents
        outcome.thoughts += thoughts
        if outcome.chunks + outcome.thoughts > self._limit:
            raise Broken("endless", f"more than {self._limit} chunks with tokens")

    def _usage(self, usage: Any) -> None:
        try:
            details = usage.get("completion_tokens_details") or {}
            self.outcome.prompt_tokens = _number(usage.get("prompt_tokens"))
            self.outcome.tokens = _number(usage.get("completion_tokens"))
            self.outcome.reasoning_tokens = _number(details.get("reasoning_tokens"))
        except AttributeError:
            raise Broken("wrong-json", f"usage: {str(usage)[:100]}") from None

    def check_end(self) -> None:
        """The answer has ended: is it whole?"""
        if self.done or self.finished:
            if not self.last:
                raise Broken("no-tokens", "the answer ended without a token")
            return
        if self._rest.strip() and not self.seen_tokens:
            raise Broken("not-sse", _shown(self._rest))
        raise Broken("cut-stream", "the answer ended without [DONE]")

    @property
    def seen_tokens(self) -> bool:
        return self.last > 0


def error_text(body: Any) -> str:
    """What an OpenAI-compatible API says for an error; "" if it says nothing."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        error = error.get("message") or error.get("code") or error.get("type")
    if not error and isinstance(body, dict):
        error = body.get("message") or body.get("detail")
    return str(error)[:300] if error else ""


def _data(event: bytes) -> bytes:
    """The data of an event of several lines, comments and other fields; b"" if it has none."""
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line[:5] == b"data:"]
    if lines:
        return b"\n".join(lines).strip()
    known = (b":", b"event:", b"id:", b"retry:")
    for line in event.split(b"\n"):
        if line.strip() and not line.startswith(known):
            raise Broken("not-sse", _shown(line))
    return b""


def _number(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise Broken(
            "wrong-utf8", f"byte {error.object[error.start : error.start + 4]!r}"
        ) from None
    except (ValueError, RecursionError):
        raise Broken("wrong-json", _shown(text)) from None


def _shown(data: bytes) -> str:
    return ascii(data[:100].decode("utf-8", "replace"))[1:-1]
