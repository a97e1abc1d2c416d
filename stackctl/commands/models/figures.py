"""The figures at the end of a check of models: one line, and the same for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackctl.commands.models.reading import Outcome
from stackctl.model import LockedModel
from stackctl.system.progress import duration, size


@dataclass(frozen=True, slots=True)
class Figures:
    """`earlier` are the bytes that an earlier run of the same full check has hashed, `unread` those
    that neither did."""

    folder: Path
    level: str
    models: Sequence[LockedModel]
    outcome: Outcome
    earlier: int
    unread: int
    seconds: float

    @property
    def values(self) -> dict[str, Any]:
        files = {file.path: file for model in self.models for file in model.files}
        return {
            "level": self.level,
            "models": len(self.models),
            "files": len(files),
            "bytes": sum(file.size for file in files.values()),
            "hashed_bytes": self.outcome.read,
            "hashed_earlier_bytes": self.earlier,
            "not_hashed_bytes": self.unread,
            "seconds": round(self.seconds, 3),
            "oldest_hash": min((file.verified for file in files.values()), default=""),
        }

    def line(self, problems: str) -> str:
        """What was checked, how it ended, what was hashed and what was not."""
        values = self.values
        if not self.models:
            return (
                f"no model of these is locked in {self.folder}: stackctl models pull brings them, "
                "stackctl models adopt takes over what is there"
            )
        head = f"{_count(values['models'], 'model')}, {_count(values['files'], 'file')}"
        head += f", {size(values['bytes'])}: "
        if self.level == "quick":
            fine = "sizes, dates and structure are right"
            return f"{head}{problems or fine}; nothing was hashed ({_time(self.seconds)})"
        fine = "nothing wrong so far" if self.outcome.stopped else "all right"
        return f"{head}{problems or fine}; {self._hashed()}{self._rest(values)}"

    def _hashed(self) -> str:
        if not self.outcome.read:
            return f"nothing to hash ({_time(self.seconds)})"
        rate = size(self.outcome.read / max(self.seconds, 0.001))
        return f"hashed {size(self.outcome.read)} in {_time(self.seconds)}, {rate}/s"

    def _rest(self, values: dict[str, Any]) -> str:
        text = f"; {size(self.earlier)} earlier in this check" if self.earlier else ""
        if self.unread and values["oldest_hash"]:
            oldest = values["oldest_hash"][:10]
            text += f"; {size(self.unread)} not hashed now, the oldest hash is of {oldest}"
        elif self.unread:
            text += f"; {size(self.unread)} not hashed"
        return text


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else duration(seconds)
