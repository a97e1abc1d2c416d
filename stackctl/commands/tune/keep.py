"""What is kept of a tuning: each trial, the winner with its evidence, and what was before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackctl.model import StackError
from stackctl.system import files
from stackctl.tune import trial
from stackctl.tune.trial import Trial


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of one role. Each file is written whole or not at all."""

    folder: Path

    @property
    def winner(self) -> Path:
        return self.folder / "winner.env"

    @property
    def page(self) -> Path:
        return self.folder / "tune.html"

    @property
    def report(self) -> Path:
        return self.folder / "tune.json"

    @property
    def _before(self) -> Path:
        return self.folder / "before.json"

    def get(self, key: str) -> Trial | None:
        """None as well for one that cannot be read: it is measured again."""
        path = self.folder / "trials" / f"{key}.json"
        try:
            return trial.load(path.read_text(encoding="utf-8")) if path.is_file() else None
        except (OSError, ValueError):
            return None

    def put(self, done: Trial) -> None:
        """What the box may be to blame for is not kept."""
        if done.passing:
            return
        files.write(self.folder / "trials" / f"{done.key}.json", trial.dump(done))

    def forget(self) -> None:
        """Nothing was measured."""
        for path in (self.folder / "trials").glob("*.json"):
            files.remove(path)

    def before(self) -> str:
        """How the role was before a tuning that has not ended yet; empty if there is none."""
        if not self._before.is_file():
            return ""
        try:
            return str(json.loads(files.read(self._before))["state"])
        except (ValueError, KeyError, TypeError):
            raise StackError(
                f"{self._before} cannot be read",
                fix=f"remove it, then bring the role up or down as it should be: {self._before}",
            ) from None

    def begin(self, state: str) -> None:
        files.write(self._before, json.dumps({"state": state}))

    def end(self) -> None:
        files.remove(self._before)

    def told(self) -> Mapping[str, Any]:
        """What the last tuning that came to its end has found; nothing if there was none."""
        if not self.report.is_file():
            return {}
        try:
            found = json.loads(files.read(self.report))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
