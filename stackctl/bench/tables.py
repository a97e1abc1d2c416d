"""A result in words and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackctl.bench.result import Energy, Result, Run, Spread, Step

#: beyond this share of a core the client may be what was measured
BUSY = 0.8
_CHATS = ("AT ONCE", "TTFT p50", "p95", "TPOT p50", "p95", "TOK/S EACH", "TOK/S", "REQ/S", "FAILED")
_SOUND = ("AT ONCE", "LATENCY p50", "p95", "RTF p50", "p95", "SOUND S/S", "REQ/S", "FAILED")
SIDE = ("NAME", "MODEL", "LATENCY", "TOK/S EACH", "TTFT", "TPOT", "TOKENS IN", "OUT", "COST/M")


def sent(result: Result, run: Run) -> str:
    """What each of its requests is."""
    if run.audio:
        return f"{run.audio:.0f} s of sound each"
    return f"{result.prompt_tokens} tokens in, at most {result.output_tokens} out"


def header(run: Run) -> tuple[str, ...]:
    """Of `rows`."""
    return _SOUND if run.audio else _CHATS


def rows(run: Run) -> list[tuple[str, ...]]:
    """One for each concurrency; the knee is marked."""
    columns = _of_sound if run.audio else _of_chats
    return [
        (
            f"{step.concurrency}{' <- knee' if step.concurrency == run.knee else ''}",
            *columns(step),
            number(step.requests_per_s),
            f"{step.failed} of {step.requests}" if step.failed else "-",
        )
        for step in run.steps
    ]


def _of_sound(step: Step) -> tuple[str, ...]:
    return (
        ms(step.latency, "median"),
        ms(step.latency, "p95"),
        number(step.rtf.median) if step.rtf else "-",
        number(step.rtf.p95) if step.rtf else "-",
        number(step.audio_per_s),
    )


def _of_chats(step: Step) -> tuple[str, ...]:
    return (
        ms(step.ttft, "median"),
        ms(step.ttft, "p95"),
        ms(step.tpot, "median"),
        ms(step.tpot, "p95"),
        number(step.speed.median) if step.speed else "-",
        number(step.tokens_per_s),
    )


def side_by_side(result: Result) -> list[tuple[str, ...]]:
    """Each API that chats at its lowest concurrency, the fastest first; nothing of one alone."""
    firsts = [(run, run.steps[0]) for run in result.runs if run.steps and not run.audio]
    if len(firsts) < 2:
        return []
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
    """One line for each, with the best throughput of each API."""
    return [
        (
            result.id,
            ", ".join(f"{run.name} ({run.model})" for run in result.runs),
            "; ".join(dict.fromkeys(sent(result, run) for run in result.runs)),
            ", ".join(best(run) for run in result.runs),
        )
        for result in results
    ]


def best(run: Run) -> str:
    """The largest throughput of all its steps."""
    if run.audio:
        return f"{number(max(step.audio_per_s for step in run.steps))} s/s"
    return f"{number(max((step.tokens_per_s for step in run.steps), default=0.0))} tok/s"


LISTING = ("ID", "WHAT", "SENT", "BEST")
