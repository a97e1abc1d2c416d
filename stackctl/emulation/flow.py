"""A reply as it grows: an answer can be told at once, a call only when it is whole. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stackctl.emulation import reading
from stackctl.emulation.reading import Calls, Fault, Said
from stackctl.emulation.text import JsonString
from stackctl.emulation.wanted import Wanted

_BEGINS = re.compile(r'\s*(?:```(?:json)?\s*)?\{\s*"answer"\s*:\s*"')
#: characters, blanks aside, within which a reply has said what it is: grammars may allow any
#: number of blanks between the others
_UNDECIDED = 20


@dataclass(slots=True)
class Flow:
    """What the engine streams goes in, what may be told of it comes out."""

    wanted: Wanted
    _parts: list[str] = field(default_factory=list)
    _start: str = ""
    _string: JsonString | None = None
    _held: bool = False

    def __post_init__(self) -> None:
        # an answer that has a schema is checked first
        self._held = self.wanted.required or self.wanted.answer is not None

    @property
    def text(self) -> str:
        """All of it as the engine wrote it."""
        return "".join(self._parts)

    @property
    def answering(self) -> bool:
        """Whether it is an answer, of which some may have been told."""
        return self._string is not None

    def feed(self, piece: str) -> str:
        """The part of the answer that can be told now."""
        self._parts.append(piece)
        if self._string is not None:
            return self._string.feed(piece)
        if self._held:
            return ""
        self._start = (self._start + piece).lstrip()
        if match := _BEGINS.match(self._start):
            self._string = JsonString()
            return self._string.feed(self._start[match.end() :])
        self._held = len("".join(self._start.split())) > _UNDECIDED
        return ""

    def end(self, *, cut: bool) -> Calls | Said | Fault:
        """What it was. An answer that was told already is not said again."""
        if self.answering:
            return Said("")
        return reading.read(self.text, self.wanted, cut=cut)
