"""The router of this LAN: found once, then asked directly."""

from __future__ import annotations

from urllib.parse import urlsplit

from stackctl.model import Unavailable
from stackctl.model.forwarding import Gate, Mapping, Method, Refusal, Refused
from stackctl.system.net import ssdp
from stackctl.system.net.igd import Igd
from stackctl.system.net.natpmp import NatPmp

#: code of what is unavailable if several routers answer, and none is the one of the default route
SEVERAL = "several"


def find(router: str, *, only: bool = False) -> Gate | Unavailable:
    """By UPnP, else by NAT-PMP. `router` is the address of the one that is asked first; `only`:
    and no other. Takes up to six seconds where there is neither."""
    urls = ssdp.search(router, only=only)
    if len(urls) > 1:
        return Unavailable(", ".join(urls), SEVERAL)
    for url in urls:
        try:
            return Igd(url)
        except Refused:
            break
    try:
        gate = NatPmp(router)
        gate.outside()
    except Refused as refused:
        if refused.why is Refusal.SILENT:
            return Unavailable(f"no answer of {router} by UPnP or NAT-PMP")
    return gate


def again(mapping: Mapping) -> Gate:
    """The router that was asked for it, without a search. Refused if it is silent."""
    if mapping.method is Method.NAT_PMP:
        return NatPmp(mapping.router)
    try:
        return Igd(mapping.router)
    except Refused:
        # after a restart it may have its description on another port
        for url in ssdp.search(urlsplit(mapping.router).hostname or "", only=True, patience=1.5):
            return Igd(url)
        raise
