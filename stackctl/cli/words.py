"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

EPILOG = "Exit codes: 0 fine, 1 something is wrong and explained, 2 usage, 3 a bug in stackctl."


class Parser(argparse.ArgumentParser):
    """Of one command. `mixed`: options may stand between its words, which argparse else takes only
    where they stand together."""

    mixed = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if not self.mixed:
            return super().parse_known_args(args, namespace)
        self.mixed = False  # it comes back here for each of its two rounds
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixed = True


def roles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("roles", nargs="*", metavar="ROLE", help="main, coder ... (default: all)")


def project(parser: argparse.ArgumentParser, default: str = "all here") -> None:
    parser.add_argument(
        "--project",
        metavar="NAME",
        help=f"only this Compose project (default: COMPOSE_PROJECT_NAME if set, else {default})",
    )


def dry_run(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, do none")


def json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=positive,
        default=1800,
        metavar="SECONDS",
        help="how long a service may load (default 1800)",
    )
    parser.add_argument(
        "--stall",
        type=positive,
        default=300,
        metavar="SECONDS",
        help="give up sooner if there is no log line and no growth of GPU memory (default 300)",
    )


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
