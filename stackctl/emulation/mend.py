"""JSON as models write it where no grammar holds them: quotes of the wrong kind, a comma too many,
the words of Python, an end that is missing. Pure, and linear in the length of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stackctl.emulation.text import JsonString

_DEEPEST = 64
_BLANK = re.compile(r"[\s,]*")
_BARE = re.compile(r"[^\s,:\[\]{}\"']+")
_QUOTED = {
    '"': re.compile(r'((?:[^"\\]|\\.)*+)"?', re.DOTALL),
    "'": re.compile(r"((?:[^'\\]|\\.)*+)'?", re.DOTALL),
}
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_INNER = re.compile(r'\\.|"', re.DOTALL)


def mended(text: str) -> Any:
    """The value with which a text begins; ValueError where even a kind reader sees none."""
    return _Reader(text).value(0)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("too many levels")
        opening = self._next()
        if opening == "{":
            return self._object(depth)
        if opening == "[":
            return self._array(depth)
        if opening in _QUOTED and opening:
            return self._string(opening)
        word = self._bare()
        return _WORDS[word] if word in _WORDS else _number(word)

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        made: dict[str, Any] = {}
        while (opening := self._next()) not in ("}", ""):
            key = self._string(opening) if opening in _QUOTED else self._bare()
            if self._next() != ":":
                raise ValueError("a key without a value")
            self.at += 1
            made[key] = self.value(depth + 1)
        self.at += 1
        return made

    def _array(self, depth: int) -> list[Any]:
        self.at += 1
        made = []
        while self._next() not in ("]", ""):
            made.append(self.value(depth + 1))
        self.at += 1
        return made

    def _string(self, quote: str) -> str:
        match = _QUOTED[quote].match(self.text, self.at + 1)
        assert match is not None  # it matches the empty text as well
        self.at = match.end()
        inner = _INNER.sub(lambda m: '\\"' if m.group() == '"' else m.group(), match.group(1))
        return JsonString().feed(inner)

    def _bare(self) -> str:
        match = _BARE.match(self.text, self.at)
        if match is None:
            raise ValueError("no value")
        self.at = match.end()
        return match.group()

    def _next(self) -> str:
        """The character behind blanks and commas; empty at the end."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]


def _number(word: str) -> int | float:
    return int(word) if re.fullmatch(r"-?\d{1,300}", word, re.ASCII) else float(word)
