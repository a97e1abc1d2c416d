"""A contest as one HTML page that needs nothing else, in the form of `stackctl bench`'s."""

from __future__ import annotations

import time
from dataclasses import replace
from html import escape

from stackctl.bench import page as bench
from stackctl.bench import tables as figures
from stackctl.bench.result import Run
from stackctl.drawing import page as drawing
from stackctl.drawing.plot import COLOURS
from stackctl.tune import tables
from stackctl.tune.contest import Contest, Entry


def page(role: str, where: str, contest: Contest) -> str:
    """`where`: the GPUs that it was measured on."""
    load = contest.load
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(contest.current.trial.at))
    chosen = _chosen(contest)
    runs = [run for _, run in chosen]
    parts = [
        f"<h1>{escape(role)}: {escape(str(contest.objective))}</h1>",
        f'<p class="meta">stackctl tune, since {when}, on {escape(where)}: {load.input} tokens in, '
        f"at most {load.output} out</p>",
        bench.SIMULATED if any(run.simulated for run in runs) else "",
        f"<p><b>{escape(tables.verdict(contest))}</b></p>",
        drawing.table(tables.header(contest.objective.goal), tables.rows(contest)),
        drawing.bullets(tables.reasons(contest)),
        bench.legend(runs),
        bench.plots(runs),
    ]
    for entry, run in chosen:
        parts.append(f"<h2>{escape(entry.trial.label)}</h2>")
        parts.append(drawing.table(figures.header(run), figures.rows(run)))
        parts.append(drawing.bullets(figures.notes(run)))
    return drawing.document(f"stackctl tune: {role}", parts)


def _chosen(contest: Contest) -> list[tuple[Entry, Run]]:
    """The current settings, the best, and the next best while there are colours."""
    have = [(e, replace(run, name=e.trial.label)) for e in contest.entries if (run := e.trial.run)]
    have.sort(key=lambda pair: _order(pair[0], contest))
    return have[:COLOURS]


def _order(entry: Entry, contest: Contest) -> tuple[bool, bool, float]:
    gain = entry.against.gain if entry.against else 0.0
    return (entry is not contest.current, entry is not contest.best, -gain)
