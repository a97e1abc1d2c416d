"""What may be wrong with an answer: its kind, and whose fault it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Blame(StrEnum):
    """Whose fault it is."""

    SERVER = "server"  # the engine, its settings, the way to it
    MODEL = "model"  # what the model decided to say; a rigged test model decides nothing
    LIMIT = "limit"  # not wrong: it cannot, or was not asked


@dataclass(frozen=True, slots=True)
class Kind:
    """`fix`: ROLE stands for the role. `pattern`: of an error's text that tells this kind."""

    id: str
    shows: str
    cause: str
    fix: str
    blame: Blame = Blame.SERVER
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of failure, and what shows it."""

    kind: str
    evidence: str = ""
