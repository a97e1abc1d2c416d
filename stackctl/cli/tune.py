"""The command line of `stackctl tune`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_TEXT = """Try the settings of a declared space (env/tune/ROLE.toml) on the role's own GPUs: each
candidate is brought up, proven and measured. The role serves no clients meanwhile. Killed at any
time, the next run goes on where this one was; in the end the role is as it was before."""


def add(verbs: _Verbs) -> None:
    """`tune`."""
    tune = verbs.add_parser(
        "tune",
        help="find better settings for a role: each candidate brought up, proven, measured",
        description=_TEXT,
        epilog=words.EPILOG,
    )
    tune.set_defaults(run=_run)
    tune.add_argument("role", metavar="ROLE", help="main, coder ...")
    tune.add_argument("--space", default="", metavar="FILE", help="(default: env/tune/ROLE.toml)")
    tune.add_argument("--all", action="store_true", help="every value with every other")
    tune.add_argument("--again", action="store_true", help="forget what was measured before")
    instead = tune.add_mutually_exclusive_group()
    instead.add_argument(
        "--end", action="store_true", help="only: the role as it was before a run that was killed"
    )
    instead.add_argument(
        "--take", action="store_true", help="only: write the last winner into env/stack.env"
    )
    words.dry_run(instead)
    words.json_flag(tune)
    words.timeout(tune)


def _run(args: argparse.Namespace) -> int:
    from stackctl.commands.gates import Patience
    from stackctl.commands.tune import ending, run

    patience = Patience(args.timeout, args.stall)
    if args.end:
        return ending.end(args.role, patience)
    if args.take:
        return ending.take(args.role)
    options = run.Options(args.space, args.all, args.again, patience)
    return run.tune(args.role, options, dry_run=args.dry_run, as_json=args.json)
