"""The second half of docs/troubleshooting.md is what the catalogue says."""

from __future__ import annotations

import re

from tests.failures_page import MARK, PAGE, page
from tests.unit.stackctl.box import ROOT
from tests.unit.stackctl.engines.test_failures import EVERY

_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK = re.compile(r"\]\(#([^)]*)\)")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.failures_page"


def test_every_entry_has_one_heading() -> None:
    _, _, generated = page().partition(MARK)
    headings = [line for line in generated.splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(f"### {failure.id}" for failure in EVERY)


def test_every_link_into_the_page_leads_somewhere() -> None:
    """As GitHub makes anchors: lower case, blanks to hyphens, no other sign."""
    anchors = [
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(page())
    ]
    assert len(anchors) == len(set(anchors)), "the second of them would get another name"
    links = set(_LINK.findall(page()))
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        into = re.compile(r"\((?:docs/|\.\./)?troubleshooting\.md#([^)]*)\)")
        links |= set(into.findall(path.read_text(encoding="utf-8")))
    assert len(links) > 20
    assert links <= set(anchors)
