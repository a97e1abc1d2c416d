"""What came of a candidate, as it is kept: JSON with a version."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from stackctl.bench import result
from stackctl.bench.result import Result, Run

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """`key` stands for the service as Compose has it and the load; `why` it was not measured.

    `label` are the settings in words, `at` when it began, `seconds` what it took in all.
    `passing`: the box may have been at fault, so that the next run tries it again.
    """

    key: str
    label: str
    at: float
    seconds: float
    why: str = ""
    measured: Result | None = None
    passing: bool = False

    @property
    def run(self) -> Run | None:
        return self.measured.runs[0] if self.measured else None


def dump(trial: Trial) -> str:
    body = {field.name: getattr(trial, field.name) for field in fields(trial)}
    body["measured"] = json.loads(result.dump(trial.measured)) if trial.measured else None
    return json.dumps({"schema": SCHEMA, **body}, indent=1)


def load(text: str) -> Trial:
    """Raises ValueError with what is wrong."""
    try:
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        kept = raw.pop("measured")
        measured = result.load(json.dumps(kept)) if kept else None
        return Trial(**raw, measured=measured)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no result of `stackctl tune`: {error}") from None
