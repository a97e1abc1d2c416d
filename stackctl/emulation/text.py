"""Text that grows: the string of a JSON document, and where a client's stop words cut. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_PLAIN = re.compile(r'[^"\\]+')
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile("[0-9a-fA-F]{4}")


def whole(text: str) -> str:
    """Without halves of characters, which no UTF-8 can hold."""
    return _SURROGATE.sub("\ufffd", text)


@dataclass(slots=True)
class JsonString:
    """The inside of a JSON string, behind its opening quote, in pieces cut anywhere. An escape
    that JSON does not know is taken as the character behind its backslash."""

    closed: bool = False
    _rest: str = ""

    def feed(self, piece: str) -> str:
        """What can be told by now."""
        text, at, told = self._rest + piece, 0, list[str]()
        while at < len(text) and not self.closed:
            if match := _PLAIN.match(text, at):
                told.append(match.group())
                at = match.end()
            elif text[at] == '"':
                self.closed = True
            else:
                character, after = _escape(text, at)
                if not after:
                    break
                told.append(character)
                at = after
        self._rest = "" if self.closed else text[at:]
        return whole("".join(told))


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character of the escape at a place, and where it ends; 0 if more has to come."""
    letter = text[at + 1 : at + 2]
    if not letter:
        return "", 0
    if letter != "u":
        return _ESCAPED.get(letter, letter), at + 2
    unit, after = _unit(text, at)
    if unit is None or not 0xD800 <= unit < 0xDC00:
        return ("" if unit is None else chr(unit)), after
    # the first half of a character: the other one is an escape as well
    if len(text) < after + 2 and "\\u".startswith(text[after:]):
        return "", 0
    if not text.startswith("\\u", after):
        return chr(unit), after
    low, end = _unit(text, after)
    if low is None and not end:
        return "", 0
    if low is not None and 0xDC00 <= low < 0xE000:
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), end
    return chr(unit), after


def _unit(text: str, at: int) -> tuple[int | None, int]:
    """The number of `\\uXXXX`; None where there are no four digits."""
    digits = text[at + 2 : at + 6]
    if _HEX.fullmatch(digits):
        return int(digits, 16), at + 6
    return (None, 0) if len(digits) < 4 else (None, at + 2)


@dataclass(slots=True)
class Stops:
    """A client's stop words, applied to the answer: to the engine they would cut the JSON."""

    words: Sequence[str]
    hit: bool = False
    _held: str = field(default="", init=False)

    def feed(self, piece: str) -> str:
        """What may be told; the beginning of a stop word is held back."""
        if self.hit or not self.words:
            return "" if self.hit else piece
        text = self._held + piece
        found = [at for at in (text.find(word) for word in self.words) if at >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = max(_overlap(text, word) for word in self.words)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> str:
        """What was held back and has turned out to be no stop word."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, word: str) -> int:
    """Characters at the end of a text with which a word may begin."""
    longest = min(len(word) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if word.startswith(text[-n:])), 0)
