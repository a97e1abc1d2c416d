"""What steps say of a window, and when there are to be no more of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackctl.model import Severity
from stackctl.model.reply import Reply
from stackctl.proofs.context.guard import Memory, danger
from stackctl.proofs.context.page import page, rows
from stackctl.proofs.context.prompt import build
from stackctl.proofs.context.step import Step, read
from stackctl.proofs.context.verdict import Way, advice, findings, first_token_at
from stackctl.proofs.trouble import Trouble

ALL, NONE = (True,) * 5, (False,) * 5
WINDOW = 131072


def step(percent: int, **changes: Any) -> Step:
    sent = WINDOW * percent // 100
    made = Step(percent, sent, True, sent, sent / 10000, sent / 5000, 900, ALL)
    return replace(made, **changes)


def way(*steps: Step, **changes: Any) -> Way:
    return replace(Way("main", "engine", WINDOW, steps, role="main"), **changes)


WELL = way(*(step(percent) for percent in (10, 25, 50, 75, 100)))


def kinds(one: Way) -> list[tuple[str, str]]:
    return [(f.values["failure"], f.severity.value) for f in findings(one)]


def test_all_is_well() -> None:
    assert kinds(WELL) == []
    assert advice(WELL)[0].startswith("good for: long documents")
    assert any("65536 tokens" in line and "6.6 s" in line for line in advice(WELL))


def test_the_flat_line() -> None:
    """131,072 tokens taken of two longer prompts."""
    wide = way(
        step(40, sent=90089, counted=90089),
        step(70, sent=150000, counted=WINDOW),
        step(100, sent=300000, counted=WINDOW),
        promised=320000,
    )
    (finding,) = findings(wide)
    assert finding.values["failure"] == "window-cut"
    assert finding.values["flat"] == WINDOW
    assert any(f"usable {WINDOW}" in line for line in advice(wide))


def test_a_few_tokens_of_a_template_are_no_cut() -> None:
    assert not step(100, counted=WINDOW - 16).cut
    assert step(1, sent=1000, counted=980).cut
    assert not step(1, sent=1000, counted=970, exact=False).cut
    assert step(1, sent=1000, counted=900, exact=False).cut
    assert not step(1, counted=None).cut


def test_needles() -> None:
    one, many = (True, True, False, True, True), (True, False, False, False, True)
    assert kinds(way(step(50), step(100, found=one))) == [("needles-lost", "warning")]
    assert kinds(way(step(50), step(100, found=many))) == [("needles-lost", "error")]
    assert kinds(way(step(50, found=NONE), step(100, found=NONE))) == [("needles-lost", "error")]
    assert "not even" in findings(way(step(50, found=NONE)))[0].summary
    assert rows(way(step(50, found=NONE)))[0][-1] == "needles lost"
    rigged = way(step(50, found=NONE), step(100, found=NONE), rigged=True)
    assert kinds(rigged) == []
    assert rows(rigged)[0][-1] == "ok"
    assert "MAIN_CONTEXT=65536" in advice(way(step(50), step(100, found=many)))[-1]


def test_what_was_not_tried_is_not_advised_against() -> None:
    assert advice(way(step(10), step(50)))[-1].endswith("more than 65536 tokens were not tried")
    assert "usable" in advice(way(step(10), step(50, counted=5)))[-1]


def test_late() -> None:
    assert kinds(replace(WELL, late=20.0)) == []
    slow = replace(WELL, late=5.0)
    assert kinds(slow) == [("first-token-late", "error")]
    assert "usable 32768" in advice(slow)[-1]


def test_another_failure_on_the_way() -> None:
    crashed = way(step(50), step(75, trouble=Trouble("cut-off", "after 0 events")))
    (finding,) = findings(crashed)
    assert finding.values["failure"] == "cut-off"
    assert "stackctl logs main" in finding.fix


def test_nothing_passed() -> None:
    assert "no window" in advice(way(step(10, trouble=Trouble("server-error"))))[0]


def test_a_stop_is_told() -> None:
    assert kinds(replace(WELL, stopped="before 75 %: no memory")) == [("stopped", "warning")]


def test_no_fix_of_a_stranger_names_a_role() -> None:
    refused = step(100, trouble=Trouble("context-exceeded"), limit=4096)
    for one in (way(refused), way(step(10, counted=5)), way(step(50), step(100, found=NONE))):
        (finding, *_) = findings(replace(one, role=""))
        assert finding.severity is Severity.ERROR
        assert finding.fix
        assert "ROLE" not in finding.fix


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"error": {"message": "exceeds the available context size", "n_ctx": 512}}, 512),
        ({"error": {"message": "request (9 tokens) exceeds the available context size (8 t"}}, 8),
        ({"error": {"message": "This model's maximum context length is 2048 tokens."}}, 2048),
        (
            {"error": {"message": "Input length (9) exceeds model's maximum context length (8)."}},
            8,
        ),
        ({"error": {"message": "the prompt exceeds the available context size"}}, None),
    ],
)
def test_the_limit_that_a_refusal_names(body: object, limit: int | None) -> None:
    one = read(100, build(1, 1), 9000, Reply(400, body), exact=True)
    assert one.refused
    assert one.limit == limit


def test_between_two_steps() -> None:
    assert first_token_at(WELL, 65536) == pytest.approx(6.5536)
    assert first_token_at(WELL, 100) is None
    assert first_token_at(way(step(50)), 65536 + 1000) == pytest.approx(6.5536)


MUCH = Memory(available=64000, total=128000, vram=1000, vram_free=40000)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (MUCH, ""),
        (Memory(), ""),
        (replace(MUCH, available=5000), "5000 MiB of memory"),
        (replace(MUCH, available=900, total=8000), "900 MiB of memory"),
        (replace(MUCH, swap_used=300), "300 MiB were swapped out"),
        # 2000 MiB for 1000 tokens: 6000 more for the next 3000
        (replace(MUCH, vram=3000, vram_free=7000), ""),
        (replace(MUCH, vram=3000, vram_free=6000), "6000 MiB more"),
        (replace(MUCH, vram=1000, vram_free=10), ""),
    ],
)
def test_danger(now: Memory, why: str) -> None:
    said = danger(MUCH, now, 1000, 4000)
    assert (why in said) if why else said == ""


def test_the_page_tells_every_step() -> None:
    refused = step(100, trouble=Trouble("context-exceeded"), limit=4096)
    text = page([way(step(50), refused)], "now")
    for row in rows(way(step(50), refused)):
        assert all(cell in text for cell in row)
    assert "context-exceeded" in text


def test_a_model_that_looks_for_no_needles_has_lost_none() -> None:
    lost = way(step(50, found=NONE))
    assert ">lost</td>" in page([lost], "now")
    assert "lost" not in page([replace(lost, rigged=True)], "now").partition("<body>")[2]
