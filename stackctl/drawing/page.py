"""A page of HTML, and what all reports have on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from stackctl.drawing.plot import COLOURS, key

_STYLE = (
    """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d9dee5; --back: #fff;
  --panel: #f6f7f9; --bad: #b3261e; --found: #d5ecd9; --lost: #f6d5cf;
  --s0: #1f6feb; --s1: #c4520a; --s2: #1a7f37; --s3: #8250df; --s4: #bf3989; --s5: #59636e; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af;
  --line: #30363d; --back: #0d1117; --panel: #161b22; --bad: #ff8a80; --found: #17402a;
  --lost: #5a2620; --s0: #58a6ff; --s1: #f0883e; --s2: #56d364; --s3: #bc8cff; --s4: #f778ba;
  --s5: #9aa4af; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  color: var(--ink); background: var(--back); max-width: 1000px; margin: 2em auto; padding: 0 1em;
  overflow-wrap: break-word; }
h1 { font-size: 1.5em; line-height: 1.25; margin-bottom: 0; }
h2 { font-size: 1.15em; margin: 2em 0 .4em; } h3 { font-size: 1em; margin-bottom: .3em; }
p { margin: .5em 0; }
.meta, .unit, figcaption { color: var(--soft); }
.warn, .bad { border-left: 4px solid var(--s1); padding: .5em 1em; background: var(--panel); }
.bad { border-color: var(--bad); } .bad b { color: var(--bad); }
.plots { display: grid; gap: 1em; margin: 1em 0;
  grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); }
figure { margin: 0; background: var(--panel); border-radius: 8px; padding: .8em;
  break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--line); } .mark { stroke: var(--soft); stroke-dasharray: 2 3; }
.tick { fill: var(--soft); font-size: 12px; }
polyline { fill: none; stroke-width: 2.2; }
.ring { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.scroll { overflow-x: auto; margin: .5em 0; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .35em .8em; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; font-size: .87em; }
.text, th:first-child, td:first-child { text-align: left; }
.marks th, .marks td + td { text-align: center; } .marks td + td { border: 2px solid var(--panel); }
.found { background: var(--found); } .lost { background: var(--lost); }
svg.key { width: .95em; height: .95em; vertical-align: -.1em; margin-right: .3em; }
.legend span.item { margin-right: 1.5em; white-space: nowrap; }
@media (max-width: 30em) { .tick { font-size: 17px; } th, td { padding: .3em .5em; }
  .marks th, .marks td { padding: .3em .1em; font-size: .8em; } }
@media print { body { margin: 0; max-width: none; } .tick { font-size: 15px; }
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .marks th, .marks td { padding: .3em .1em; font-size: .8em; }
  .scroll { overflow: visible; } h2, h3 { break-after: avoid; } tr { break-inside: avoid; } }
"""
    + "".join(
        f"polyline.s{n} {{ stroke: var(--s{n}); }} "
        f"polygon.s{n} {{ fill: var(--s{n}); stroke: var(--s{n}); }}\n"
        for n in range(COLOURS)
    )
    + """polyline.dashed { stroke-dasharray: 5 4; }
polygon.dashed { fill: var(--panel); stroke-width: 1.5; }
"""
)


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page of these parts."""
    body = "\n".join(filter(None, parts))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def simulated(rest: str) -> str:
    """Told before any figure. `rest`: what the figures are not."""
    told = f"<b>Simulated GPUs.</b> The engines are real, the GPUs are not: {escape(rest)}"
    return f'<p class="warn">{told}</p>'


def plots(drawn: Iterable[str]) -> str:
    """Beside one another where there is room."""
    return f'<div class="plots">{"".join(drawn)}</div>'


def legend(names: Sequence[str], more: str) -> str:
    """Whose line is which; `more`: in what else lines differ."""
    items = "".join(
        f'<span class="item">{key(n)}{escape(name)}</span>' for n, name in enumerate(names)
    )
    return f'<p class="legend">{items}<span class="unit">{escape(more)}</span></p>'


def bullets(lines: Iterable[str]) -> str:
    """A list; "" without a line."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Numbers to the right, words to the left; on a narrow screen it is moved sideways."""
    words = [any(cell[:1].isalpha() for cell in column) for column in zip(*rows, strict=True)]
    kinds = [' class="text"' if word else "" for word in words] or [""] * len(header)

    def line(tag: str, end: str, cells: Sequence[str]) -> str:
        pairs = zip(cells, kinds, strict=True)
        return f"<tr>{''.join(f'<{tag}{kind}>{escape(c)}</{end}>' for c, kind in pairs)}</tr>"

    head = line('th scope="col"', "th", header)
    return (
        '<div class="scroll" tabindex="0"><table>'
        f"<thead>{head}</thead>"
        f"<tbody>{''.join(line('td', 'td', row) for row in rows)}</tbody></table></div>"
    )


def marks(
    title: str,
    corner: str,
    columns: Sequence[str],
    rows: Iterable[tuple[str, Sequence[bool] | None]],
) -> str:
    """A figure with a field for each pair: found, lost, or not known."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in (corner, *columns))
    unknown: Sequence[bool | None] = [None] * len(columns)
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(map(_mark, cells or unknown))}</tr>"
        for name, cells in rows
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        '<div class="scroll" tabindex="0"><table class="marks">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )


def _mark(found: bool | None) -> str:
    if found is None:
        return "<td>-</td>"
    word = "found" if found else "lost"
    return f'<td class="{word}">{word}</td>'
