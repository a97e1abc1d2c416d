"""Small charts as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 34, 40
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44")


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one line, x ascending."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def chart(title: str, lines: Sequence[Line], mark: float | None = None) -> str:
    """Lines over prompt tokens; `mark`: a vertical line. Empty without a point."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    right = max([x for x, _ in points] + ([mark] if mark else [])) or 1
    ticks = scale(max(y for _, y in points))
    top = ticks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + x / right * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [_text(_LEFT, 18, title, bold=True)]
    for tick in ticks:
        x, y = at(0, tick)
        parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" '
            'stroke="#e3e7ec"/>'
        )
        parts.append(_text(x - 8, y + 4, f"{tick:g}", anchor="end"))
    for tick in scale(right):
        if tick <= right:
            x, y = at(tick, 0)
            parts.append(_text(x, y + 18, f"{tick:g}", anchor="middle"))
    parts.append(_text((_LEFT + _WIDTH) / 2, _HEIGHT - 4, "prompt tokens", anchor="middle"))
    if mark:
        (x, low), (_, high) = at(mark, 0), at(mark, top)
        parts.append(
            f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="#8a94a0" '
            'stroke-dasharray="2 3"/>'
        )
    for number, (line, colour) in enumerate(zip(lines, _COLOURS, strict=False)):
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line.points))
        dash = ' stroke-dasharray="6 4"' if line.dashed else ""
        parts.append(
            f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
            for x, y in (at(*point) for point in line.points)
        ]
        if len(lines) > 1:
            name = _text(_WIDTH - _RIGHT - 90 * number, 18, line.name, anchor="end", fill=colour)
            parts.append(name)
    return _svg(_HEIGHT, parts)


def grid(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[bool] | None]]
) -> str:
    """A field for each pair: found, lost, or not known."""
    wide, high = 70, 24
    parts = [_text(_LEFT, 18, title, bold=True)]
    parts += [
        _text(_LEFT + wide * at + wide / 2, _TOP + 8, name, anchor="middle")
        for at, name in enumerate(columns)
    ]
    for down, (name, cells) in enumerate(rows):
        y = _TOP + 16 + down * high
        parts.append(_text(_LEFT - 8, y + 16, name, anchor="end"))
        for at in range(len(columns)):
            found = None if cells is None else cells[at]
            colour = {True: "#7fb98a", False: "#e3a49a", None: "#eceff2"}[found]
            sign = {True: "found", False: "lost", None: "-"}[found]
            x = _LEFT + wide * at
            parts.append(
                f'<rect x="{x}" y="{y}" width="{wide - 2}" height="{high - 2}" fill="{colour}"/>'
            )
            parts.append(_text(x + wide / 2, y + 15, sign, anchor="middle"))
    return _svg(_TOP + 24 + high * len(rows), parts)


def scale(top: float) -> list[float]:
    """Round numbers from 0 up to at least `top`."""
    if top <= 0 or not math.isfinite(top):
        return [0.0, 1.0]
    rough = top / 4
    ten = 10 ** math.floor(math.log10(rough))
    step = next(ten * factor for factor in (1, 2, 2.5, 5, 10) if ten * factor >= rough)
    return [step * number for number in range(math.ceil(top / step - 1e-9) + 1)]


def _svg(height: float, parts: Sequence[str]) -> str:
    inner = "\n".join(parts)
    return (
        f'<p><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" '
        f'width="{_WIDTH}" role="img">\n{inner}\n</svg></p>\n'
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False, fill: str = ""
) -> str:
    weight = ' font-weight="600"' if bold else ""
    colour = f' style="fill:{fill}"' if fill else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}{colour}>'
        f"{escape(text)}</text>"
    )
