"""A result as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape

from stackctl.bench import tables
from stackctl.bench.result import Result, Run, Spread, Step
from stackctl.drawing import page as drawing
from stackctl.drawing.plot import Along, Line, plot

SIMULATED = drawing.simulated(
    "these figures say nothing about the speed of a model, and nothing about energy."
)


def page(result: Result) -> str:
    """The whole document."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(result.at))
    names = ", ".join(dict.fromkeys(run.model for run in result.runs))
    sent = "; ".join(dict.fromkeys(tables.sent(result, run) for run in result.runs))
    parts = [
        f"<h1>{escape(names)}</h1>",
        f'<p class="meta">stackctl bench, {when}: {sent}; {escape(result.id)}, '
        f"seed {result.seed}</p>",
    ]
    if any(run.simulated for run in result.runs):
        parts.append(SIMULATED)
    parts.append(legend(result.runs))
    parts.append(plots(result.runs))
    if beside := tables.side_by_side(result):
        parts.append("<h2>Side by side, one request at a time</h2>")
        parts.append(drawing.table(tables.SIDE, beside))
    for run in result.runs:
        parts.append(f"<h2>{escape(run.name)}: {escape(run.model)}</h2>")
        parts.append(f'<p class="meta">{escape(" ".join(filter(None, (run.engine, run.url))))}</p>')
        parts.append(drawing.table(tables.header(run), tables.rows(run)))
        parts.append(drawing.bullets(tables.notes(run)))
    parts.append(
        '<p class="meta">Times of whole requests as the client saw them. TTFT: to the first token. '
        "TPOT: per output token after the first. RTF: by the length of the sound. Knee: where "
        "throughput by response time is largest; beyond it, requests wait more than they gain.</p>"
    )
    return drawing.document(f"stackctl bench: {names}", parts)


def legend(runs: Sequence[Run]) -> str:
    """Whose line is which; as many as have a colour of their own."""
    return drawing.legend([run.name for run in runs], "dashed: 95th percentile; ring: the knee")


def plots(runs: Sequence[Run]) -> str:
    """Throughput, TTFT, TPOT and speed over the concurrencies."""
    levels = sorted({step.concurrency for run in runs for step in run.steps})
    along = Along("requests at once", levels=levels)

    def both(value: Callable[[Step], Spread | None]) -> list[Line]:
        """Median and 95th percentile, in milliseconds."""
        return [
            *_lines(runs, lambda s: v.p95 * 1000 if (v := value(s)) else None, dashed=True),
            *_lines(runs, lambda s: v.median * 1000 if (v := value(s)) else None),
        ]

    return drawing.plots(
        [
            plot(
                "Throughput",
                "tokens/s",
                _lines(runs, lambda s: None if s.audio else s.tokens_per_s),
                along,
            ),
            plot("Time to the first token", "ms", both(lambda s: s.ttft), along),
            plot("Time per output token", "ms", both(lambda s: s.tpot), along),
            plot(
                "Speed of one answer",
                "tokens/s",
                _lines(runs, lambda s: s.speed.median if s.speed else None),
                along,
            ),
            plot(
                "Sound transcribed",
                "seconds/s",
                _lines(runs, lambda s: s.audio_per_s if s.audio else None),
                along,
            ),
            plot(
                "Time to a transcript", "ms", both(lambda s: s.latency if s.audio else None), along
            ),
        ]
    )


def _lines(
    runs: Sequence[Run], value: Callable[[Step], float | None], *, dashed: bool = False
) -> list[Line]:
    return [
        Line(
            f"{run.name}, p95" if dashed else run.name,
            number,
            [(s.concurrency, y) for s in run.steps if (y := value(s)) is not None],
            dashed,
            None if dashed else run.knee,
        )
        for number, run in enumerate(runs)
    ]
