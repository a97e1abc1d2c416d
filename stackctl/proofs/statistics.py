"""How sure a rate is. Pure."""

from __future__ import annotations

import math

#: the normal distribution's quantile for a two-sided interval of 95 %
_Z = 1.959964


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a rate: (0, 1) without a trial.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927) 209-212. Of few trials, all fine, it does not claim certainty, as the normal
    approximation does (L. D. Brown, T. T. Cai, A. DasGupta, Statistical Science 16 (2001) 101-133).
    """
    if trials == 0:
        return 0.0, 1.0
    rate = successes / trials
    scale = 1 + _Z**2 / trials
    middle = (rate + _Z**2 / (2 * trials)) / scale
    half = _Z / scale * math.sqrt(rate * (1 - rate) / trials + _Z**2 / (4 * trials**2))
    # at the ends the formula gives 0 and 1 but for rounding
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return low, high
