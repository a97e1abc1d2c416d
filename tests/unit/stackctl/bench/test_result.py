"""What is kept can be read again, and what cannot be read says why."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from stackctl.bench import page, result, summary, tables
from stackctl.model.load import Outcome, Volley
from tests.unit.stackctl.bench import samples


def test_written_and_read_again() -> None:
    made = samples.measured()
    again = result.load(result.dump(made))
    assert again.runs[0].knee == made.runs[0].knee
    assert again.at == made.at
    assert again.runs[0].steps[0].ttft
    assert again.runs[0].steps[0].samples.ttft == pytest.approx(
        made.runs[0].steps[0].samples.ttft, rel=1e-5
    )
    assert result.load(result.dump(again)) == again


def test_what_a_later_version_adds_is_not_in_the_way() -> None:
    raw = json.loads(result.dump(samples.measured()))
    raw["colour"] = raw["runs"][0]["colour"] = raw["runs"][0]["steps"][0]["colour"] = "green"
    assert result.load(json.dumps(raw)) == result.load(result.dump(samples.measured()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[]", "no result"),
        ('{"a": 1}', "no result"),
        ('{"runs": [], "schema": 99}', "schema 99"),
        ('{"runs": [], "schema": 1}', "not as schema 1"),
        ('{"runs": [{"steps": [1]}], "schema": 1}', "not as schema 1"),
    ],
)
def test_what_is_no_result_says_so(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        result.load(text)


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    broken = summary.step(Volley((Outcome(failure="html", detail="<script>"),), 1.0, 0.9), 1)
    made = samples.result(
        *(samples.measured(n).runs[0] for n in (1, 2)), samples.run(broken, name="<b>&")
    )
    html = page.page(made)
    assert not re.search(r"(src|href|url\(|@import|<script|<link)", html)
    # also as XML, in which nothing may be left open
    tree = ElementTree.fromstring(
        re.sub(r"<meta [^>]*>", "", html.replace("<!doctype html>\n", ""))
    )
    assert len(tree.findall(".//figure")) == 4
    assert "&lt;b&gt;&amp;" in html
    assert html.isascii()


def test_a_page_of_nothing_but_failures() -> None:
    failed = summary.step(Volley((Outcome(failure="refused"),), 1.0, 0.0), 1)
    html = page.page(samples.result(samples.run(failed)))
    assert "1 of 1" in html
    assert "<svg" in html


def test_notes_tell_what_makes_figures_doubtful() -> None:
    thoughtful = samples.outcome(0.0)
    thoughtful.thoughts, thoughtful.chunks, thoughtful.tokens = 5, 6, None
    bad = Outcome(failure="cut-stream", detail="no [DONE]", throttled=1)
    step = summary.step(Volley((thoughtful, bad), 1.0, 0.95), 4)
    text = "\n".join(tables.notes(samples.run(step)))
    for words in ("95% of a core", "1 times cut-stream: no [DONE]", "429", "chunk", "5 are reason"):
        assert words in text


def test_side_by_side_has_the_fastest_first() -> None:
    slow = samples.run(summary.step(samples.volley(slower=2), 1), name="coder")
    fast = samples.run(summary.step(samples.volley(), 1), name="api.example")
    nothing = samples.run(summary.step(Volley((Outcome(failure="x"),), 1.0, 0.0), 1), name="down")
    rows = tables.side_by_side(samples.result(nothing, slow, fast))
    assert [row[0] for row in rows] == ["api.example", "coder", "down"]
