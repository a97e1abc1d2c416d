"""Finding the catalogue's failures in a text, the root cause first. Pure.

A log that is searched is up to some megabytes long and has none of a hundred failures in it most of
the time. So each pattern is first looked for by the longest plain text that must stand in its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from stackctl.catalogue.mask import masked
from stackctl.model import Depth, Explanation, Failure

#: characters of a line that are shown
SHOWN = 600
#: the cause of what no entry explains
UNKNOWN = "unknown: no entry of docs/troubleshooting.md has this error"

#: what vLLM sets before each line, those of tracebacks included
_PREFIX = re.compile(r"^(?:\([^()]* pid=\d+\) ?)?(?:[A-Z]+ [\d-]+ [\d:.]+ \[[^\]]*\] ?)?")


@dataclass(frozen=True, slots=True)
class Found:
    """A failure and the line that shows it, which begins at `at` in the text."""

    failure: Failure
    line: str
    at: int

    @property
    def explanation(self) -> Explanation:
        about = self.failure
        return Explanation(masked(self.line)[:SHOWN], about.cause, about.fix, about.id)


def find(text: str, failures: Iterable[Failure]) -> tuple[Found, ...]:
    """Every failure that a line of the text shows: causes before consequences, then by time.

    Of two failures that the same line shows the one nearer to the cause counts, then the first of
    the table.
    """
    found = [hit for failure in failures if failure.pattern and (hit := _first(failure, text))]
    found.sort(key=lambda hit: (hit.failure.depth, hit.at))  # stable: then in the table's order
    lines: dict[int, Found] = {}
    for hit in found:
        lines.setdefault(hit.at, hit)
    return tuple(lines.values())


def first(text: str, failures: Iterable[Failure]) -> Found | None:
    """The failure nearest to the root cause, if the text shows one."""
    return next(iter(find(text, failures)), None)


def filled(fix: str, role: str, gpu: int | None = None) -> str:
    """A fix as it is typed: with the role, if it has one, and the number of the GPU in it."""
    fix = fix.replace("`", "")
    if role:
        fix = fix.replace("ROLE_", f"{role.upper()}_").replace("ROLE", role)
    return fix if gpu is None else re.sub(r"(?<=-i )N\b|(?<=GPU )N\b", str(gpu), fix)


def bare(line: str) -> str:
    """A line without the process, the level and the time before it."""
    return _PREFIX.sub("", line)


def is_pointer(found: Found) -> bool:
    """Whether a line says that something failed, and not what."""
    return found.failure.depth is Depth.POINTER


def _first(failure: Failure, text: str) -> Found | None:
    """The first line that shows a failure."""
    marks = needles(failure.pattern)
    ahead = [text.find(mark) for mark in marks]
    shows = re.compile(failure.pattern).search
    while (here := min((at for at in ahead if at >= 0), default=-1)) >= 0:
        start = text.rfind("\n", 0, here) + 1
        end = text.find("\n", here)
        end = len(text) if end < 0 else end
        # the code in a traceback has the words of its message, and none of the numbers
        if shows(line := text[start:end]) and not bare(line).startswith("    "):
            return Found(failure, line.strip(), start)
        ahead = [
            text.find(mark, end + 1) if 0 <= at <= end else at
            for mark, at in zip(marks, ahead, strict=True)
        ]
    return None


@cache
def needles(pattern: str) -> tuple[str, ...]:
    """Plain texts of which a line has one if it matches; the empty text where there is none."""
    runs: list[str] = []
    found: list[str] = []
    run, depth, at = "", 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        plain = depth == 0 and char not in "\\[()|.^$*?{+"
        if char == "\\":
            char = pattern[at]
            at += 1
            plain = depth == 0 and not char.isalnum()
        elif char == "[":
            at = _after_class(pattern, at)
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char in "*?{":
            run = run[:-1]  # the character before may be missing
            at = pattern.index("}", at) + 1 if char == "{" else at
        if plain:
            run += char
            continue
        runs.append(run)
        run = ""
        if char == "|" and depth == 0:
            found.append(max(runs, key=len))
            runs = []
    found.append(max([*runs, run], key=len))
    return tuple(dict.fromkeys(found)) if all(found) else ("",)


def _after_class(pattern: str, at: int) -> int:
    """Behind the `]` of a character class whose `[` is before `at`."""
    at += pattern[at] == "^"
    at += pattern[at] == "]"
    while pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
