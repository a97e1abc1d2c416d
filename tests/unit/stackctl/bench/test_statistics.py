"""Against numpy, against tables of the methods, and against simulated measurements."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.bench import statistics

_FLOATS = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=60)


@given(_FLOATS, st.floats(0, 1))
def test_percentiles_are_those_of_numpy(values: list[float], share: float) -> None:
    expected = float(np.percentile(values, share * 100))
    assert statistics.percentile(values, share) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "ranks"), [(5, None), (6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (50, (18, 33))]
)
def test_intervals_of_a_median_are_those_of_the_tables(
    n: int, ranks: tuple[int, int] | None
) -> None:
    """Conover, Practical nonparametric statistics: order statistics for the median, 95 %."""
    assert statistics.median_interval([float(i) for i in range(1, n + 1)]) == ranks


def test_the_interval_has_the_median_in_it_as_often_as_promised() -> None:
    source = random.Random(1)
    hits = 0
    for _ in range(1000):
        low_high = statistics.median_interval([source.expovariate(1.0) for _ in range(25)])
        assert low_high
        hits += low_high[0] <= 0.6931 <= low_high[1]
    assert hits >= 940


def test_mann_whitney_as_published() -> None:
    """The ranks 1, 2, 3 against 4, 5, 6: U = 0, z = -1.746 with continuity, p = 0.0809."""
    assert statistics.mann_whitney([1, 2, 3], [4, 5, 6]) == pytest.approx(0.0809, abs=0.0005)
    assert statistics.mann_whitney([1, 1, 1], [1, 1, 1]) == 1.0


def test_mann_whitney_keeps_its_error_rate() -> None:
    source = random.Random(2)

    def p(shift: float) -> float:
        a = [source.lognormvariate(0, 0.2) for _ in range(30)]
        return statistics.mann_whitney(a, [source.lognormvariate(shift, 0.2) for _ in range(30)])

    assert sum(p(0) < 0.05 for _ in range(1000)) <= 70
    assert sum(p(0.3) < 0.01 for _ in range(200)) >= 190


def test_ratio_finds_the_factor() -> None:
    source = random.Random(3)
    a = [source.lognormvariate(0, 0.1) for _ in range(400)]
    b = [1.2 * source.lognormvariate(0, 0.1) for _ in range(400)]
    middle, low, high = statistics.ratio(a, b)
    assert low < 1.2 < high
    assert middle == pytest.approx(1.2, rel=0.02)
    assert statistics.ratio([2.0], [3.0])[0] == pytest.approx(1.5)


def test_holm_as_published() -> None:
    """The smallest of four by four, the next by three; never below the one before."""
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []
