"""The command line of `stackctl models`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from stackctl.cli.words import EPILOG, dry_run, json_flag, positive

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_MODELS = "sources (hf:org/name, ollama:name:tag ...) or roles"


def add(verbs: _Verbs) -> None:
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

    _verify(below)
    _keep(below)
    _carry(below)


def _verify(below: _Verbs) -> None:
    text = "compare what is on the disk with the lock; exit 1 if anything is wrong"
    verify = below.add_parser("verify", help=text, description=text, epilog=EPILOG)
    verify.add_argument("names", nargs="*", metavar="MODEL", help=_MODELS)
    level = verify.add_mutually_exclusive_group()
    level.add_argument(
        "--quick", dest="level", action="store_const", const="quick", help="sizes, structure, dates"
    )
    level.add_argument(
        "--changed",
        dest="level",
        action="store_const",
        const="changed",
        help="and hash what is new or changed since its last hash (default)",
    )
    level.add_argument(
        "--full", dest="level", action="store_const", const="full", help="hash everything"
    )
    verify.add_argument(
        "--share",
        type=positive,
        metavar="N",
        help="with --full: one N-th of all bytes, those first whose hash is oldest (7: a week)",
    )
    verify.add_argument("--rate", type=positive, metavar="MB", help="at most so many MB a second")
    verify.add_argument("--idle", action="store_true", help="only when nobody else needs the disk")
    json_flag(verify)
    verify.set_defaults(run=_run_verify, level="changed")

    text = "fetch again what is wrong, and only that; restart what uses it"
    repair = below.add_parser("repair", help=text, description=text, epilog=EPILOG)
    repair.add_argument("names", nargs="*", metavar="MODEL", help=_MODELS)
    repair.add_argument(
        "--yes", action="store_true", help="also while a service uses it; it is restarted after"
    )
    dry_run(repair)
    repair.set_defaults(run=_run_repair)


def _keep(below: _Verbs) -> None:
    text = "the models that are here: size, source, when verified, used by which role"
    here = below.add_parser("list", help=text, description=text, epilog=EPILOG)
    json_flag(here)
    here.set_defaults(run=_run_list)

    text = "take models into the lock that nobody pulled with stackctl"
    adopt = below.add_parser("adopt", help=text, description=text, epilog=EPILOG)
    adopt.add_argument(
        "paths", nargs="*", metavar="PATH", help="files or folders (default: what the stack needs)"
    )
    adopt.add_argument(
        "--source", default="", metavar="SOURCE", help="whose hashes count (hf:org/name ...)"
    )
    dry_run(adopt)
    adopt.set_defaults(run=_run_adopt)

    text = "remove what no role needs: models, old revisions, broken downloads; asks first"
    prune = below.add_parser("prune", help=text, description=text, epilog=EPILOG)
    prune.add_argument("--yes", action="store_true", help="do not ask")
    dry_run(prune)
    prune.set_defaults(run=_run_prune)


def _carry(below: _Verbs) -> None:
    text = "write models with their lock to a folder or .tar, for a box without a network"
    export = below.add_parser("export", help=text, description=text, epilog=EPILOG)
    export.add_argument("target", metavar="TARGET", help="a folder, or a file that ends in .tar")
    export.add_argument("names", nargs="*", metavar="MODEL", help=_MODELS)
    export.set_defaults(run=_run_export)

    text = "take over what export wrote; every hash is checked on arrival"
    bring = below.add_parser("import", help=text, description=text, epilog=EPILOG)
    bring.add_argument("bundle", metavar="BUNDLE", help="a folder or .tar that export wrote")
    bring.add_argument(
        "--update", action="store_true", help="also where another revision is pinned here"
    )
    dry_run(bring)
    bring.set_defaults(run=_run_import)


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
    from stackctl.commands.models import update

    return update.update(args.names, dry_run=args.dry_run)


def _run_verify(args: argparse.Namespace) -> int:
    from stackctl.commands.models import verify

    return verify.verify(
        args.names,
        level=args.level,
        share=args.share,
        rate=args.rate,
        idle=args.idle,
        as_json=args.json,
    )


def _run_repair(args: argparse.Namespace) -> int:
    from stackctl.commands.models import repair

    return repair.repair(args.names, yes=args.yes, dry_run=args.dry_run)


def _run_list(args: argparse.Namespace) -> int:
    from stackctl.commands.models import overview

    return overview.overview(as_json=args.json)


def _run_adopt(args: argparse.Namespace) -> int:
    from stackctl.commands.models import adopt

    return adopt.adopt(args.paths, source=args.source, dry_run=args.dry_run)


def _run_prune(args: argparse.Namespace) -> int:
    from stackctl.commands.models import prune

    return prune.prune(yes=args.yes, dry_run=args.dry_run)


def _run_export(args: argparse.Namespace) -> int:
    from stackctl.commands.models import bundle

    return bundle.export(args.target, args.names)


def _run_import(args: argparse.Namespace) -> int:
    from stackctl.commands.models import bundle

    return bundle.bring(args.bundle, update=args.update, dry_run=args.dry_run)
