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
    _add_firewall(below)
    _add_probe(below)


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


def _add_firewall(below: _Verbs) -> None:
    text = "rules that make the gateway the only door to what Docker publishes"
    firewall = below.add_parser("firewall", help=text, description=text, epilog=words.EPILOG)
    what = firewall.add_mutually_exclusive_group()
    what.add_argument("--install", action="store_true", help="put them in place, now and at boot")
    what.add_argument("--remove", action="store_true", help="take them away; all is as it was")
    firewall.add_argument(
        "--lan",
        type=network,
        action="append",
        default=[],
        metavar="CIDR",
        help="machines that still reach everything published, e.g. 192.168.1.0/24",
    )
    firewall.add_argument(
        "--allow",
        type=port,
        action="append",
        default=[],
        metavar="PORT",
        help="a port of the host that stays open to everybody, besides the gateway's",
    )
    words.dry_run(firewall)
    words.json_flag(firewall)
    firewall.set_defaults(run=_firewall)


def _add_probe(below: _Verbs) -> None:
    text = "ask an address as a client would, from here or from a second machine"
    probe = below.add_parser("probe", help=text, description=text, epilog=words.EPILOG)
    probe.add_argument("url", metavar="URL", help="https://NAME-OR-ADDRESS:PORT")
    probe.add_argument(
        "--via",
        default="",
        metavar="ssh://[USER@]HOST[:PORT]",
        help="ask from that machine, which has curl; best one outside of this LAN",
    )
    words.json_flag(probe)
    probe.set_defaults(run=_probe)


def network(text: str) -> str:
    """`192.168.1.20/24` -> `192.168.1.0/24`"""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no network: 192.168.1.0/24") from None


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


def _firewall(args: argparse.Namespace) -> int:
    from stackctl.commands.net import firewall

    return firewall.firewall(
        install=args.install,
        remove=args.remove,
        lan=args.lan,
        allow=args.allow,
        dry_run=args.dry_run,
        as_json=args.json,
    )


def _probe(args: argparse.Namespace) -> int:
    from stackctl.commands.net import probe

    return probe.probe(args.url, via=args.via, as_json=args.json)
