"""Many requests at a concurrency: each worker sends its next one when it has its answer."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from stackctl.model.load import Outcome, Patience, Target, Volley
from stackctl.system.load.connection import Connection, Door, door
from stackctl.system.load.events import Broken

#: failures one after the other, and not one success, after which a server is given up
_HOPELESS = 20
#: seconds, so that a server with `Retry-After: 0` for ever comes to its limit as well
_LEAST_PAUSE = 0.1


def fire(
    target: Target,
    bodies: Sequence[bytes],
    concurrency: int,
    *,
    most_chunks: int,
    patience: Patience,
    seconds: float = float("inf"),
    done: Callable[[], None] = lambda: None,
) -> Volley:
    """Send all bodies; after `seconds` no more are begun. Never raises for what a server does.

    `most_chunks`: of one answer, beyond which the server is endless. `done`: after each request.
    """
    load = _Load(door(target), target.key, bodies, most_chunks, patience, done)
    cpu = time.thread_time()
    began = time.perf_counter()
    asyncio.run(load.run(concurrency, began + seconds))
    spent = time.perf_counter() - began
    share = (time.thread_time() - cpu) / spent
    outcomes = load.outcomes
    if outcomes:
        spent = max(o.ended for o in outcomes) - min(o.began for o in outcomes)
    return Volley(tuple(outcomes), spent, share)


def probe(target: Target, body: bytes, *, patience: Patience) -> Outcome:
    """One request."""
    return fire(target, [body], 1, most_chunks=1 << 20, patience=patience).outcomes[0]


class _Load:
    def __init__(
        self,
        where: Door,
        key: str,
        bodies: Sequence[bytes],
        most_chunks: int,
        patience: Patience,
        done: Callable[[], None],
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._door = where
        self._key = key
        self._bodies = iter(bodies)
        self._most_chunks = most_chunks
        self._patience = patience
        self._done = done
        self._succeeded = False

    async def run(self, concurrency: int, until: float) -> None:
        await asyncio.gather(*(self._work(until) for _ in range(concurrency)))

    async def _work(self, until: float) -> None:
        connection = Connection()
        try:
            while time.perf_counter() < until and not self._hopeless:
                body = next(self._bodies, None)
                if body is None:
                    return
                outcome = Outcome()
                connection = await self._one(connection, self._door.request(body), outcome)
                self._succeeded |= outcome.ok
                self.outcomes.append(outcome)
                self._done()
        finally:
            connection.close()

    @property
    def _hopeless(self) -> bool:
        return not self._succeeded and len(self.outcomes) >= _HOPELESS

    async def _one(self, connection: Connection, request: bytes, outcome: Outcome) -> Connection:
        """The outcome is filled; the connection is the one to go on with."""
        waited = 0.0
        retried = False
        outcome.began = time.perf_counter()
        while True:
            began = time.perf_counter()
            stale = connection.open and connection.used
            try:
                if not connection.open:
                    connection = await self._connect()
                answer = await connection.ask(
                    request,
                    outcome,
                    began,
                    self._most_chunks if self._door.streams else None,
                    self._patience.tokens,
                )
                if answer.status == 200:
                    break
                if answer.status != 429:
                    raise Broken(f"http-{answer.status}", answer.said)
                pause = _pause(answer.headers.get(b"retry-after", b""), outcome.throttled)
                waited += pause
                if waited > self._patience.limits:
                    raise Broken("rate-limited", f"Retry-After {pause:g} s: {answer.said}")
                outcome.throttled += 1
                await asyncio.sleep(pause)
            except Broken as broken:
                connection.close()
                # a server may close an idle connection just when the next request is on its way
                if stale and broken.name == "closed" and not retried:
                    retried = True
                    continue
                outcome.failure = broken.name
                outcome.detail = self._discreet(broken.detail)
                break
        outcome.ended = time.perf_counter()
        return connection

    async def _connect(self) -> Connection:
        where = self._door
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(min(30.0, self._patience.tokens)):
                _, connection = await loop.create_connection(
                    Connection, where.host, where.port, ssl=where.tls
                )
        except TimeoutError:
            raise Broken("no-connection", f"{where.host}:{where.port} does not answer") from None
        except ConnectionRefusedError:
            raise Broken("refused", f"nothing listens on {where.host}:{where.port}") from None
        except socket.gaierror as error:
            raise Broken("unknown-host", f"{where.host}: {error.strerror}") from None
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or str(error)
            raise Broken("tls", f"{where.host}: {reason}") from None
        except OSError as error:
            raise Broken("no-connection", f"{where.host}:{where.port}: {error}") from None
        return connection

    def _discreet(self, text: str) -> str:
        """Some servers repeat the key in their errors."""
        return text.replace(self._key, "...") if self._key else text


def _pause(header: bytes, before: int) -> float:
    """Seconds of a Retry-After: a number, a date, or none (then 1, 2, 4 ...)."""
    text = header.decode("latin-1").strip()
    grown = float(2 ** min(before, 10))
    try:
        return max(_LEAST_PAUSE, float(text)) if text else grown
    except ValueError:
        pass
    try:
        wanted = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return grown
    return max(_LEAST_PAUSE, wanted)
