"""The command line of the proofs of service."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: _Verbs) -> None:
    """`prove`."""
    text = "prove that what runs is of use: tool calls"
    prove = verbs.add_parser("prove", help=text, description=text, epilog=words.EPILOG)
    below = prove.add_subparsers(metavar="COMMAND", required=True)

    tools = _verb(below, "tools", "whether tool calls come as clients expect them, and how often")
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


def _verb(below: _Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser = below.add_parser(name, help=text, description=text, epilog=words.EPILOG)
    words.roles(parser)
    words.project(parser)
    parser.add_argument(
        "--through",
        choices=("engine", "gateway"),
        default="engine",
        help="ask the engine itself (default), or as clients do",
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
        default=120,
        metavar="SECONDS",
        help="how long one answer may take (default 120)",
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
