"""docs/failures.md is what the catalogue says."""

from __future__ import annotations

from tests.failures_page import PAGE, page
from tests.unit.stackctl.engines.test_failures import EVERY


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m tests.failures_page"


def test_every_entry_has_one_heading() -> None:
    headings = [line for line in page().splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(f"### {failure.id}" for failure in EVERY)
