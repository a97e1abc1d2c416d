"""Write what is safe, one correction of a service at a time, each proven before the next.

A correction stands only when the file is YAML afterwards, its own finding is gone, and no finding
has come up that it caused. Otherwise it is taken back and stays advice. So the loop ends, a
second run has nothing to do, and a bug in an edit costs a correction, never a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from stackctl.lint.issue import Edits, Issue
from stackctl.model import Severity, StackError

#: source name -> its text
Texts = Mapping[str, str]
Examine = Callable[[Texts], Sequence[Issue]]

#: what a correction may bring to light, because more is known afterwards
_REVEALED = frozenset({"parallel.gpus", "gpu.sharing", "gpu.count-all", "context.too-long"})
#: no file needs that many; a bound for what we did not think of
_ROUNDS = 500


def applied(text: str, name: str, edits: Edits) -> str:
    """A source's text with the edits that concern it. None of them if two overlap."""
    mine = sorted((e for e in edits if e.span.source.name == name), key=lambda e: e.span.start)
    if any(a.span.end > b.span.start for a, b in pairwise(mine)):
        return text
    for edit in reversed(mine):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def fix(texts: Texts, examine: Examine) -> tuple[dict[str, str], list[Issue]]:
    """The corrected texts, and the issues that were corrected."""
    current = dict(texts)
    done: list[Issue] = []
    refused: set[tuple[str, str, str]] = set()
    issues, alone = examine(current), False
    for _ in range(_ROUNDS):
        batch = _batch(issues, refused)[: 1 if alone else None]
        if not batch:
            break
        edits = tuple(edit for issue in batch for edit in issue.edits)
        changed = {name: applied(text, name, edits) for name, text in current.items()}
        after = _examined(changed, examine) if changed != current else None
        if after is not None and _better(issues, after, batch):
            current, issues, alone = changed, after, False
            done += batch
        elif len(batch) > 1:
            alone = True  # one of them is to blame; which one shows when they come one by one
        else:
            refused.add(batch[0].key)
    return current, done


def _batch(issues: Sequence[Issue], refused: set[tuple[str, str, str]]) -> list[Issue]:
    """One issue of each service: corrections of the same service may get in each other's way.

    Errors first: a flag that gets its right name may be the one that a warning misses.
    """
    batch: dict[str, Issue] = {}
    for issue in sorted(issues, key=lambda i: i.severity is not Severity.ERROR):
        if issue.fixable and issue.key not in refused:
            batch.setdefault(issue.service, issue)
    return list(batch.values())


def _examined(texts: Texts, examine: Examine) -> Sequence[Issue] | None:
    try:
        return examine(texts)
    except StackError:
        return None


def _better(before: Sequence[Issue], after: Sequence[Issue], corrected: Sequence[Issue]) -> bool:
    old = Counter(i.key for i in before)
    new = Counter(i.key for i in after if i.rule not in _REVEALED)
    gone = Counter(i.key for i in corrected)
    return not new - old and all(new[key] <= old[key] - number for key, number in gone.items())
