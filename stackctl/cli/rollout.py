"""The command line of `stackctl rollout`."""

from __future__ import annotations

import argparse

from stackctl.cli import words


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "rollout",
        help="give a service its new settings, without downtime where there is a way",
        description="Give a service its new settings. Another replica answers meanwhile, or a "
        "second container on a GPU that has room; where there is neither, requests wait in the "
        "gateway. A new container that does not pass its gates leaves the old one in its place.",
        epilog=words.EPILOG,
    )
    parser.set_defaults(run=_run)
    parser.add_argument("role", metavar="ROLE", help="main, coder ...")
    parser.add_argument(
        "--drain",
        type=words.positive,
        default=600,
        metavar="SECONDS",
        help="how long running requests have to end (default 600)",
    )
    words.dry_run(parser)
    words.timeout(parser)


def _run(args: argparse.Namespace) -> int:
    from stackctl.commands.gates import Patience
    from stackctl.commands.gateway import rollout

    patience = Patience(args.timeout, args.stall)
    return rollout.rollout(args.role, drain=args.drain, patience=patience, dry_run=args.dry_run)
