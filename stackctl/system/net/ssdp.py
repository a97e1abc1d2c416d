"""Which routers with UPnP there are: one question by multicast, answers for a second or two.

Simple Service Discovery Protocol, UPnP Device Architecture 2.0, 1.3.2 and 1.3.3.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

_GROUP, _PORT = "239.255.255.250", 1900
#: a device of version 2 has to answer for version 1 as well
_WANTED = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
#: seconds within which a device answers; its choice, so that not all answer at once
_SPREAD = 1
_ASK = (
    f"M-SEARCH * HTTP/1.1\r\nHOST: {_GROUP}:{_PORT}\r\n"
    f'MAN: "ssdp:discover"\r\nMX: {_SPREAD}\r\nST: {_WANTED}\r\n\r\n'
).encode()


def search(router: str, *, only: bool = False, patience: float = 2.5) -> tuple[str, ...]:
    """URLs of the descriptions of all that answer within `patience` seconds; that of `router`
    alone, and sooner, if it does. `only`: nobody else is asked."""
    found: dict[str, None] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        # also to the router itself: a firewall lets the answer to that in, and not that to a group
        for target in [router] if only else [_GROUP, router]:
            with suppress(OSError):
                asker.sendto(_ASK, (target, _PORT))
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            asker.settimeout(left)
            try:
                answer, (sender, _) = asker.recvfrom(4096)
            except TimeoutError:
                break
            except OSError:  # "port unreachable" of who was asked directly
                continue
            url = location(answer, sender)
            if url and sender == router:
                return (url,)
            if url and not only:
                found[url] = None
    return tuple(found)


def location(answer: bytes, sender: str) -> str:
    """The LOCATION of a router's answer; "" of any other, and if it leads elsewhere. Pure."""
    head, *lines = answer.decode("utf-8", "replace").split("\r\n")
    if not head.startswith("HTTP/1.1 200"):
        return ""
    fields = {name.strip().lower(): value.strip() for name, _, value in map(_parted, lines)}
    url = fields.get("location", "")
    # anybody on the LAN may answer: nobody shall send us to a third one
    try:
        fine = urlsplit(url).scheme == "http" and urlsplit(url).hostname == sender
    except ValueError:
        return ""
    return url if fine and "InternetGatewayDevice" in fields.get("st", "") else ""


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")
