"""The ways in which a publisher, a mirror or a proxy in between goes wrong.

A fault waits in `Hub.faults` for a request it matches and counts down only where it changes
something: a `Flip` at 5 MB is not used up by an answer that ends at 1 MB, nor by a redirect.
Of one group the first that matches applies, so that several in the list are a script: first
503, then 429. Those of different groups apply together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tests.hub.messages import Answer, Request

FOREVER = -1
#: the group of faults that replace the whole answer, and of those that bear company
INSTEAD, MANY = "instead", "many"
_YEAR = 365.25 * 86400


@dataclass(kw_only=True)
class Fault:
    """Which requests: `path` is part of the decoded path or query, `method` None is any."""

    path: str = ""
    method: str | None = "GET"
    times: int = 1
    #: let that many matching requests pass first
    skip: int = 0
    #: one of a group per answer; the kind itself where it is empty
    group: ClassVar[str] = ""

    def take(self, request: Request, answer: Answer) -> bool:
        """Spoil this answer if it is one of mine; says whether it was."""
        if not self.times or self.method not in (None, request.method):
            return False
        if self.path not in request.path and self.path not in request.target:
            return False
        if not self.touches(answer):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        self.spoil(request, answer)
        return True

    def touches(self, answer: Answer) -> bool:
        """Whether this answer can be spoiled in this way."""
        return True

    def spoil(self, request: Request, answer: Answer) -> None:
        raise NotImplementedError


def spoil(faults: Sequence[Fault], request: Request, answer: Answer) -> tuple[str, ...]:
    """Let all faults that apply have their way; returns their names."""
    taken: dict[object, str] = {}
    for fault in faults:
        kind = fault.group or type(fault)
        group = id(fault) if kind == MANY else kind
        if group not in taken and fault.take(request, answer):
            taken[group] = type(fault).__name__
    return tuple(taken.values())


class _Body(Fault):
    """Only answers that carry what was asked for."""

    def touches(self, answer: Answer) -> bool:
        return answer.good


@dataclass(kw_only=True)
class Status(Fault):
    """An error instead of the answer, as `Status(code=429, headers={"Retry-After": "1"})`."""

    group = INSTEAD
    code: int = 503
    headers: dict[str, str] = field(default_factory=dict)

    def spoil(self, request: Request, answer: Answer) -> None:
        fresh = Answer.of_json({"error": "injected"}, self.code)
        answer.status, answer.body, answer.content = self.code, fresh.body, None
        answer.headers = fresh.headers | self.headers


@dataclass(kw_only=True)
class Html(Fault):
    """A captive portal: 200 and a page to log in."""

    group = INSTEAD
    text: str = "<html><body>Welcome! Please log in to use this network.</body></html>"

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.status, answer.headers = 200, {"Content-Type": "text/html"}
        answer.body, answer.content = self.text.encode(), None


@dataclass(kw_only=True)
class RedirectLoop(Fault):
    """302 to the same place."""

    group = INSTEAD
    times: int = FOREVER

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.status, answer.headers = 302, {"Location": request.target}
        answer.body, answer.content = b"", None


@dataclass(kw_only=True)
class NotJson(_Body):
    """An API that answers 200 with something else."""

    text: str = '{"siblings": [{"rfilename'

    def touches(self, answer: Answer) -> bool:
        return answer.good and answer.headers.get("Content-Type") == "application/json"

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.body = self.text.encode()


@dataclass(kw_only=True)
class ClockSkew(Fault):
    """A `Date` that is years off."""

    years: float = 10.0

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.skew = self.years * _YEAR


@dataclass(kw_only=True)
class Reset(Fault):
    """RST after that many bytes of the body; at 0 before any answer."""

    group = INSTEAD
    after: int = 0

    def touches(self, answer: Answer) -> bool:
        return not self.after or (answer.good and answer.length > self.after)

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.cut, answer.wire.reset = self.after, True


@dataclass(kw_only=True)
class Cut(_Body):
    """Closed after that many bytes; with `times=FOREVER` no connection brings more."""

    after: int

    def touches(self, answer: Answer) -> bool:
        return answer.good and answer.length > self.after

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.cut = self.after


@dataclass(kw_only=True)
class Stall(_Body):
    """That many bytes, silence, then the rest."""

    after: int = 0
    seconds: float = 5.0

    def touches(self, answer: Answer) -> bool:
        return answer.good and answer.length > self.after

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.pause = (self.after, self.seconds)


@dataclass(kw_only=True)
class Slow(_Body):
    """No more bytes a second than this."""

    rate: float
    times: int = FOREVER

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.rate = self.rate


@dataclass(kw_only=True)
class _Bytes(_Body):
    """Changes the bytes of a file from an offset that counts from the file's begin."""

    group = MANY
    at: int
    length: int = 1

    def touches(self, answer: Answer) -> bool:
        start, stop = answer.span()
        if answer.wire.cut is not None:
            stop = min(stop, start + answer.wire.cut)
        return answer.good and answer.content is not None and start <= self.at < stop

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.patches.append(self._patch)

    def _patch(self, chunk: bytearray, offset: int) -> None:
        first = max(self.at - offset, 0)
        last = min(self.at + self.length - offset, len(chunk))
        if first < last:
            chunk[first:last] = self.turn(bytes(chunk[first:last]))

    def turn(self, old: bytes) -> bytes:
        raise NotImplementedError


@dataclass(kw_only=True)
class Flip(_Bytes):
    """The lowest bit of one byte."""

    def turn(self, old: bytes) -> bytes:
        return bytes(byte ^ 1 for byte in old)


@dataclass(kw_only=True)
class Zeros(_Bytes):
    """A block that was never written."""

    length: int = 65536

    def turn(self, old: bytes) -> bytes:
        return bytes(len(old))


@dataclass(kw_only=True)
class ShortLength(_Body):
    """`Content-Length` says fewer bytes than there are, and no more arrive."""

    length: int

    def touches(self, answer: Answer) -> bool:
        return answer.good and answer.length > self.length

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.length = self.length


@dataclass(kw_only=True)
class NoLength(_Body):
    """No `Content-Length`: the end of the connection is the end of the body."""

    def spoil(self, request: Request, answer: Answer) -> None:
        answer.wire.unmeasured = True


class _File(_Body):
    """Only answers made of a file."""

    def touches(self, answer: Answer) -> bool:
        return answer.good and answer.content is not None


@dataclass(kw_only=True)
class WrongSize(_File):
    """A file longer (by zeros) or shorter than the listing says, in every header too."""

    delta: int

    def spoil(self, request: Request, answer: Answer) -> None:
        assert answer.content is not None
        answer.content.size = max(0, answer.content.size + self.delta)


@dataclass(kw_only=True)
class NoRange(_File):
    """200 and the whole file for a `Range`."""

    def touches(self, answer: Answer) -> bool:
        return answer.content is not None and answer.content.ranged

    def spoil(self, request: Request, answer: Answer) -> None:
        assert answer.content is not None
        answer.content.range = None


@dataclass(kw_only=True)
class WrongRange(_File):
    """206 with other bytes than were asked for, and a `Content-Range` that says so."""

    shift: int = -1

    def touches(self, answer: Answer) -> bool:
        if answer.content is None or not answer.content.ranged:
            return False
        start, stop = answer.span()
        return 0 <= start + self.shift < stop

    def spoil(self, request: Request, answer: Answer) -> None:
        assert answer.content is not None
        answer.content.shift = self.shift
