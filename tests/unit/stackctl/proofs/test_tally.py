"""Rates, and what is not counted."""

from __future__ import annotations

import pytest

from stackctl.proofs.kinds import KINDS, fix
from stackctl.proofs.statistics import wilson
from stackctl.proofs.tools.cases import CASES
from stackctl.proofs.tools.tally import findings, rows, tally
from stackctl.proofs.trouble import Trouble

FINE: tuple[Trouble, ...] = ()
JSON = (Trouble("arguments-json", "{"),)
TALK = (Trouble("no-call", "Hello"),)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Brown, Cai, DasGupta (2001) and R's binom.confint(method = "wilson")
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (19, 20, 0.7638692, 0.9911193),
        (8, 10, 0.4901625, 0.9433178),
        (50, 100, 0.4038315, 0.5961685),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-6)


def test_one_of_twenty() -> None:
    one = tally(CASES[0], [JSON, *[FINE] * 19], rigged=False)
    assert (one.passed, one.failed, one.rate) == (19, 1, 0.95)
    (finding,) = findings("main", [one], rigged=False)
    assert finding.values == {"failure": "arguments-json", "count": 1, "blame": "server"}
    assert "1 of 20" in finding.summary
    assert "MAIN_ARGS" in finding.fix
    assert "ROLE" not in finding.fix


def test_what_a_rigged_model_decides_is_not_counted() -> None:
    one = tally(CASES[0], [TALK, JSON, FINE], rigged=True)
    assert (one.passed, one.failed, one.unproven) == (1, 1, 1)
    assert rows([one])[0][-1] == "1 x no-call, 1 x arguments-json (1 not counted)"
    assert [f.values["failure"] for f in findings("m", [one], rigged=True)] == ["arguments-json"]
    real = tally(CASES[0], [TALK, JSON, FINE], rigged=False)
    assert (real.passed, real.failed, real.unproven) == (1, 2, 0)


def test_nothing_counted_is_no_rate() -> None:
    assert tally(CASES[0], [(Trouble("not-offered"),)], rigged=False).rate is None


def test_a_stranger_has_no_role() -> None:
    for kind in KINDS.values():
        said = fix(kind.fix, "")
        assert said
        assert "ROLE" not in said
        assert said.count("(") == said.count(")")
    assert "stackctl logs coder" in fix(KINDS["no-answer"].fix, "coder")
