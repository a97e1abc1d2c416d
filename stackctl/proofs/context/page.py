"""The report of `stackctl prove context` as one HTML page that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from stackctl.drawing import page as drawing
from stackctl.drawing.plot import Along, Line, plot
from stackctl.model import Finding
from stackctl.proofs.context.prompt import DEPTHS
from stackctl.proofs.context.step import Step
from stackctl.proofs.context.verdict import Way, advice, findings

_RIGGED = (
    "the window, and the way to it, are proven; the times say nothing about a model. The model is "
    "a rigged one, which looks for no needles."
)


def page(ways: Sequence[Way], made: str) -> str:
    """The whole page; `made`: when, in words."""
    parts = [
        "<h1>Context windows</h1>",
        f'<p class="meta">stackctl prove context, {escape(made)}</p>',
        drawing.simulated(_RIGGED) if any(way.rigged for way in ways) else "",
    ]
    for way in ways:
        parts += [_head(way), _pictures(way), drawing.table(HEADER, rows(way))]
    return drawing.document("stackctl prove context", parts)


def _head(way: Way) -> str:
    wrong = "".join(map(_problem, findings(way)))
    title = f"{way.name}, by way of the {way.way}: promised {way.promised} tokens"
    return f"<h2>{escape(title)}</h2>{wrong}{drawing.bullets(advice(way))}"


def _problem(found: Finding) -> str:
    fix = f"<br>Fix: {escape(found.fix)}" if found.fix else ""
    return f'<p class="bad"><b>{escape(found.summary)}</b><br>Cause: {escape(found.cause)}{fix}</p>'


def _pictures(way: Way) -> str:
    every = [*way.steps, *filter(None, [way.beyond])]
    if not every:
        return ""
    along = Along(
        "prompt tokens",
        max(way.promised, *(step.sent for step in every)),
        mark=(way.promised, "promised"),
    )
    sent = [(s.sent, float(s.sent)) for s in every]
    taken = [(s.sent, float(s.counted)) for s in every if s.counted is not None]
    first = [(s.sent, s.first) for s in way.steps if s.first is not None]
    vram = [(s.sent, float(s.vram_mib)) for s in way.steps if s.vram_mib is not None]
    both = (Line("sent", 5, sent, dashed=True), Line("taken", 0, taken))
    drawn = [
        plot("Taken by the engine", "tokens; dashed: sent", both, along),
        plot("Time to the first token", "s", [Line("", 0, first)], along),
        plot("GPU memory of the role", "MiB", [Line("", 0, vram)], along),
    ]
    return drawing.plots([*drawn, _needles(way)])


def _needles(way: Way) -> str:
    if way.rigged and not way.recalls:
        return ""
    depths = [f"{depth} %" for depth in DEPTHS]
    found = [(str(s.sent), None if s.trouble else s.found) for s in way.steps]
    return drawing.marks("Needles found, by depth of the prompt", "TOKENS", depths, found)


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
