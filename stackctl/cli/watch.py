"""The command line of what the box remembers."""

from __future__ import annotations

import argparse
import re
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add(verbs: _Verbs) -> None:
    """`history`."""
    text = "what was wrong, for how long, why, what was done; how long each service was up"
    history = verbs.add_parser("history", help=text, description=text, epilog=words.EPILOG)
    words.roles(history)
    history.add_argument(
        "--since",
        type=span,
        default=span("7d"),
        metavar="SPAN",
        help="how far back, e.g. 90m, 12h, 7d, 4w (default 7d)",
    )
    words.json_flag(history)
    history.set_defaults(run=_history)


def span(text: str) -> int:
    """`90m` -> 5400 seconds."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time: write 90m, 12h, 7d or 4w")
    return int(match[1]) * _UNITS[match[2]]


def _history(args: argparse.Namespace) -> int:
    from stackctl.commands import history

    return history.history(args.roles, since=args.since, as_json=args.json)
