"""The command line of what the box remembers, and of what mends it."""

from __future__ import annotations

import argparse
import re
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add(verbs: _Verbs) -> None:
    """`history`, `heal`, `watch`."""
    _add_heal(verbs)
    _add_watch(verbs)
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


def add_to_verify(verify: argparse.ArgumentParser) -> None:
    """What makes of `verify` the command of a timer."""
    verify.add_argument("--record", action="store_true", help="remember this run, and send alerts")
    verify.add_argument("--heal", action="store_true", help="mend what can be, then check again")
    verify.add_argument("--quiet", action="store_true", help="print only what is wrong")


def _add_heal(verbs: _Verbs) -> None:
    text = "recreate the services that a new container mends; say why not the others"
    heal = verbs.add_parser("heal", help=text, description=text, epilog=words.EPILOG)
    words.roles(heal)
    words.dry_run(heal)
    heal.add_argument(
        "--again", action="store_true", help="also what was given up after three attempts"
    )
    words.timeout(heal)
    heal.set_defaults(run=_heal)


def _add_watch(verbs: _Verbs) -> None:
    text = "run `verify --heal --record` every minute, by systemd or cron"
    watch = verbs.add_parser("watch", help=text, description=text, epilog=words.EPILOG)
    watch.add_argument("action", choices=("install", "remove"), help="set the timers up, or end it")
    words.dry_run(watch)
    watch.set_defaults(run=_watch)


def _heal(args: argparse.Namespace) -> int:
    from stackctl.commands import gates, heal

    patience = gates.Patience(args.timeout, args.stall)
    return heal.command(args.roles, dry_run=args.dry_run, again=args.again, patience=patience)


def _watch(args: argparse.Namespace) -> int:
    from stackctl.commands import watch

    if args.action == "install":
        return watch.install(dry_run=args.dry_run)
    return watch.remove(dry_run=args.dry_run)


def span(text: str) -> int:
    """`90m` -> 5400 seconds."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time: write 90m, 12h, 7d or 4w")
    return int(match[1]) * _UNITS[match[2]]


def _history(args: argparse.Namespace) -> int:
    from stackctl.commands import history

    return history.history(args.roles, since=args.since, as_json=args.json)
