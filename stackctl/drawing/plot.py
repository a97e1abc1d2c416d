"""Line plots as SVG. Who sees no colours has the shapes; who sees nothing has the words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

_WIDTH, _HEIGHT = 460, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 14, 42
#: of the size of a line's points
_R = 4.0
#: lines that can be told apart: a colour each (`.s0` ... in page.py), and a shape
COLOURS = 6
_SHAPES = (
    ((-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7), (1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7)),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
    ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    ((0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
    ((-1.6, 0), (-1.1, -1.1), (0, -1.6), (1.1, -1.1), (1.6, 0), (1.1, 1.1), (0, 1.6), (-1.1, 1.1)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """`points`: (x, y), x ascending. `colour`: a number. `dashed`: a worse percentile, or a wish.
    `ringed`: the x of a point that stands out."""

    name: str
    colour: int
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    ringed: float | None = None


@dataclass(frozen=True, slots=True)
class Along:
    """The axis along x: from 0 to `until`, or, where there are `levels` of it, by doublings of
    these. `mark`: a vertical line, with a word to it."""

    name: str
    until: float = 0.0
    levels: Sequence[int] = ()
    mark: tuple[float, str] | None = None

    def at(self, x: float) -> float:
        """Where it is in the picture."""
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * self._share(x), 1)

    def _share(self, x: float) -> float:
        if not self.levels:
            return x / self.until
        low, high = math.log2(self.levels[0]), math.log2(self.levels[-1])
        share = (math.log2(x) - low) / (high - low) if high > low else 0.5
        # room on both sides, so that no point lies on an axis
        return 0.04 + 0.92 * share

    def ticks(self) -> list[float]:
        return list(self.levels) or [tick for tick in scale(self.until) if tick <= self.until]


def plot(title: str, unit: str, lines: Sequence[Line], along: Along) -> str:
    """A figure with its caption; "" where there is nothing to show."""
    lines = [replace(line, name=line.name or title) for line in lines if line.points]
    if not lines:
        return ""
    ticks = scale(max(y for line in lines for _, y in line.points))

    def height(y: float) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * y / ticks[-1], 1)

    said = "; ".join(
        f"{line.name}: {', '.join(f'{short(y)} at {short(x)}' for x, y in line.points)}"
        for line in lines
    )
    parts = [
        f'<figure><figcaption>{escape(title)}, <span class="unit">{escape(unit)}</span>'
        f'</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>"
        f"<desc>{escape(f'{unit} by {along.name}. {said}')}</desc>"
    ]
    for tick in ticks:
        y = height(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}"/>')
        parts.append(_text(_LEFT - 7, y + 4, short(tick), "end"))
    parts += [_text(along.at(x), _HEIGHT - _BOTTOM + 17, short(x)) for x in along.ticks()]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, along.name))
    if along.mark:
        x = along.at(along.mark[0])
        parts.append(f'<line class="mark" x1="{x}" y1="{_TOP}" x2="{x}" y2="{height(0)}"/>')
        parts.append(_text(x - 5, height(0) - 6, along.mark[1], "end"))
    for line in lines:
        parts += _drawn(line, along, height, unit)
    return "".join([*parts, "</svg></figure>\n"])


def key(number: int) -> str:
    """The shape of a line, for the words beside a plot."""
    return (
        f'<svg class="key" viewBox="-6 -6 12 12" aria-hidden="true">{_shape(number, 0, 0)}/></svg>'
    )


def scale(top: float) -> list[float]:
    """Round numbers from 0 up to at least `top`."""
    if top <= 0 or not math.isfinite(top):
        return [0.0, 1.0]
    rough = top / 4
    ten = 10 ** math.floor(math.log10(rough))
    step = next(ten * factor for factor in (1, 2, 2.5, 5, 10) if ten * factor >= rough)
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]


def short(value: float) -> str:
    """Few digits: 0.25, 12.5, 2876, 50k."""
    if value >= 10000:
        return f"{value / 1000:.1f}".removesuffix(".0") + "k"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _drawn(line: Line, along: Along, height: Callable[[float], float], unit: str) -> list[str]:
    at = [(along.at(x), height(y), x, y) for x, y in line.points]
    dashed = " dashed" if line.dashed else ""
    path = " ".join(f"{x},{y}" for x, y, _, _ in at)
    drawn = [f'<polyline class="s{line.colour % COLOURS}{dashed}" points="{path}"/>']
    for x, y, level, value in at:
        if level == line.ringed:
            drawn.append(f'<circle class="ring" cx="{x}" cy="{y}" r="{2.2 * _R:g}"/>')
        told = f"{line.name}: {short(value)} {unit} at {short(level)} {along.name}"
        shape = _shape(line.colour, x, y, dashed)
        drawn.append(f"{shape}><title>{escape(told)}</title></polygon>")
    return drawn


def _shape(number: int, x: float, y: float, more: str = "") -> str:
    corners = " ".join(
        f"{x + _R * dx:.1f},{y + _R * dy:.1f}" for dx, dy in _SHAPES[number % COLOURS]
    )
    return f'<polygon class="s{number % COLOURS}{more}" points="{corners}"'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
