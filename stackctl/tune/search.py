"""In which order candidates are tried. A walk yields a choice and is sent the best one so far."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import product
from math import prod
from typing import TypeAlias

from stackctl.tune.space import Choice, Setting

Walk: TypeAlias = Generator[Choice, Choice, None]


def one_by_one(settings: Sequence[Setting]) -> Walk:
    """One setting after the other, each with the best of those before it (coordinate descent)."""
    best: Choice = {}
    for setting in settings:
        base = best
        for value in setting.values:
            best = yield {**base, setting.name: value}


def grid(settings: Sequence[Setting]) -> Walk:
    """Every value with every other."""
    names = [setting.name for setting in settings]
    for values in product(*(setting.values for setting in settings)):
        yield dict(zip(names, values, strict=True))


def most(settings: Sequence[Setting], *, whole: bool) -> int:
    """How many candidates a walk has; some of them may be what the owner has already."""
    sizes = [len(setting.values) for setting in settings]
    return prod(sizes) if whole else sum(sizes)
