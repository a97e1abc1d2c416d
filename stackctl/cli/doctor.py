"""The command line of `stackctl doctor`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli.words import EPILOG, json_flag

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: _Verbs) -> None:
    """`doctor`."""
    text = "examine the host: driver, GPUs, Docker, network; exit 1 if something is broken"
    doctor = verbs.add_parser("doctor", help=text, description=text, epilog=EPILOG)
    doctor.add_argument("--fix", action="store_true", help="offer each safe repair, one by one")
    doctor.add_argument("--yes", action="store_true", help="with --fix: do them all, do not ask")
    doctor.add_argument("--list", action="store_true", help="list the checks and end")
    json_flag(doctor)
    doctor.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from stackctl.commands import doctor

    if args.list:
        return doctor.list_looks(as_json=args.json)
    return doctor.doctor(fix=args.fix, yes=args.yes, as_json=args.json)
