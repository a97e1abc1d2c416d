"""The command line of `stackctl net`: the way from a client to the gateway."""

from __future__ import annotations

import argparse
import ipaddress
from typing import TypeAlias

from stackctl.cli import words

_Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add(verbs: _Verbs) -> None:
    """`net`, which alone shows the way, and its own verbs."""
    text = "the way from the internet to the gateway, hop by hop, each tested"
    net = verbs.add_parser("net", help=text, description=text, epilog=words.EPILOG)
    words.json_flag(net)
    net.set_defaults(run=_way)
    below = net.add_subparsers(metavar="COMMAND")
    _add_forward(below)


def _add_forward(below: _Verbs) -> None:
    text = "the router's port forwarding to the gateway, by UPnP or NAT-PMP"
    forward = below.add_parser("forward", help=text, description=text, epilog=words.EPILOG)
    verbs = forward.add_subparsers(metavar="COMMAND", required=True)

    text = "ask the router to send a port of the internet to the gateway's TLS port"
    add_ = verbs.add_parser("add", help=text, description=text, epilog=words.EPILOG)
    add_.add_argument(
        "--external", type=port, metavar="PORT", help="the router's port (default: the gateway's)"
    )
    add_.add_argument(
        "--lease",
        type=lease,
        default=3600,
        metavar="SECONDS",
        help="how long it holds; the watch timer renews it (default 3600; 0: a week)",
    )
    add_.add_argument("--router", type=ipv4, metavar="ADDRESS", help="where several answer")
    add_.add_argument(
        "--anyway", action="store_true", help="also if the router has no public address itself"
    )
    words.dry_run(add_)
    add_.set_defaults(run=_forward_add)

    text = "what was asked of the router, and whether it still holds"
    here = verbs.add_parser("list", help=text, description=text, epilog=words.EPILOG)
    words.json_flag(here)
    here.set_defaults(run=_forward_list)

    text = "take the router's forwarding back"
    remove = verbs.add_parser("remove", help=text, description=text, epilog=words.EPILOG)
    words.dry_run(remove)
    remove.set_defaults(run=_forward_remove)

    text = "ask again for what is lost or ends soon; the watch timer does it"
    renew = verbs.add_parser("renew", help=text, description=text, epilog=words.EPILOG)
    words.dry_run(renew)
    renew.set_defaults(run=_forward_renew)


def port(text: str) -> int:
    """`8443` -> 8443."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535")
    return int(text)


def lease(text: str) -> int:
    """Seconds; 0 is the longest there is."""
    if not text.isdecimal() or int(text) > 604800:
        raise argparse.ArgumentTypeError(f"{text!r} is no lease: up to 604800 seconds, a week")
    return int(text)


def ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address") from None


def _way(args: argparse.Namespace) -> int:
    from stackctl.commands.net import way

    return way.show(as_json=args.json)


def _forward_add(args: argparse.Namespace) -> int:
    from stackctl.commands.net import forward

    return forward.add(
        external=args.external,
        lease=args.lease,
        router=args.router,
        anyway=args.anyway,
        dry_run=args.dry_run,
    )


def _forward_list(args: argparse.Namespace) -> int:
    from stackctl.commands.net import forward

    return forward.show(as_json=args.json)


def _forward_remove(args: argparse.Namespace) -> int:
    from stackctl.commands.net import forward

    return forward.remove(dry_run=args.dry_run)


def _forward_renew(args: argparse.Namespace) -> int:
    from stackctl.commands.net import forward

    return forward.renew(dry_run=args.dry_run)
