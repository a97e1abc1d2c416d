"""A result as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape

from stackctl.bench import tables
from stackctl.bench.plot import COLOURS, Line, plot
from stackctl.bench.result import Result, Run, Step

_STYLE = """
:root { --ink: #1b1f24; --soft: #667; --line: #dde; --back: #fff; --panel: #f6f7f9;
  --s0: #1f6feb; --s1: #d1570a; --s2: #1a7f37; --s3: #8250df; --s4: #bf3989; --s5: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
  --back: #0d1117; --panel: #161b22; --s0: #58a6ff; --s1: #f0883e; --s2: #56d364; --s3: #bc8cff;
  --s4: #f778ba; --s5: #8b949e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 1000px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; } h2 { font-size: 1.15em; margin-top: 2em; }
.meta, .unit, figcaption { color: var(--soft); } .warn { border-left: 4px solid var(--s1);
  padding: .5em 1em; background: var(--panel); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); gap: 1em; }
figure { margin: 0; background: var(--panel); border-radius: 8px; padding: .8em; }
svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--line); } .tick { fill: var(--soft); font-size: 12px; }
polyline { fill: none; stroke-width: 2.2; } .dashed { stroke-dasharray: 5 4; }
circle.dashed { fill-opacity: .5; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: right; padding: .35em .8em; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 600; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; }
.legend span.item { margin-right: 1.5em; white-space: nowrap; }
""" + "".join(
    f"polyline.s{n} {{ stroke: var(--s{n}); }} circle.s{n} {{ fill: var(--s{n}); }} "
    f".key.s{n} {{ background: var(--s{n}); }}\n"
    for n in range(COLOURS)
)
SIMULATED = (
    '<p class="warn"><b>Simulated GPUs.</b> The engines are real, the GPUs are not: these figures '
    "say nothing about the speed of a model, and nothing about energy.</p>"
)


def page(result: Result) -> str:
    """The whole document."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(result.at))
    names = ", ".join(dict.fromkeys(run.model for run in result.runs))
    parts = [
        f"<h1>{escape(names)}</h1>",
        f'<p class="meta">stackctl bench, {when}: {result.prompt_tokens} tokens in, at most '
        f"{result.output_tokens} out; {escape(result.id)}, seed {result.seed}</p>",
    ]
    if any(run.simulated for run in result.runs):
        parts.append(SIMULATED)
    parts.append(legend(result.runs))
    parts.append(f'<div class="plots">{"".join(plots(result.runs))}</div>')
    if len(result.runs) > 1:
        parts.append("<h2>Side by side, one request at a time</h2>")
        parts.append(table(tables.SIDE, tables.side_by_side(result)))
    for run in result.runs:
        parts.append(f"<h2>{escape(run.name)}: {escape(run.model)}</h2>")
        parts.append(f'<p class="meta">{escape(" ".join(filter(None, (run.engine, run.url))))}</p>')
        parts.append(table(tables.HEADER, tables.rows(run)))
        said = "".join(f"<li>{escape(note)}</li>" for note in tables.notes(run))
        parts.append(f"<ul>{said}</ul>" if said else "")
    parts.append(
        '<p class="meta">Times of whole requests as the client saw them. TTFT: to the first token. '
        "TPOT: per output token after the first. Knee: where throughput by response time is "
        "largest; beyond it, requests wait more than they gain.</p>"
    )
    return document(f"stackctl bench: {names}", parts)


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page of these parts."""
    body = "\n".join(filter(None, parts))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def legend(runs: Sequence[Run]) -> str:
    """Whose line is which; as many as have a colour of their own."""
    items = "".join(
        f'<span class="item"><span class="key s{n % COLOURS}"></span>{escape(run.name)}</span>'
        for n, run in enumerate(runs)
    )
    return f'<p class="legend">{items}<span class="unit">dashed: 95th percentile</span></p>'


def plots(runs: Sequence[Run]) -> list[str]:
    """Throughput, TTFT, TPOT and speed over the concurrencies."""
    return [
        plot("Throughput", "tokens/s", _lines(runs, lambda s: s.tokens_per_s)),
        plot(
            "Time to the first token",
            "ms",
            [
                *_lines(runs, lambda s: s.ttft.median * 1000 if s.ttft else None),
                *_lines(runs, lambda s: s.ttft.p95 * 1000 if s.ttft else None, dashed=True),
            ],
        ),
        plot(
            "Time per output token",
            "ms",
            [
                *_lines(runs, lambda s: s.tpot.median * 1000 if s.tpot else None),
                *_lines(runs, lambda s: s.tpot.p95 * 1000 if s.tpot else None, dashed=True),
            ],
        ),
        plot(
            "Speed of one answer",
            "tokens/s",
            _lines(runs, lambda s: s.speed.median if s.speed else None),
        ),
    ]


def _lines(
    runs: Sequence[Run], value: Callable[[Step], float | None], *, dashed: bool = False
) -> list[Line]:
    return [
        Line(
            f"{run.name}, p95" if dashed else run.name,
            number,
            [(s.concurrency, y) for s in run.steps if (y := value(s)) is not None],
            dashed,
        )
        for number, run in enumerate(runs)
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
