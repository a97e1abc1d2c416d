"""The command line of `stackctl models`."""

from __future__ import annotations

import argparse

from stackctl.cli.words import EPILOG, dry_run

_MODELS = "sources (hf:org/name, ollama:name:tag ...) or roles"


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`models` and its own verbs."""
    text = "the files that engines load: pull, lock, verify, repair"
    models = verbs.add_parser("models", help=text, description=text, epilog=EPILOG)
    below = models.add_subparsers(metavar="COMMAND", required=True)

    text = "bring models here, whole and proven; without a name those that the stack needs"
    pull = below.add_parser("pull", help=text, description=text, epilog=EPILOG)
    pull.add_argument("names", nargs="*", metavar="MODEL", help=_MODELS)
    _where(pull)
    dry_run(pull)
    pull.set_defaults(run=_pull)

    text = "move models on to what their publisher has now; pull never does that"
    update = below.add_parser("update", help=text, description=text, epilog=EPILOG)
    update.add_argument("names", nargs="*", metavar="MODEL", help=_MODELS)
    dry_run(update)
    update.set_defaults(run=_update)


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", default="", metavar="FOLDER", help="folder below the models' (comfyui/checkpoints)"
    )
    parser.add_argument(
        "--include", action="append", default=[], metavar="PATTERN", help="only such files"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help="no such files"
    )


def _pull(args: argparse.Namespace) -> int:
    from stackctl.commands.models import pull

    return pull.pull(
        args.names,
        folder=args.to,
        include=args.include,
        exclude=args.exclude,
        dry_run=args.dry_run,
    )


def _update(args: argparse.Namespace) -> int:
    from stackctl.commands.models import pull

    return pull.pull(args.names, update=True, dry_run=args.dry_run)
