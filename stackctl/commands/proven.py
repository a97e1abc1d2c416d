"""The last proof of each kind and service: `prove` and `bench` keep it, `history` tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from stackctl import report, settings
from stackctl.model import StackError
from stackctl.system import history, terminal
from stackctl.system.history import History

_NAME = "proof:"
_SIMULATED = " (SIMULATED GPU)"
HEADER = ("PROVEN", "BY", "WHEN", "RESULT")


@dataclass(frozen=True, slots=True)
class Proof:
    """`by`: the command, without the role. `at`: seconds since the epoch. `said`: its result."""

    of: str
    by: str
    at: float
    ok: bool
    said: str
    simulated: bool = False


def remember(proofs: Sequence[Proof]) -> None:
    """For `stackctl history`. What was proven is proven, even if no disk takes it."""
    if not proofs:
        return
    folder = settings.recording(settings.find_root()).folder
    try:
        _, word = history.keep(folder, lambda book: _write(book, proofs))
    except StackError as error:
        word = error.message
    if word:
        terminal.err(f"not in the history: {word}")


def read(book: History) -> tuple[Proof, ...]:
    """By service, then command; what cannot be read is as if it had never been."""
    return tuple(filter(None, map(_proof, book.states(_NAME).values())))


def rows(proofs: Iterable[Proof], now: float) -> list[tuple[str, ...]]:
    return [
        (
            proof.of,
            f"stackctl {proof.by}",
            f"{report.duration(max(0.0, now - proof.at))} ago",
            f"{'' if proof.ok else 'WRONG: '}{proof.said}{_SIMULATED * proof.simulated}",
        )
        for proof in proofs
    ]


def _write(book: History, proofs: Iterable[Proof]) -> None:
    for proof in proofs:
        book.keep(f"{_NAME}{proof.of}:{proof.by}", json.dumps(asdict(proof)))


def _proof(text: str) -> Proof | None:
    try:
        return Proof(**json.loads(text))
    except (ValueError, TypeError):
        return None
