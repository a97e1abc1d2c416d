"""The report of `stackctl prove context` as one HTML page that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from stackctl.proofs.context.chart import Line, chart, grid
from stackctl.proofs.context.prompt import DEPTHS
from stackctl.proofs.context.step import Step
from stackctl.proofs.context.verdict import Way, advice, findings

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em;
       color: #1c2530; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; } td, th { padding: .2em .9em .2em 0; text-align: right; }
th { border-bottom: 1px solid #aab; font-weight: 600; }
td:last-child, th:last-child { text-align: left; }
.bad { color: #a4161a; } .note { color: #5b6675; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #3a4654; }
"""


def page(ways: Sequence[Way], made: str) -> str:
    """The whole page; `made`: when, in words."""
    body = "".join(_way(way) for way in ways)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>stackctl prove context</title><style>{_STYLE}</style></head>\n"
        f'<body><h1>Context windows</h1><p class="note">{escape(made)}</p>\n{body}</body></html>\n'
    )


def _way(way: Way) -> str:
    head = f"<h2>{escape(way.name)}, by way of the {escape(way.way)}: promised {way.promised}</h2>"
    wrong = "".join(
        f'<p class="bad">{escape(f.summary)}<br>{escape(f.cause)}<br>{escape(f.fix)}</p>'
        for f in findings(way)
    )
    advised = "".join(f"<li>{escape(line)}</li>" for line in advice(way))
    note = (
        '<p class="note">Simulated GPUs and a rigged model: the window and the way to it are real, '
        "the times and what is found are not.</p>"
        if way.rigged
        else ""
    )
    return f"{head}{note}{wrong}<ul>{advised}</ul>{_pictures(way)}{_table(way)}\n"


def _pictures(way: Way) -> str:
    every = [*way.steps, *filter(None, [way.beyond])]
    counted = [(s.sent, float(s.counted)) for s in every if s.counted is not None]
    sent = [(s.sent, float(s.sent)) for s in every]
    first = [(s.sent, s.first) for s in way.steps if s.first is not None]
    vram = [(s.sent, float(s.vram_mib)) for s in way.steps if s.vram_mib is not None]
    pictures = [
        chart(
            "Tokens: sent, and taken by the engine",
            (Line("sent", sent, dashed=True), Line("taken", counted)),
            mark=way.promised,
        ),
        chart("Seconds to the first token", (Line("first token", first),)),
        chart("GPU memory of the role, MiB", (Line("used", vram),)),
        grid(
            "Needles found, by depth of the prompt",
            [f"{depth} %" for depth in DEPTHS],
            [(str(s.sent), s.found if s.holds else None) for s in way.steps],
        ),
    ]
    return "".join(pictures)


def _table(way: Way) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in HEADER)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(way)
    )
    return f"<table><tr>{head}</tr>{body}</table>"


HEADER = ("STEP", "SENT", "TAKEN", "FIRST TOKEN", "WHOLE", "VRAM MIB", "FOUND", "RESULT")


def rows(way: Way) -> list[tuple[str, ...]]:
    """For a table, the prompt beyond the window last."""
    return [_row(step, way) for step in (*way.steps, *filter(None, [way.beyond]))]


def _row(step: Step, way: Way) -> tuple[str, ...]:
    return (
        f"{step.percent} %",
        ("" if step.exact else "~") + str(step.sent),
        "-" if step.counted is None else str(step.counted),
        "-" if step.first is None else f"{step.first:.2f} s",
        f"{step.seconds:.2f} s",
        "-" if step.vram_mib is None else str(step.vram_mib),
        "-" if step.trouble else f"{sum(step.found)}/{len(step.found)}",
        _result(step, way),
    )


def _result(step: Step, way: Way) -> str:
    beyond = step is way.beyond
    if step.trouble:
        return "refused, as it should be" if beyond and step.refused else step.trouble.kind
    if step.cut:
        return "CUT in silence"
    if beyond:
        return "taken whole: the window is larger than promised"
    unable = way.rigged and not way.recalls
    return "ok" if all(step.found) or unable else "needles lost"
