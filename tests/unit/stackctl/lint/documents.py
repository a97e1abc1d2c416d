"""docs/lint.md: the blocks that the tool itself writes. Run as a program it writes them."""

from __future__ import annotations

import re
from pathlib import Path

from stackctl import lint
from stackctl.lint import Issue
from tests.unit.stackctl.lint.linting import (
    GOLDEN,
    command_fixed,
    command_issues,
    fixed,
    issues,
    service,
)
from tests.unit.stackctl.lint.test_rules import BAD, COMMANDS, PAIRS

DOCUMENT = Path(__file__).parents[4] / "docs" / "lint.md"

_EXAMPLE = re.compile(
    r"```(?P<kind>yaml|sh) before\n(?P<before>.*?)```\n\n"
    r"```(?P=kind) after\n.*?```\n\n```text left\n.*?```\n",
    re.DOTALL,
)
_RULES = re.compile(r"(<!-- rules: .*? -->\n).*?(<!-- end of rules -->)", re.DOTALL)


def regenerated(document: str) -> str:
    """The document with its `after` and `left` blocks and its table of rules as they are now."""
    document = _RULES.sub(lambda match: match[1] + _table() + match[2], document)
    return _EXAMPLE.sub(_example, document)


def examples(document: str) -> list[tuple[str, list[Issue]]]:
    """Each example's corrected text, and what is left to say of it."""
    return [_corrected(match) for match in _EXAMPLE.finditer(document)]


def _corrected(match: re.Match[str]) -> tuple[str, list[Issue]]:
    before = match["before"]
    if match["kind"] == "yaml":
        after = fixed(before)
        return after, issues(after)
    after = command_fixed(before)
    return after, command_issues(after)


def _example(match: re.Match[str]) -> str:
    before = match["before"]
    if before.startswith("@"):  # a golden file, when the document is written for the first time
        before = (GOLDEN / before[1:].strip()).read_text(encoding="utf-8")
    return _example_of(match["kind"], before)


def _example_of(kind: str, before: str) -> str:
    block = f"```{kind} before\n{before}```\n\n```{kind} after\n```\n\n```text left\n```\n"
    match = _EXAMPLE.match(block)
    assert match
    after, left = _corrected(match)
    told = "".join(f"{i.severity}: {i.summary}  [{i.rule}]\n" for i in left) or "nothing\n"
    return (
        f"```{kind} before\n{before}```\n\n```{kind} after\n{after}```\n\n```text left\n{told}```\n"
    )


def _table() -> str:
    written = {i.rule for _, body in BAD for i in issues(service(body)) if i.fixable}
    written |= {i.rule for text in PAIRS.values() for i in issues(text) if i.fixable}
    written |= {i.rule for text in COMMANDS.values() for i in command_issues(text) if i.fixable}
    rows = [
        f"| `{rule.id}` | {rule.title} | {'yes' if rule.id in written else ''} |"
        for rule in lint.RULES
    ]
    return "\n".join(["| rule | what has to be true | `--fix` |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(regenerated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
