"""A long prompt with needles in it: notes without meaning, among them secret codes. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: where the needles are, in per cent of the prompt
DEPTHS = (0, 25, 50, 75, 100)
_CITIES = ("Lima", "Oslo", "Cairo", "Quito", "Riga")
_THINGS = ("lamps", "ropes", "maps", "bowls", "coins", "books", "keys", "tents", "stones", "drums")
_PLACES = ("the mill", "the harbour", "the tower", "the barn", "the station", "the library")
_COLOURS = ("red", "green", "blue", "grey", "white", "brown", "yellow", "black")
_BEFORE = "Below are notes. Some of them tell the secret code of a city.\n\n"
_QUESTION = (
    "\n\nThat was the last note. Write the secret code of each city that the notes tell, "
    "one a line, as CITY: CODE, and nothing else."
)
#: notes by which their length is measured, and how often a prompt's length is corrected
_SOME, _ROUNDS = 32, 6


@dataclass(frozen=True, slots=True)
class Prompt:
    """`codes`: one for each of DEPTHS."""

    text: str
    codes: tuple[str, ...]

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        return [{"role": "user", "content": self.text}]


def build(notes: int, seed: int) -> Prompt:
    """A prompt of so many notes. Another seed gives other notes from the first on, so that no
    engine has seen its beginning."""
    dice = random.Random(seed)  # noqa: S311 - the same prompt each time is what is wanted
    codes = tuple(str(dice.randrange(100_000, 1_000_000)) for _ in DEPTHS)
    lines = [
        f"Note {dice.randrange(10_000)}: {dice.randrange(100, 1000)} {dice.choice(_COLOURS)} "
        f"{dice.choice(_THINGS)} are kept at {dice.choice(_PLACES)}."
        for _ in range(notes)
    ]
    for depth, city, code in reversed(list(zip(DEPTHS, _CITIES, codes, strict=True))):
        lines.insert(round(notes * depth / 100), f"The secret code of {city} is {code}.")
    return Prompt(_BEFORE + "\n".join(lines) + _QUESTION, codes)


def found(prompt: Prompt, answer: str) -> tuple[bool, ...]:
    """Which needles are in an answer, in the order of DEPTHS."""
    return tuple(code in answer for code in prompt.codes)


def fit(tokens: int, seed: int, count: Callable[[Prompt], int]) -> tuple[Prompt, int]:
    """The longest prompt of at most so many tokens, to within a note; and how many it has.

    `count` is asked a few times. The shortest prompt may have more tokens than wished.
    """
    few, some = build(0, seed), build(_SOME, seed)
    best = (few, count(few))
    each = max(1.0, (count(some) - best[1]) / _SOME)
    notes = int((tokens - best[1]) / each)
    for _ in range(_ROUNDS):
        if notes <= 0:
            break
        one = build(notes, seed)
        size = count(one)
        if size > tokens:
            notes -= math.ceil((size - tokens) / each)
            continue
        if size > best[1]:
            best = (one, size)
        if tokens - size < each:
            break
        notes += int((tokens - size) / each)
    return best
