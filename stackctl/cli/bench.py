"""The command line of `stackctl bench`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_EPILOG = f"""`stackctl bench list` shows what was measured, `stackctl bench compare A B` what of
two results is a real difference and what is noise (A, B: from the list, `last`, or a .json file).
{words.EPILOG}"""


def add(verbs: _Verbs) -> None:
    """`bench`."""
    text = "how fast it is: time to first token, tokens/s, alone and under load"
    bench = verbs.add_parser("bench", help=text, description=text, epilog=_EPILOG)
    bench.add_argument(
        "roles",
        nargs="*",
        metavar="ROLE",
        help="main, coder ... (default: all that chat or transcribe); or: list; or: compare A B",
    )
    words.project(bench)
    _number(bench, "--input", 512, "TOKENS", "length of each prompt")
    _number(bench, "--output", 128, "TOKENS", "of each answer at most")
    _number(bench, "--requests", 32, "N", "of each step, or four for each at once")
    _number(bench, "--warm-up", 2, "N", "requests ahead of all, which do not count")
    _number(bench, "--most", 64, "N", "at once at most; doubled from 1 until the knee")
    bench.add_argument(
        "--concurrency", type=_levels, default=(), metavar="N,N...", help="these steps, no others"
    )
    bench.add_argument("--against", metavar="URL", help="beside it another API: its base URL")
    bench.add_argument("--model", metavar="NAME", help="the model there")
    bench.add_argument("--key-env", default="", metavar="VARIABLE", help="that has the key there")
    bench.add_argument(
        "--no-thinking", action="store_true", help="ask that API for reasoning_effort none"
    )
    _number(bench, "--seconds", 120, "N", "after which a step begins no more requests")
    _number(bench, "--timeout", 300, "N", "seconds without a token until a request has failed")
    bench.add_argument("--seed", type=words.positive, metavar="N", help="the prompts of that run")
    bench.add_argument("--price", type=_price, metavar="AMOUNT", help="of a kWh, for the cost")
    bench.add_argument("--currency", default="EUR", help="of --price (default EUR)")
    bench.add_argument("--html", default="", metavar="FILE", help="write the page there as well")
    words.dry_run(bench)
    words.json_flag(bench)
    bench.set_defaults(run=_bench, usage=bench)


def _bench(args: argparse.Namespace) -> int:
    first, rest = (args.roles or [""])[0], args.roles[1:]
    if first == "list":
        if rest:
            args.usage.error("list takes no more words")
        from stackctl.commands.bench import past

        return past.listing(as_json=args.json)
    if first == "compare":
        if len(rest) != 2:
            args.usage.error("compare takes two results: stackctl bench compare A B")
        from stackctl.commands.bench import past

        return past.differences(*rest, as_json=args.json)
    return _measure(args)


def _measure(args: argparse.Namespace) -> int:
    if bool(args.against) != bool(args.model):
        args.usage.error("--against and --model belong together")
    if (args.key_env or args.no_thinking) and not args.against:
        args.usage.error("--key-env and --no-thinking are for --against")
    from stackctl.bench.plan import Shape
    from stackctl.commands.bench import run
    from stackctl.commands.bench.aims import Against

    against = None
    if args.against:
        against = Against(args.against, args.model, args.key_env, not args.no_thinking)
    shape = Shape(args.input, args.output, args.warm_up, args.requests, args.most, args.concurrency)
    options = run.Options(
        shape,
        against,
        args.seed,
        args.seconds,
        args.timeout,
        args.price,
        args.currency,
        args.html,
        args.project,
    )
    return run.bench(args.roles, options, dry_run=args.dry_run, as_json=args.json)


def _number(
    parser: argparse.ArgumentParser, name: str, default: int, metavar: str, text: str
) -> None:
    parser.add_argument(
        name,
        type=words.positive,
        default=default,
        metavar=metavar,
        help=f"{text} (default {default})",
    )


def _levels(text: str) -> tuple[int, ...]:
    return tuple(sorted({words.positive(word) for word in text.split(",")}))


def _price(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no price: 0.30")
    return value
