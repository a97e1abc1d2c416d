"""A result in words and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackctl.bench.result import Energy, Result, Run, Spread, Step

#: beyond this share of a core the client may be what was measured
BUSY = 0.8
HEADER = ("AT ONCE", "TTFT p50", "p95", "TPOT p50", "p95", "TOK/S EACH", "TOK/S", "REQ/S", "FAILED")
SIDE = ("NAME", "MODEL", "LATENCY", "TOK/S EACH", "TTFT", "TPOT", "TOKENS IN", "OUT", "COST/M")


def rows(run: Run) -> list[tuple[str, ...]]:
    """One for each concurrency; the knee is marked."""
    return [_row(step, knee=step.concurrency == run.knee) for step in run.steps]


def _row(step: Step, *, knee: bool) -> tuple[str, ...]:
    return (
        f"{step.concurrency}{' <- knee' if knee else ''}",
        ms(step.ttft, "median"),
        ms(step.ttft, "p95"),
        ms(step.tpot, "median"),
        ms(step.tpot, "p95"),
        number(step.speed.median) if step.speed else "-",
        number(step.tokens_per_s),
        number(step.requests_per_s),
        f"{step.failed} of {step.requests}" if step.failed else "-",
    )


def side_by_side(result: Result) -> list[tuple[str, ...]]:
    """Each API at its lowest concurrency, the fastest first."""
    firsts = [(run, run.steps[0]) for run in result.runs if run.steps]
    firsts.sort(key=lambda pair: pair[1].latency.median if pair[1].latency else float("inf"))
    return [
        (
            run.name,
            run.model,
            f"{step.latency.median:.2f} s" if step.latency else "-",
            number(step.speed.median) if step.speed else "-",
            ms(step.ttft, "median"),
            ms(step.tpot, "median"),
            f"{step.prompt_tokens:.0f}" if step.prompt_tokens else "-",
            f"{step.output_tokens:.0f}",
            cost(step.energy, result.currency),
        )
        for run, step in firsts
    ]


def notes(run: Run) -> Iterator[str]:
    """What one has to know before one believes the figures."""
    yield from run.notes
    if run.stopped and run.steps:
        yield f"ended at {run.steps[-1].concurrency} at once: {run.stopped}"
    elif len(run.steps) > 1 and run.knee == run.steps[-1].concurrency:
        yield f"more than {run.knee} at once may still gain: --most, --concurrency"
    for step in run.steps:
        if step.cpu > BUSY:
            yield (
                f"at {step.concurrency} at once stackctl itself used {step.cpu:.0%} of a core: it "
                "may be what was measured"
            )
        if step.throttled:
            yield f"at {step.concurrency} at once {step.throttled} answers were 429, and waited out"
        for name, times in step.failures.items():
            detail = step.details.get(name, "")
            said = f": {detail}" if detail else ""
            yield f"at {step.concurrency} at once {times} times {name}{said}"
    good = [step for step in run.steps if step.failed < step.requests]
    if any(not step.counted for step in good):
        yield "the server does not count tokens: one for each chunk, which may hold several"
    thinking = [step for step in good if step.reasoning_tokens]
    if thinking:
        first = thinking[0]
        yield (
            f"of {first.output_tokens:.0f} output tokens {first.reasoning_tokens:.0f} are "
            "reasoning; TTFT is the first of either"
        )
    late = [s for s in good if s.ttft and s.first and s.ttft.median > 1.05 * s.first.median]
    if late:
        yield (
            f"at {late[0].concurrency} at once the first chunk, without a text, comes after "
            f"{ms(late[0].first, 'median')}: what vllm bench calls TTFT"
        )
    energies = [step.energy for step in good if step.energy]
    if energies:
        best = min(energies, key=lambda e: e.per_token)
        yield (
            f"energy of the GPUs: {best.per_token:.3g} J per output token at best, "
            f"{best.watts:.0f} W"
        )


def ms(spread: Spread | None, which: str) -> str:
    return f"{number(getattr(spread, which) * 1000)} ms" if spread else "-"


def number(value: float) -> str:
    """Three digits, more where they stand before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def cost(energy: Energy | None, currency: str) -> str:
    if energy is None or energy.cost is None:
        return "-"
    return f"{energy.cost:.3g} {currency}"


def listing(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """One line for each: number of steps, and the best throughput."""
    return [
        (
            result.id,
            ", ".join(f"{run.name} ({run.model})" for run in result.runs),
            f"{result.prompt_tokens} -> {result.output_tokens}",
            number(max((s.tokens_per_s for run in result.runs for s in run.steps), default=0.0)),
        )
        for result in results
    ]


LISTING = ("ID", "WHAT", "TOKENS", "BEST TOK/S")
