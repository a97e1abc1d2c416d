"""Candidates one after the other: each against the best before it, and against the current."""

from __future__ import annotations

from dataclasses import dataclass

from stackctl.tune import judge
from stackctl.tune.judge import Duel, Score
from stackctl.tune.space import Choice, Load, Objective
from stackctl.tune.trial import Trial

CURRENT = "current"
BETTER = "better"


@dataclass(frozen=True, slots=True)
class Entry:
    """A candidate with its place. `verdict`: current, better, worse, small, noise, too few (against
    the best before it), over the limit, failed, refused; `why` of those without a score.
    `against`: itself and the current settings.
    """

    choice: Choice
    trial: Trial
    verdict: str
    score: Score | None = None
    against: Duel | None = None
    why: str = ""


class Contest:
    """The first to enter are the current settings: the yardstick."""

    def __init__(self, objective: Objective, load: Load, among: int) -> None:
        self.objective, self.load, self.among = objective, load, max(1, among)
        self.entries: list[Entry] = []
        self.doubt = ""
        self._best: Entry | None = None

    @property
    def current(self) -> Entry:
        return self.entries[0]

    @property
    def best(self) -> Entry:
        """The best so far; in doubt what is there already."""
        return self.current if self.doubt or self._best is None else self._best

    @property
    def won(self) -> bool:
        """Whether other settings than the current ones are better."""
        return self.best is not self.current

    def refuse(self, choice: Choice, trial: Trial) -> Entry:
        """One that was never started, for what its `why` says."""
        return self._add(Entry(choice, trial, "refused", why=trial.why))

    def enter(self, choice: Choice, trial: Trial) -> Entry:
        """One that was tried."""
        if trial.run is None:
            return self._add(Entry(choice, trial, "failed", why=trial.why))
        score = judge.score(trial.run, self.objective, self.load)
        if isinstance(score, str):
            return self._add(Entry(choice, trial, "over the limit", why=score))
        if not self.entries:
            verdict, against = CURRENT, None
        else:
            best = self._best.score if self._best else None
            first = self.current.score
            against = judge.duel(score, first, self.among) if first else None
            # where nothing was within the limits yet, whatever is wins
            verdict = judge.duel(score, best, self.among).verdict if best else BETTER
        entry = self._add(Entry(choice, trial, verdict, score, against))
        if verdict in (CURRENT, BETTER):
            self._best = entry
        return entry

    def once_more(self, trial: Trial) -> None:
        """The current settings, measured a second time at the end: what is no better than that was
        better for a while only."""
        first, best = self.current.score, self._best.score if self._best else None
        again = judge.score(trial.run, self.objective, self.load) if trial.run else trial.why
        if not first or not best:
            return
        if isinstance(again, str):
            self.doubt = f"measured once more at the end, the current settings failed: {again}"
            return
        if (last := judge.duel(best, again, self.among)).verdict != BETTER:
            self.doubt = (
                f"the current settings, measured once more at the end, were {drift(first, again)} "
                f"than at first, and against that the best is {last.gain:.2f} times as good "
                f"({last.verdict}): the box itself changed meanwhile"
            )

    def _add(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry


def drift(first: Score, again: Score) -> str:
    """How the second measurement of the same settings differs, in words."""
    gain = judge.duel(again, first, 1).gain
    return f"{max(gain, 1 / gain):.2f} times {'better' if gain > 1 else 'worse'}"
