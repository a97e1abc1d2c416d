"""Names and addresses that a certificate is for, as text in the form that certificates have."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from stackctl.model import StackError
from stackctl.system import process

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: interfaces of Docker: whoever reaches the gateway by one of them is on this host
_DOCKER = re.compile(r"docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth[0-9a-z]+")
#: a label; an underscore is no hostname's, and machines are named so all the same
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def address(text: str) -> Address | None:
    """An IP address, or None if the text is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def typed(text: str) -> str:
    """A name or an address as a user types it -> as it stands in a certificate. Names that are not
    ASCII become what browsers look up (IDNA 2008)."""
    name = text.strip().removesuffix(".")
    if found := address(name.removeprefix("[").removesuffix("]")):
        return _reachable(found, text)
    if "://" in name or "/" in name or ("%" in name and ":" in name) or name.count(":") == 1:
        raise _bad(text, "a name or an address is wanted, without https://, port, path or zone")
    if "*" in name:
        raise _bad(text, "a wildcard is for many hosts, and this is one: name it")
    import idna  # its tables are large, and most names are ASCII

    try:
        ascii_name = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise _bad(text, f"no domain name: {error}") from None
    labels = ascii_name.split(".")
    if len(ascii_name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad(text, "no domain name: letters, digits and '-', at most 63 between two dots")
    if labels[-1].isdecimal():
        raise _bad(text, "neither an address nor a name: four numbers from 0 to 255?")
    return ascii_name


#: names that nobody can own, so that no public CA signs them
PRIVATE = ("localhost", "local", "lan", "home", "home.arpa", "internal", "test")


def private(name: str) -> bool:
    """Whether the internet's DNS cannot know a name."""
    return "." not in name or any(name.endswith(f".{suffix}") for suffix in PRIVATE)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """All of them once, in their order."""
    return tuple(dict.fromkeys(names))


def of_this_box() -> tuple[str, ...]:
    """The names and addresses by which clients can reach this host."""
    return distinct([*of_host(socket.gethostname()), "localhost", "127.0.0.1", "::1", *addresses()])


def of_host(hostname: str) -> tuple[str, ...]:
    """A host's name, and the one that mDNS gives it; nothing of a name that is none."""
    try:
        name = typed(hostname)
    except StackError:
        return ()
    if address(name) or name == "localhost":
        return ()
    return distinct([name, f"{name.split('.')[0]}.local"])


def addresses() -> tuple[str, ...]:
    """Addresses of this host that are not Docker's, and not of the link only."""
    try:
        return host_addresses(json.loads(process.run(["ip", "-j", "addr"], timeout=10).out))
    except (StackError, ValueError):
        raise StackError(
            "`ip -j addr` does not tell this host's addresses",
            fix="sudo apt install iproute2; or name them: --name ADDRESS ...",
        ) from None


def host_addresses(links: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Of what `ip -j addr` tells: those that stay and that others can reach. IPv4 first. Pure."""
    found = [
        row["local"]
        for link in links
        if not _DOCKER.fullmatch(link.get("ifname", ""))
        for row in link.get("addr_info", ())
        # what privacy extensions make is gone tomorrow
        if row.get("scope") == "global" and not row.get("temporary") and not row.get("deprecated")
    ]
    return distinct(sorted(found, key=lambda text: ":" in text))


def _reachable(found: Address, text: str) -> str:
    if found.is_unspecified or found.is_multicast:
        raise _bad(text, "no client can reach that: name an address of this box")
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        raise _bad(text, "an address with a zone cannot be in a certificate")
    return str(found)


def _bad(text: str, why: str) -> StackError:
    return StackError(f"{text!r}: {why}", fix="e.g. --name box.lan 192.168.1.10", exit_code=2)
