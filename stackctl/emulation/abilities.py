"""What each engine was found to take, so that it is not asked in vain again."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum

_SCHEMA = re.compile(r"schema|grammar|response_format|structured|guided|\bformat\b", re.IGNORECASE)
_SYSTEM = re.compile(r"system.{0,20}role|role.{0,20}system|system message", re.IGNORECASE)
#: seconds; then an engine may have become another one behind its name
_FORGOTTEN = 600.0
_MOST = 1024


class Held(IntEnum):
    """How closely the engine holds the model to the form of a reply."""

    SCHEMA = 0  # the tools' own schemas
    LOOSELY = 1  # any arguments
    NOT = 2


@dataclass(frozen=True, slots=True)
class Form:
    """How a request is made. `folded`: without a system message."""

    held: Held = Held.SCHEMA
    folded: bool = False


def simpler(form: Form, said: str) -> Form | None:
    """The form to try after an error; None if the error is about something else."""
    if not form.folded and _SYSTEM.search(said):
        return replace(form, folded=True)
    if form.held is not Held.NOT and _SCHEMA.search(said):
        return replace(form, held=Held(form.held + 1))
    return None


@dataclass(slots=True)
class Abilities:
    """By engine and schema: one tool's odd schema says nothing of others."""

    now: Callable[[], float]
    _known: OrderedDict[tuple[str, str], tuple[Form, float]] = field(default_factory=OrderedDict)

    def of(self, engine: str, schema: str) -> Form:
        """The form that worked last."""
        form, since = self._known.get((engine, schema), (Form(), 0.0))
        return form if self.now() - since < _FORGOTTEN else Form()

    def learn(self, engine: str, schema: str, form: Form) -> None:
        if self.of(engine, schema) == form:
            return
        self._known[engine, schema] = form, self.now()
        self._known.move_to_end((engine, schema))
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
