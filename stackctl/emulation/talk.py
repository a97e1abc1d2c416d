"""One choice of one request: ask the engine, read, ask again where the reply is not right."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackctl.emulation import answers, prompt, schema
from stackctl.emulation.abilities import Abilities, Form, Held, simpler
from stackctl.emulation.engines import Engines, Headers, broken, kept
from stackctl.emulation.errors import AnsweredError, RefusedError
from stackctl.emulation.flow import Flow
from stackctl.emulation.pieces import Began, Called, End, Piece, Text, Thought, added
from stackctl.emulation.reading import Calls, Fault, Said
from stackctl.emulation.text import Stops, whole
from stackctl.emulation.wanted import Wanted
from stackctl.emulation.where import Place

#: what would cut or bloat the JSON, or is done here
_OURS = (
    *("tools", "tool_choice", "parallel_tool_calls", "stop", "n", "logprobs", "top_logprobs"),
    *("response_format", "messages", "stream", "stream_options"),
)
_JSON = ((b"content-type", b"application/json"),)
_CHAT_HEADERS = (*_JSON, (b"accept-encoding", b"identity"))
#: statuses of errors that no other form of the request would mend, whatever they say
_FINAL = (401, 403, 404, 413, 429, 503)


@dataclass(slots=True)
class Talk:
    """`retries`: how often a reply that is not right may be asked for anew. `tell` is given the
    pieces as they come."""

    engines: Engines
    abilities: Abilities
    place: Place
    headers: Headers
    body: Mapping[str, Any]
    wanted: Wanted
    retries: int
    tell: Callable[[Piece], None]
    attempts: int = field(default=0, init=False)
    _finish: str = field(default="", init=False)
    _usage: dict[str, Any] = field(default_factory=dict, init=False)
    _flow: Flow = field(init=False)
    _stops: Stops = field(init=False)

    async def choice(self, index: int) -> None:
        """All of it, `End` last. AnsweredError, RefusedError."""
        self._stops = Stops(self.wanted.stops)
        correction: tuple[tuple[str, str], ...] = ()
        while True:
            self.attempts += 1
            self._flow, self._finish = Flow(self.wanted), ""
            await self._ask(index, correction)
            cut = self._finish == "length"
            # a schema of a client's may take its time: not that of the others
            outcome = await asyncio.to_thread(self._flow.end, cut=cut)
            last = self.attempts > self.retries or cut
            if not isinstance(outcome, Fault) or last:
                break
            correction = (*correction, (self._flow.text, outcome.what))
        word = "retried" if self.attempts > 1 else ""
        match outcome:
            case Calls(calls, repaired):
                self.tell(Called(calls))
                self._end("tool_calls", word or ("repaired" if repaired else "calls"))
            case Said(text, repaired):
                self._say(self._stops.feed(text) + self._stops.end())
                word = word or ("repaired" if repaired else "answer")
                self._end("length" if cut and not self._stops.hit else "stop", word)
            case Fault(what):
                if cut:
                    self._end("length", "failed")
                elif self.wanted.required or self.wanted.answer is not None:
                    raise RefusedError(
                        502,
                        f"the model of {self.place.engine} gave no right reply in {self.attempts} "
                        f"attempts; the last: {what}",
                        "no_right_reply",
                    )
                else:
                    self._say(whole(self._flow.text))
                    self._end("stop", "failed")

    def _say(self, text: str) -> None:
        if text:
            self.tell(Text(text))

    def _end(self, finish: str, outcome: str) -> None:
        self.tell(End(finish, self._usage, outcome))

    async def _ask(self, index: int, correction: tuple[tuple[str, str], ...]) -> None:
        """One attempt, in the form that the engine takes."""
        strict = json.dumps(schema.of_answer(self.wanted)).encode()
        key = hashlib.sha256(strict).hexdigest()
        form = self.abilities.of(self.place.engine, key)
        while True:
            try:
                await self._stream(self._request(form, index, correction))
            except AnsweredError as error:
                other = simpler(form, error.body.decode(errors="replace"))
                if other is None or error.status in _FINAL:
                    raise
                form = other
            else:
                self.abilities.learn(self.place.engine, key, form)
                return

    def _request(
        self, form: Form, index: int, correction: tuple[tuple[str, str], ...]
    ) -> dict[str, Any]:
        made = {key: value for key, value in self.body.items() if key not in _OURS}
        messages = prompt.told(self.body["messages"], self.wanted, folded=form.folded)
        for said, fault in correction:
            messages = prompt.again(messages, said, fault)
        made |= {
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if form.held is not Held.NOT:
            held = schema.of_answer(self.wanted, loose=form.held is Held.LOOSELY)
            made["response_format"] = schema.response_format(held)
        if index and isinstance(made.get("seed"), int):
            made["seed"] += index  # else all choices would be one and the same
        return made

    async def _stream(self, request: Mapping[str, Any]) -> None:
        """What the engine says to a request."""
        used: Any = None
        data = json.dumps(request).encode()
        # content-encoding and content-length were of the client's body
        ours = {name for name, _ in _CHAT_HEADERS} | {b"content-length", b"content-encoding"}
        headers = [(n, v) for n, v in self.headers if n not in ours]
        async with self.engines.sent(
            self.place, "POST", [*headers, *_CHAT_HEADERS], data
        ) as response:
            if response.status_code != 200:
                body = await answers.body(response, self.place)
                raise AnsweredError(response.status_code, kept(response.headers.raw), body)
            async for event in answers.events(response, self.place):
                used = self._take(event) or used
                if self._stops.hit and not self.wanted.usage:
                    self._finish = "stop"
                    return
        # some engines count in every event what they counted so far
        self._usage = added(self._usage, used)
        if not self._finish:
            raise broken(self.place.engine, ValueError("its answer has no end"))

    def _take(self, event: Any) -> Any:
        """Tell what is in an event, and return its `usage`. AnsweredError for an error before
        there was anything else."""
        if not isinstance(event, dict):
            raise broken(self.place.engine, ValueError("an event that is no object"))
        if error := event.get("error"):
            if self._flow.text or self._finish:
                said = error.get("message") if isinstance(error, dict) else error
                raise broken(self.place.engine, ValueError(str(said)))
            raise AnsweredError(500, _JSON, json.dumps(event).encode())
        self.tell(Began(event))
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, dict):
            delta = choice.get("delta") or choice.get("message")
            if isinstance(delta, dict):
                self._grow(delta)
            if isinstance(finish := choice.get("finish_reason"), str):
                self._finish = finish
        return event.get("usage")

    def _grow(self, delta: Mapping[str, Any]) -> None:
        for key in ("reasoning_content", "reasoning"):
            if isinstance(thought := delta.get(key), str) and thought:
                self.tell(Thought(key, whole(thought)))
                break
        if isinstance(content := delta.get("content"), str):
            self._say(self._stops.feed(self._flow.feed(content)))
