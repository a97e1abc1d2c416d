"""The host's networks, and its firewall as far as it concerns published ports."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from stackctl.model import StackError, Unavailable
from stackctl.model.host import ABSENT, NO_RIGHT, Firewall, Route
from stackctl.system import process
from stackctl.system.host import tree

_UP, _REJECT = 0x1, 0x200
#: action, protocol, port, to, its port, from; then perhaps two names of applications
_TUPLE = re.compile(
    r"^### tuple ### (?:route:)?(\w+) (\w+) (\S+) (\S+) \S+ (\S+)(?: \S+ \S+)? in(?:\s|$)",
    re.MULTILINE,
)
_SETTING = re.compile(r'^\s*(\w+)\s*=\s*"?([^"\n]*)"?\s*$', re.MULTILINE)


def routes(root: Path = tree.ROOT) -> tuple[Route, ...] | Unavailable:
    """IPv4 networks that are reached through an interface; the default route is none of them."""
    table = tree.text(root, "/proc/net/route")
    return table if isinstance(table, Unavailable) else read_routes(table)


def read_routes(table: str) -> tuple[Route, ...]:
    """/proc/net/route -> routes; addresses there have the byte order of the machine. Pure."""
    found = []
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) < 8:
            continue
        flags, target, mask = int(columns[3], 16), columns[1], columns[7]
        bits = int(mask, 16).bit_count()
        if bits and flags & _UP and not flags & _REJECT:
            address = ipaddress.IPv4Address(bytes.fromhex(target)[::-1])
            found.append(Route(f"{address}/{bits}", columns[0]))
    return tuple(found)


def firewall(root: Path = tree.ROOT) -> Firewall | Unavailable:
    """ufw by its files: its own `status` needs root, and half a second."""
    conf = tree.text(root, "/etc/ufw/ufw.conf")
    if isinstance(conf, Unavailable):
        return Firewall() if conf.code == ABSENT else conf
    if settings(conf).get("ENABLED", "no").lower() != "yes":
        return Firewall()
    defaults = tree.text(root, "/etc/default/ufw")
    policy = settings(defaults if isinstance(defaults, str) else "").get("DEFAULT_INPUT_POLICY")
    rules = tree.text(root, "/etc/ufw/user.rules")
    return Firewall(
        active=True,
        denies=(policy or "DROP") != "ACCEPT",
        allowed=allowed(rules) if isinstance(rules, str) else rules,
        guards_docker=_guarded(root),
    )


def settings(text: str) -> dict[str, str]:
    """`NAME="value"` lines. Pure."""
    return {match[1]: match[2].strip() for match in _SETTING.finditer(text)}


def allowed(rules: str) -> tuple[str, ...]:
    """Ports that ufw lets everybody in to, from the comments it keeps its rules by. Pure."""
    return tuple(
        "" if port == "any" else port
        for action, protocol, port, _, source in _TUPLE.findall(rules)
        if action in ("allow", "limit") and protocol in ("tcp", "any") and source == "0.0.0.0/0"
    )


def _guarded(root: Path) -> bool:
    """Whether the chain that Docker leaves to the owner has rules of his."""
    written = tree.text(root, "/etc/ufw/after.rules")
    if isinstance(written, str) and "DOCKER-USER" in written:
        return True
    if root != tree.ROOT or (isinstance(written, Unavailable) and written.code == NO_RIGHT):
        return False
    try:
        listed = process.run(["iptables", "-w", "2", "-S", "DOCKER-USER"], timeout=5)
    except (StackError, OSError):
        return False
    return any(
        line.startswith("-A") and not line.endswith("-j RETURN") for line in listed.out.splitlines()
    )
