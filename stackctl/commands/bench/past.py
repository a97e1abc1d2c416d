"""`stackctl bench list` and `stackctl bench compare A B`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from stackctl import report, settings
from stackctl.bench import compare, result, tables
from stackctl.bench.compare import Difference
from stackctl.bench.result import Result
from stackctl.commands.bench.run import folder
from stackctl.model import StackError
from stackctl.system import shelf, terminal

_HEADER = ("WHAT", "AT ONCE", "FIGURE", "A", "B", "B : A", "95 %", "VERDICT")


def listing(*, as_json: bool) -> int:
    """What was measured, the oldest first; a file that cannot be read is named, not fatal."""
    where = folder(settings.find_root())
    found, broken = [], []
    for name in shelf.names(where):
        try:
            found.append(_load(where, name))
        except StackError as error:
            broken.append(error.message)
    if as_json:
        rows = [
            {"id": one.id, "at": one.at, "runs": [[run.name, run.model] for run in one.runs]}
            for one in found
        ]
        terminal.out(json.dumps({"results": rows, "broken": broken}, indent=2))
        return 0
    if not found:
        terminal.out("nothing was measured yet: stackctl bench")
    else:
        terminal.out(report.table(tables.LISTING, tables.listing(found)))
    for line in broken:
        terminal.err(f"warning: {line}")
    return 0


def differences(first: str, second: str, *, as_json: bool) -> int:
    """B against A. 1 if B is slower in any figure, or breaks down where A does not."""
    where = folder(settings.find_root())
    a, b = _load(where, first), _load(where, second)
    found, broken, unlike = compare.compare(a, b), compare.broken(a, b), compare.unlike(a, b)
    if not found and not broken:
        raise StackError(
            f"{a.id} and {b.id} have no API and concurrency in common",
            fix="measure the same roles: stackctl bench list",
        )
    worse = bool(broken) or any(one.verdict == "slower" for one in found)
    if as_json:
        shown = {"a": a.id, "b": b.id, "worse": worse, "unlike": unlike, "broken": broken}
        figures = [asdict(one) for one in found]
        terminal.out(json.dumps(shown | {"figures": figures}, indent=2))
    else:
        terminal.out(_text(a, b, found, [*(f"note: {line}" for line in unlike), *broken]))
    return 1 if worse else 0


def _load(where: Path, name: str) -> Result:
    raw = shelf.read(where, name)
    try:
        return result.load(raw)
    except ValueError as error:
        raise StackError(f"{name}: {error}", fix="stackctl bench list") from None


def _text(a: Result, b: Result, found: Sequence[Difference], said: Sequence[str]) -> str:
    lines = [f"A = {a.id}, B = {b.id}", *said]
    if not found:
        return "\n".join(lines)
    lines.append(report.table(_HEADER, [_row(one) for one in found]))
    real = [one for one in found if one.verdict in ("faster", "slower")]
    if not real:
        lines.append("no difference of times that would be more than noise and more than 3 %")
    for one in real:
        change = abs(one.ratio - 1)
        lines.append(
            f"{one.name} at {one.concurrency} at once: {_label(one)} is {change:.0%} "
            f"{'shorter' if one.ratio < 1 else 'longer'} in B"
        )
    return "\n".join(lines)


def _row(one: Difference) -> tuple[str, ...]:
    return (
        one.name,
        str(one.concurrency),
        _label(one),
        f"{tables.number(one.a * 1000)} ms",
        f"{tables.number(one.b * 1000)} ms",
        f"{one.ratio:.3f}",
        f"{one.low:.3f} .. {one.high:.3f}",
        one.verdict,
    )


def _label(one: Difference) -> str:
    return one.figure if one.figure == "latency" else one.figure.upper()
