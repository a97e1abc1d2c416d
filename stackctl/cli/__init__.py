"""The command line: parser and dispatch.

Nothing but argparse is imported here, so that `--help` is instant; a verb imports what it needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from stackctl import __version__
from stackctl.cli import (
    bench,
    chat,
    connect,
    doctor,
    gateway,
    models,
    net,
    prove,
    rollout,
    tls,
    tune,
    watch,
    words,
)


def run(argv: list[str] | None = None) -> int:
    """Parse and run one command; its exit code."""
    args = _parser().parse_args(argv)
    code: int = args.run(args)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stackctl",
        description="Bring up, prove and watch open models on one multi-GPU Linux box.",
        epilog=words.EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"stackctl {__version__}")
    kind: type[argparse.ArgumentParser] = words.Parser
    verbs = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=kind)

    up = _verb(verbs, "up", _up, "start the services, and prove each on its GPUs")
    words.roles(up)
    words.dry_run(up)
    words.timeout(up)

    down = _verb(verbs, "down", _down, "stop and remove the services; models stay")
    words.roles(down)
    words.project(down, "what this clone brought up")
    words.dry_run(down)

    restart = _verb(verbs, "restart", _restart, "recreate the services, and prove each again")
    words.roles(restart)
    words.dry_run(restart)
    words.timeout(restart)

    status = _verb(verbs, "status", _status, "a picture of the box: GPUs and services")
    words.project(status)
    words.json_flag(status)

    logs = _verb(verbs, "logs", _logs, "show the engines' logs")
    words.roles(logs)
    words.project(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines")
    logs.add_argument(
        "-n",
        "--tail",
        type=words.positive,
        default=100,
        metavar="N",
        help="lines each (default 100)",
    )

    verify = _verb(verbs, "verify", _verify, "check that everything is as promised; exit 1 if not")
    words.roles(verify)
    words.project(verify)
    verify.add_argument("--answers", action="store_true", help="ask each for a real answer as well")
    verify.add_argument("--list", action="store_true", help="list the checks and end")
    words.json_flag(verify)
    watch.add_to_verify(verify)

    lint = _verb(verbs, "lint", _lint, "find mistakes in compose files and engine commands")
    lint.add_argument("files", nargs="*", metavar="COMPOSE_FILE", help="(default: our own stack)")
    lint.add_argument("--command", metavar="TEXT", help="one `docker run` or engine command")
    lint.add_argument("--fix", action="store_true", help="write the corrections that are safe")
    lint.add_argument(
        "--env-file", action="append", default=[], metavar="FILE", help="variables for ${…}"
    )
    lint.add_argument("--list", action="store_true", help="list the rules and end")
    words.json_flag(lint)

    bench.add(verbs)
    chat.add(verbs)
    connect.add(verbs)
    doctor.add(verbs)
    gateway.add(verbs)
    models.add(verbs)
    net.add(verbs)
    prove.add(verbs)
    rollout.add(verbs)
    tls.add(verbs)
    tune.add(verbs)
    watch.add(verbs)
    return parser


def _up(args: argparse.Namespace) -> int:
    from stackctl.commands import gates, up

    patience = gates.Patience(args.timeout, args.stall)
    return up.up(args.roles, dry_run=args.dry_run, patience=patience)


def _restart(args: argparse.Namespace) -> int:
    from stackctl.commands import gates, up

    patience = gates.Patience(args.timeout, args.stall)
    return up.up(args.roles, dry_run=args.dry_run, patience=patience, recreate=True)


def _down(args: argparse.Namespace) -> int:
    from stackctl.commands import down

    return down.down(args.roles, project=args.project, dry_run=args.dry_run)


def _status(args: argparse.Namespace) -> int:
    from stackctl.commands import status

    return status.status(project=args.project, as_json=args.json)


def _logs(args: argparse.Namespace) -> int:
    from stackctl.commands import down

    return down.logs(args.roles, project=args.project, follow=args.follow, tail=args.tail)


def _verify(args: argparse.Namespace) -> int:
    from stackctl.commands import verify

    if args.list:
        return verify.list_checks(as_json=args.json)
    return verify.verify(
        args.roles,
        project=args.project,
        answers=args.answers,
        as_json=args.json,
        record=args.record,
        heal=args.heal,
        quiet=args.quiet,
    )


def _lint(args: argparse.Namespace) -> int:
    from stackctl.commands import lint

    if args.list:
        return lint.list_rules(as_json=args.json)
    return lint.lint(
        args.files,
        command=args.command,
        env_files=args.env_file,
        write=args.fix,
        as_json=args.json,
    )


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=text, description=text, epilog=words.EPILOG)
    parser.set_defaults(run=run)
    return parser
