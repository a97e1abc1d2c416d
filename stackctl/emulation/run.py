"""One emulated request: its choices at once, their pieces in the order in which they come."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from stackctl.emulation import sse
from stackctl.emulation.abilities import Abilities
from stackctl.emulation.completion import Streamed, Whole
from stackctl.emulation.engines import Engines
from stackctl.emulation.errors import AnsweredError, RefusedError, form
from stackctl.emulation.exchange import Exchange
from stackctl.emulation.pieces import End, Piece
from stackctl.emulation.talk import Talk
from stackctl.emulation.wanted import Wanted
from stackctl.emulation.where import Place

#: seconds without a piece, after which a comment keeps the connection open
_SILENCE = 15.0
_STREAM = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)

_Told = tuple[int, Piece] | Exception


@dataclass(frozen=True, slots=True)
class Run:
    engines: Engines
    abilities: Abilities
    retries: int
    exchange: Exchange
    place: Place
    body: Mapping[str, Any]

    async def whole(self, wanted: Wanted) -> None:
        """The answer in one piece."""
        made = Whole(wanted.choices)
        async with self._pieces(wanted) as queue:
            while not made.ended:
                match await queue.get():
                    case Exception() as error:
                        raise error
                    case index, piece:
                        made.add(index, piece)
        await self.exchange.json(made.body())

    async def streamed(self, wanted: Wanted) -> None:
        """The answer as it comes; an error amid it as an event, and then no [DONE]."""
        made = Streamed(wanted.choices, wanted.usage)
        async with self._pieces(wanted) as queue:
            while not made.ended:
                try:
                    # not wait_for: that of Python 3.11 may swallow being cancelled
                    async with asyncio.timeout(_SILENCE):
                        told = await queue.get()
                except TimeoutError:
                    # before the engine has answered, its status is not known
                    if self.exchange.begun:
                        await self.exchange.write(sse.KEEP_ALIVE)
                    continue
                if isinstance(told, Exception):
                    await self._fail(told)
                    return
                if not self.exchange.begun:
                    await self.exchange.begin(200, _STREAM)
                for event in made.events(*told):
                    await self.exchange.write(event)
        await self.exchange.write(b"", more=False)

    async def _fail(self, error: Exception) -> None:
        if not self.exchange.begun or not isinstance(error, RefusedError | AnsweredError):
            raise error
        if isinstance(error, AnsweredError):
            said = error.body.decode(errors="replace")[:300]
            error = RefusedError(502, f"{self.place.engine} answered {error.status}: {said}")
        await self.exchange.write(sse.event(form(error)))
        await self.exchange.write(b"", more=False)

    @asynccontextmanager
    async def _pieces(self, wanted: Wanted) -> AsyncIterator[asyncio.Queue[_Told]]:
        """Those of all choices; whoever leaves early ends what is still asked."""
        queue: asyncio.Queue[_Told] = asyncio.Queue()
        tasks = [
            asyncio.create_task(self._choice(wanted, index, queue))
            for index in range(wanted.choices)
        ]
        try:
            yield queue
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _choice(self, wanted: Wanted, index: int, queue: asyncio.Queue[_Told]) -> None:
        began, outcome = time.monotonic(), "gone"

        def tell(piece: Piece) -> None:
            nonlocal outcome
            if isinstance(piece, End):
                outcome = piece.outcome
            queue.put_nowait((index, piece))

        talk = Talk(
            self.engines,
            self.abilities,
            self.place,
            self.exchange.headers,
            self.body,
            wanted,
            self.retries,
            tell,
        )
        try:
            await talk.choice(index)
        except Exception as error:  # noqa: BLE001 - its reader has to hear of it, whatever it is
            outcome = "failed"
            queue.put_nowait(error)
        finally:
            _log(self.place.engine, wanted, outcome, talk.attempts, began)


def _log(engine: str, wanted: Wanted, outcome: str, attempts: int, began: float) -> None:
    """One line, without a word of what was said."""
    line = {
        "engine": engine,
        "choice": wanted.choice,
        "stream": wanted.stream,
        "outcome": outcome,
        "attempts": attempts,
        "ms": round((time.monotonic() - began) * 1000),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
