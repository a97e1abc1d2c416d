"""What a healer asks the memory of the box: what is wrong, may it try, and what it did."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from stackctl.commands.record import BREAKER
from stackctl.model import Finding, StackError
from stackctl.model.incident import Incident
from stackctl.system import history
from stackctl.system.history import History
from stackctl.watch import breaker
from stackctl.watch.breaker import Breaker


def open_incidents(folder: Path) -> tuple[Incident, ...]:
    """What is wrong now, for longer than a blip. Raises StackError."""
    return history.keep(folder, lambda book: book.open_incidents())[0]


def attempt(folder: Path, subject: str, now: float) -> bool:
    """Whether one more attempt may be made; if so, it is counted already. Raises StackError."""

    def work(book: History) -> bool:
        guard = breaker.load(book.state(BREAKER))
        if not breaker.may(guard, subject, now):
            return False
        book.keep(BREAKER, breaker.dump(breaker.attempt(guard, subject, now)))
        return True

    return history.keep(folder, work)[0]


def may(folder: Path, subject: str, now: float) -> bool:
    """Whether `attempt` would be allowed; nothing is written."""
    return breaker.may(_guard(folder), subject, now)


def off(folder: Path) -> dict[str, float]:
    """Whom healing is off for, since when."""
    return dict(_guard(folder).off)


def given_up(folder: Path, only: Collection[str] = ()) -> tuple[Finding, ...]:
    """The same as findings; of `only` some subjects, if any."""
    return tuple(f for f in breaker.findings(_guard(folder)) if not only or f.subject in only)


def _guard(folder: Path) -> Breaker:
    """As it was left. A history that is not there yet, or cannot be read, knows of none: whoever
    makes an attempt is told."""
    try:
        return breaker.load(history.look(folder, lambda book: book.state(BREAKER)))
    except StackError:
        return Breaker()


def note(folder: Path, subject: str, text: str, now: float) -> None:
    """Write down what was done, with every open incident of this subject. Raises StackError."""

    def work(book: History) -> None:
        for incident in book.open_incidents():
            if incident.subject == subject:
                book.note(incident.id, now, text)

    history.keep(folder, work)


def reset(folder: Path, subject: str) -> None:
    """An operator says: try this one again. Raises StackError."""

    def work(book: History) -> bool:
        guard = breaker.load(book.state(BREAKER))
        book.keep(BREAKER, breaker.dump(breaker.reset(guard, subject)))
        return subject in guard.off or subject in guard.tried

    if not history.keep(folder, work)[0]:
        raise StackError(
            f"{subject}: healing is not off for it", fix="stackctl history", exit_code=2
        )
