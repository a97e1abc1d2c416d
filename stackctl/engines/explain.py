"""Known failure lines in an engine's log."""

from __future__ import annotations

import re

from stackctl.model import Explanation, Failure


def explain(log: str, failures: tuple[Failure, ...]) -> tuple[Explanation, ...]:
    """The lines of a log that match a known failure, each once, first cause first."""
    # most logs have none of them, which the whole text tells at once
    failures = tuple(f for f in failures if re.search(f.pattern, log, re.MULTILINE))
    if not failures:
        return ()
    found: dict[str, Explanation] = {}
    for line in log.splitlines():
        for failure in failures:
            if failure.pattern not in found and re.search(failure.pattern, line):
                found[failure.pattern] = Explanation(line.strip(), failure.cause, failure.fix)
    return tuple(found.values())
