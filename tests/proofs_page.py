"""Writes the kinds of failure into docs/proofs.md: `python -m tests.proofs_page`. What stands above
the mark is written by hand and kept."""

from __future__ import annotations

from pathlib import Path

from stackctl.proofs.kinds import JUDGEMENT, TOOLS, TRANSPORT

PAGE = Path(__file__).parent.parent / "docs" / "proofs.md"
MARK = "<!-- below: written by `python -m tests.proofs_page` from stackctl/proofs/kinds.py -->\n"
_SECTIONS = (
    ("The way there and back", TRANSPORT),
    ("The form of calls", TOOLS),
    ("What the model decides", JUDGEMENT),
)


def page() -> str:
    """The whole page: what was written by hand, and the kinds after it."""
    by_hand, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE} has lost its mark: {MARK}"
    parts = [by_hand, mark, "\nErrors that engines name are in troubleshooting.md as well.\n"]
    for title, kinds in _SECTIONS:
        parts.append(f"\n#### {title}\n")
        parts += [
            f"\n- **{kind.id}** ({kind.blame}): {kind.shows}\n"
            f"  - cause: {kind.cause}\n"
            f"  - fix: {kind.fix}\n"
            for kind in kinds
        ]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
