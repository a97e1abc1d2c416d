"""Plots and tables: what is drawn is where it belongs, and is told in words as well."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from stackctl.drawing.page import document, marks, table
from stackctl.drawing.plot import COLOURS, Along, Line, key, plot, scale, short

TOKENS = Along("prompt tokens", 100, mark=(50, "promised"))


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (7, [0, 2, 4, 6, 8]),
        (131072, [0, 50000, 100000, 150000]),
        (0.003, [0, 0.001, 0.002, 0.003]),
    ],
)
def test_scale(top: float, ticks: list[float]) -> None:
    assert scale(top) == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (12.5, "12.5"), (2876.4, "2876"), (50000, "50k"), (1e6, "1000k")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_a_plot_without_points_is_none() -> None:
    assert plot("nothing", "s", [Line("x", 0, ())], TOKENS) == ""


def test_points_keep_within_their_frame() -> None:
    drawn = plot("a < b", "s", [Line("", 0, [(0, 0), (100, 8)])], TOKENS)
    assert "a &lt; b" in drawn
    assert 'points="58.0,238.0 444.0,14.0"' in drawn
    assert '<line class="mark" x1="251.0"' in drawn


@pytest.mark.parametrize("level", [1, 8])
def test_by_doublings(level: int) -> None:
    """Also of a single one, which has no width."""
    along = Along("at once", levels=sorted({1, level}))
    drawn = plot("speed", "tokens/s", [Line("main", 0, [(1, 5.0)], ringed=1)], along)
    assert drawn.count('class="ring"') == 1
    assert all(f">{n}</text>" in drawn for n in (1, level))


def test_it_is_told_in_words() -> None:
    drawn = plot("TTFT", "s", [Line("main", 0, [(10, 0.25), (20, 12.5)])], TOKENS)
    figure = ElementTree.fromstring(drawn)
    (picture,) = figure.iter("svg")
    assert [child.tag for child in picture][:2] == ["title", "desc"]
    assert picture.findtext("desc") == "s by prompt tokens. main: 0.25 at 10, 12.5 at 20"


def test_lines_differ_in_more_than_colour() -> None:
    shapes = {re.sub(r"s\d", "", key(number)) for number in range(COLOURS)}
    assert len(shapes) == COLOURS


def test_words_to_the_left_and_numbers_to_the_right() -> None:
    made = table(("AT", "MODEL", "<"), [("1 <- knee", "gpt", "-"), ("2", "-", "7 ms")])
    assert '<th scope="col" class="text">MODEL</th>' in made
    assert '<td>1 &lt;- knee</td><td class="text">gpt</td><td>-</td>' in made
    assert "<th" in table(("A", "B"), [])


def test_fields_that_are_not_known() -> None:
    made = marks("found", "T", ("0 %", "50 %"), [("10", (True, False)), ("20", None)])
    assert made.count('class="found"') == made.count('class="lost"') == 1
    assert made.count("<td>-</td>") == 2


def test_a_page_loads_nothing() -> None:
    text = document("a & b", [plot("x", "s", [Line("", 0, [(0, 1)])], TOKENS), "", table("A", [])])
    assert "<title>a &amp; b</title>" in text
    assert not re.search(r"<script|@import|url\(|src=|href=|https?://", text)
