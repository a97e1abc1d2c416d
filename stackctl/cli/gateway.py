"""The command line of the gateway's keys."""

from __future__ import annotations

import argparse
import re
import time
from typing import Any, TypeAlias

from stackctl.cli import words
from stackctl.cli.watch import span

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_PRIORITIES = ("high", "normal", "low")
_LIMITS = ("rpm", "concurrent", "models", "priority", "expires")
_MOST = 1_000_000


def add(verbs: _Verbs) -> None:
    """`keys`."""
    text = "who may come in through the gateway: one key each, with limits"
    keys = verbs.add_parser("keys", help=text, description=text, epilog=words.EPILOG)
    below = keys.add_subparsers(metavar="COMMAND", required=True)

    one = _verb(below, "add", "a key for somebody new; it is shown once")
    _limits(one)
    one.set_defaults(run=_add)

    text = "the keys there are, their limits, and what came of them since the gateway's start"
    every = below.add_parser("list", help=text, description=text, epilog=words.EPILOG)
    words.json_flag(every)
    every.set_defaults(run=_list)

    one = _verb(below, "change", "other limits for a key; those not named stay")
    _limits(one)
    one.set_defaults(run=_change)

    one = _verb(below, "rotate", "a new key for the same name, with the same limits")
    one.add_argument(
        "--keep",
        type=span,
        default=0,
        metavar="SPAN",
        help="let the old key in for so long, e.g. 1h (default: it ends at once)",
    )
    one.set_defaults(run=_rotate)

    one = _verb(below, "revoke", "let nobody in with this key; answers that run are not cut off")
    one.set_defaults(run=_revoke)


def _verb(below: _Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser = below.add_parser(name, help=text, description=text, epilog=words.EPILOG)
    parser.add_argument("name", metavar="NAME", help="whose key: in the log, in `keys list`")
    words.json_flag(parser)
    return parser


def _limits(parser: argparse.ArgumentParser) -> None:
    unset: dict[str, Any] = {"default": argparse.SUPPRESS}
    parser.add_argument(
        "--rpm", type=limit, metavar="N", help="requests per minute; none is no limit", **unset
    )
    parser.add_argument(
        "--concurrent", type=limit, metavar="N", help="requests at once; none is no limit", **unset
    )
    parser.add_argument(
        "--models",
        type=models,
        metavar="A,B",
        help="only these, by model, alias or role; all is no limit",
        **unset,
    )
    parser.add_argument(
        "--priority", choices=_PRIORITIES, help="rank in the engines' queues", **unset
    )
    parser.add_argument(
        "--expires",
        type=moment,
        metavar="WHEN",
        help="30d, 12h, or a date, the last on which it works: 2027-01-31; never is no end",
        **unset,
    )


def limit(text: str) -> int | None:
    """`60`; none -> None."""
    if text == "none":
        return None
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no limit: a number from 1, or none")
    return int(text)


def models(text: str) -> tuple[str, ...]:
    """`main,gpt-4o`; all -> ()."""
    names = tuple(dict.fromkeys(filter(None, text.split(","))))
    if not names:
        raise argparse.ArgumentTypeError(f"{text!r} names no model: main,coder or all")
    return () if names == ("all",) else names


def moment(text: str) -> float | None:
    """`30d` from now, the end of `2027-01-31` here, as an epoch; never -> None."""
    if text == "never":
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        year, month, day = map(int, text.split("-"))
        try:
            time.strptime(text, "%Y-%m-%d")
            # the next midnight, whatever the clocks do that night
            end = time.mktime((year, month, day + 1, 0, 0, 0, 0, 0, -1))
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} is no date") from None
        if end <= time.time():
            raise argparse.ArgumentTypeError(f"{text} is over already")
        return end
    try:
        return time.time() + span(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 30d, 12h, 2027-01-31 or never"
        ) from None


def _chosen(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, name) for name in _LIMITS if hasattr(args, name)}


def _add(args: argparse.Namespace) -> int:
    from stackctl.commands.gateway import keys

    return keys.add(args.name, _chosen(args), as_json=args.json)


def _list(args: argparse.Namespace) -> int:
    from stackctl.commands.gateway import keys_list

    return keys_list.show(as_json=args.json)


def _change(args: argparse.Namespace) -> int:
    from stackctl.commands.gateway import keys

    return keys.change(args.name, _chosen(args), as_json=args.json)


def _rotate(args: argparse.Namespace) -> int:
    from stackctl.commands.gateway import keys

    return keys.rotate(args.name, keep=args.keep, as_json=args.json)


def _revoke(args: argparse.Namespace) -> int:
    from stackctl.commands.gateway import keys

    return keys.revoke(args.name, as_json=args.json)
