"""The command line of `stackctl connect`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
_CLIENTS = ("curl", "python", "langchain", "javascript", "powershell", "open-webui", "continue")


def add(verbs: _Verbs) -> None:
    """`connect`."""
    text = "what a client needs, ready to paste: address, models, examples"
    connect = verbs.add_parser("connect", help=text, description=text, epilog=words.EPILOG)
    connect.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="whose key: tells its limits, and of the models those it may use",
    )
    connect.add_argument(
        "--for",
        dest="client",
        choices=_CLIENTS,
        metavar="CLIENT",
        help=f"the examples for one client and nothing else: {', '.join(_CLIENTS)}",
    )
    connect.add_argument(
        "--address",
        default="",
        metavar="NAME|ADDRESS|URL",
        help="by which clients come (default: TLS for others if there is, else this machine)",
    )
    words.json_flag(connect)
    connect.set_defaults(run=_connect)


def _connect(args: argparse.Namespace) -> int:
    from stackctl.commands import connect

    return connect.connect(args.name, client=args.client, typed=args.address, as_json=args.json)
