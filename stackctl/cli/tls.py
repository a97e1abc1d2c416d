"""The command line of `stackctl tls`: the certificate of the gateway."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from stackctl.cli.words import EPILOG, dry_run, json_flag

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
_DAYS = 397


def add(verbs: _Verbs) -> None:
    """`tls` and its own verbs."""
    text = "the gateway's certificate: a local CA, your own, or Let's Encrypt"
    tls = verbs.add_parser("tls", help=text, description=text, epilog=EPILOG)
    below = tls.add_subparsers(metavar="COMMAND", required=True)
    _add_init(below)
    _add_use(below)
    _add_acme(below)
    text = "the certificate, until when, and whether the gateway serves it"
    show = below.add_parser("show", help=text, description=text, epilog=EPILOG)
    json_flag(show)
    show.set_defaults(run=_show)
    text = (
        "a new certificate of the local CA or by ACME, when less than a third of its life is left"
    )
    renew = below.add_parser("renew", help=text, description=text, epilog=EPILOG)
    renew.add_argument("--force", action="store_true", help="also when it is not due")
    dry_run(renew)
    renew.set_defaults(run=_renew)


def _add_init(below: _Verbs) -> None:
    text = "make a local CA, once, and a certificate of it; say how clients come to trust it"
    init = below.add_parser("init", help=text, description=text, epilog=EPILOG)
    init.add_argument(
        "--name",
        dest="names",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME|ADDRESS",
        help="what clients type (default: this box's names and addresses)",
    )
    init.add_argument(
        "--days", type=_days, default=_DAYS, metavar="N", help=f"at most {_DAYS}, the default"
    )
    init.add_argument(
        "--force",
        action="store_true",
        help="also in place of your own or an ACME certificate; with a new CA if the old one "
        "cannot sign this",
    )
    dry_run(init)
    init.set_defaults(run=_init)


def _add_use(below: _Verbs) -> None:
    text = "use a certificate of your own: PEM or DER, the chain in the same file as it"
    use = below.add_parser("use", help=text, description=text, epilog=EPILOG)
    use.add_argument("certificate", type=Path, metavar="CERT", help="e.g. fullchain.pem")
    use.add_argument("key", type=Path, metavar="KEY", help="e.g. privkey.pem, not encrypted")
    dry_run(use)
    use.set_defaults(run=_use)


def _add_acme(below: _Verbs) -> None:
    text = "a certificate of Let's Encrypt for a public name; port 80 must lead here"
    acme = below.add_parser("acme", help=text, description=text, epilog=EPILOG)
    acme.add_argument("name", metavar="NAME", help="e.g. ai.example.org")
    acme.add_argument("--email", default="", metavar="ADDRESS", help="for the authority's account")
    where = acme.add_mutually_exclusive_group()
    where.add_argument(
        "--staging", action="store_true", help="try it out: nobody trusts it, failures cost nothing"
    )
    where.add_argument("--directory", default="", metavar="URL", help="another ACME server")
    acme.add_argument("--agree-tos", action="store_true", help="agree to its terms of service")
    dry_run(acme)
    acme.set_defaults(run=_acme)


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _DAYS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of days from 1 to {_DAYS}, which clients accept"
        )
    return int(text)


def _init(args: argparse.Namespace) -> int:
    from stackctl.commands.tls import init

    return init.init(args.names, days=args.days, force=args.force, dry_run=args.dry_run)


def _use(args: argparse.Namespace) -> int:
    from stackctl.commands.tls import use

    return use.use(args.certificate, args.key, dry_run=args.dry_run)


def _acme(args: argparse.Namespace) -> int:
    from stackctl.commands.tls import acme
    from stackctl.system.acme import LETS_ENCRYPT, STAGING

    return acme.acme(
        args.name,
        email=args.email,
        directory=args.directory or (STAGING if args.staging else LETS_ENCRYPT),
        agree=args.agree_tos,
        dry_run=args.dry_run,
    )


def _show(args: argparse.Namespace) -> int:
    from stackctl.commands.tls import show

    return show.show(as_json=args.json)


def _renew(args: argparse.Namespace) -> int:
    from stackctl.commands.tls import renew

    return renew.renew(force=args.force, dry_run=args.dry_run)
