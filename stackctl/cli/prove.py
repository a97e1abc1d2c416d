"""The command line of the proofs of service."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: _Verbs) -> None:
    """`prove`."""
    text = "prove that what runs is of use: tool calls, context window"
    prove = verbs.add_parser("prove", help=text, description=text, epilog=words.EPILOG)
    below = prove.add_subparsers(metavar="COMMAND", required=True)

    text = "whether tool calls come as clients expect them, and how often"
    tools = _verb(below, "tools", text, ways=("engine", "gateway"), timeout=120)
    tools.add_argument(
        "--times", type=words.positive, default=5, metavar="N", help="ask each so often (default 5)"
    )
    tools.add_argument(
        "--concurrency",
        type=words.positive,
        default=4,
        metavar="C",
        help="questions at once (default 4)",
    )
    tools.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="CASE",
        help="only this one, may be repeated; --list tells which there are",
    )
    tools.add_argument("--list", action="store_true", help="list the cases and end")
    tools.add_argument(
        "--max-tokens",
        type=words.positive,
        default=2048,
        metavar="N",
        help="of an answer, thoughts included (default 2048)",
    )
    tools.set_defaults(run=_tools)

    text = "whether the promised context window holds, and the model finds what is in it"
    context = _verb(below, "context", text, ways=("both", "engine", "gateway"), timeout=900)
    context.add_argument(
        "--steps",
        default="10,25,50,75,100",
        metavar="P,Q,...",
        help="lengths of the prompts, in per cent of the window (default 10,25,50,75,100)",
    )
    context.add_argument(
        "--context",
        type=words.positive,
        metavar="TOKENS",
        help="the promised window (default: that of the role)",
    )
    context.add_argument(
        "--max-ttft",
        type=words.positive,
        metavar="SECONDS",
        help="an error if a first token takes longer",
    )
    context.add_argument("--plot", default="", metavar="FILE.html", help="write a page with plots")
    context.set_defaults(run=_context)


def _verb(
    below: _Verbs, name: str, text: str, *, ways: tuple[str, ...], timeout: int
) -> argparse.ArgumentParser:
    parser = below.add_parser(name, help=text, description=text, epilog=words.EPILOG)
    words.roles(parser)
    words.project(parser)
    parser.add_argument(
        "--through",
        choices=ways,
        default=ways[0],
        help=f"ask the engine itself, or as clients do (default {ways[0]})",
    )
    parser.add_argument(
        "--key-env",
        default="",
        metavar="NAME",
        help="the environment variable that holds the API key; the gateway wants one",
    )
    parser.add_argument("--url", default="", help="any OpenAI-compatible server instead of a role")
    parser.add_argument("--model", default="", help="the model's name there")
    parser.add_argument(
        "--timeout",
        type=words.positive,
        default=timeout,
        metavar="SECONDS",
        help=f"how long one answer may take (default {timeout})",
    )
    words.json_flag(parser)
    return parser


def _tools(args: argparse.Namespace) -> int:
    from stackctl.commands.prove import cases, tools
    from stackctl.commands.prove.targets import Asked

    if args.list:
        return cases.list_cases(as_json=args.json)
    cases.check(args.case)
    asked = Asked(tuple(args.roles), args.project, args.through, args.key_env, args.url, args.model)
    effort = tools.Effort(args.times, args.concurrency, args.timeout, args.max_tokens)
    return tools.tools(asked, effort, args.case, as_json=args.json)


def _context(args: argparse.Namespace) -> int:
    from stackctl.commands.prove import context
    from stackctl.commands.prove.targets import Asked

    asked = Asked(tuple(args.roles), args.project, args.through, args.key_env, args.url, args.model)
    steps = tuple(context.percentages(args.steps))
    effort = context.Effort(steps, args.timeout, args.max_ttft, args.context)
    return context.context(asked, effort, as_json=args.json, plot=args.plot)
