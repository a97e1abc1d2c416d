"""Line plots as SVG: concurrency along x by doublings, y from 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 460, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 14, 42
#: as many lines as have a colour of their own (`.s0` ... in page.py)
COLOURS = 6
_TOPS = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Line:
    """`points`: (concurrency, value). `dashed`: the worse percentile of the line above."""

    name: str
    colour: int
    points: Sequence[tuple[int, float]]
    dashed: bool = False


def plot(title: str, unit: str, lines: Sequence[Line]) -> str:
    """ "" where there is nothing to show."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    levels = sorted({x for x, _ in points})
    top = _nice(max(y for _, y in points))
    parts = [
        f"<figure><figcaption>{escape(title)}, "
        f'<span class="unit">{escape(unit)}</span></figcaption>',
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _y(top * share, top)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 7}" y="{y + 4}" text-anchor="end">')
        parts.append(f"{_short(top * share)}</text>")
    for level in levels:
        x = _x(level, levels)
        y = _HEIGHT - _BOTTOM + 16
        parts.append(f'<text class="tick" x="{x}" y="{y}" text-anchor="middle">{level}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="tick" x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">')
    parts.append("requests at once</text>")
    for line in lines:
        parts += _drawn(line, levels, top, unit)
    return "".join([*parts, "</svg></figure>"])


def _drawn(line: Line, levels: Sequence[int], top: float, unit: str) -> list[str]:
    at = [(_x(x, levels), _y(y, top), x, y) for x, y in line.points]
    path = " ".join(f"{x},{y}" for x, y, _, _ in at)
    kind = f"s{line.colour % COLOURS}{' dashed' if line.dashed else ''}"
    drawn = [f'<polyline class="{kind}" points="{path}"/>'] if len(at) > 1 else []
    for x, y, level, value in at:
        said = escape(f"{line.name}: {_short(value)} {unit} at {level} at once")
        drawn.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="3.5"><title>{said}</title>')
        drawn.append("</circle>")
    return drawn


def _x(level: int, levels: Sequence[int]) -> float:
    width = _WIDTH - _LEFT - _RIGHT
    low, high = math.log2(levels[0]), math.log2(levels[-1])
    share = (math.log2(level) - low) / (high - low) if high > low else 0.5
    # half a step of room on both sides, so that no point lies on an axis
    return round(_LEFT + width * (0.04 + 0.92 * share), 1)


def _y(value: float, top: float) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top, 1)


def _nice(value: float) -> float:
    """The next number whose quarters are short."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(f * power for f in _TOPS if f * power >= value)


def _short(value: float) -> str:
    if value >= 10000:
        return f"{value / 1000:g}k" if value % 1000 == 0 else f"{value / 1000:.1f}k"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
