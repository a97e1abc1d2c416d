"""A healthy way as facts: a gateway with TLS on the LAN, a router that forwards to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stackctl.checks.way import run
from stackctl.model import Finding, Port, Severity
from stackctl.model.forwarding import Entry
from stackctl.model.host import Bridge, Firewall
from stackctl.model.network import (
    Address,
    Door,
    Guard,
    Meaning,
    Network,
    Published,
    Reply,
    Router,
    Uplink,
)

LAN, OUTSIDE, SIX = "192.168.1.20", "81.2.69.10", "2a00:1450::20"
TLS_PORT, HTTP_PORT = Port(LAN, 8443, 8443), Port("127.0.0.1", 8000, 8080)
NO_KEY = '{"error":{"message":"a","type":"b","param":null,"code":"c"}}'
DOOR = Reply(status=401, body=NO_KEY, local=LAN, peer=LAN)
OPEN = Reply(status=200, body='{"object":"list","data":[]}', local=LAN, peer=OUTSIDE)
LOGIN = Reply(status=200, server="httpd", body="<title>Router\x1b[31m login</title>", peer=OUTSIDE)
REFUSED = Reply(Meaning.REFUSED, "connection refused")
ENGINE = Published("stackctl-coder-1", "coder", Port("127.0.0.1", 8002, 8000))
STRANGER = Published("grafana", "", Port("0.0.0.0", 3000, 3000))

HEALTHY = Network(
    door=Door("stackctl-gateway-1", "stackctl", "running", "", "172.18.0.5", False,
              (TLS_PORT, HTTP_PORT)),
    others=(ENGINE,),
    bind=LAN,
    addresses=(
        Address("lo", "127.0.0.1", 8),
        Address("eth0", LAN, 24, mac="02:00:00:00:00:01"),
        Address("docker0", "172.17.0.1", 16),
    ),
    uplink=Uplink("eth0", "192.168.1.1", LAN, answers=True),
    bridges=(Bridge("bridge", "docker0", ("172.17.0.0/16",)),),
    wall=Firewall(),
    guard=Guard.NONE,
    inside=DOOR,
    replies={TLS_PORT: DOOR, HTTP_PORT: DOOR},
    router=Router(OUTSIDE, Entry(8443, LAN, 8443)),
    hairpin=replace(DOOR, peer=OUTSIDE),
)  # fmt: skip


def door(*ports: Port, **changes: Any) -> Network:
    """The healthy way with other ports of the gateway, each answering as it should."""
    assert HEALTHY.door
    ports = ports or HEALTHY.door.ports
    changed = replace(HEALTHY.door, ports=ports, **changes)
    return replace(HEALTHY, door=changed, replies=dict.fromkeys(ports, DOOR))


def found(network: Network, check: str) -> Finding:
    """The worst that one check finds."""
    order = list(Severity)
    (findings,) = (findings for step, findings in run(network) if step.id == check)
    return max(findings, key=lambda finding: order.index(finding.severity))


def problems(network: Network) -> set[str]:
    return {
        finding.check
        for _, findings in run(network)
        for finding in findings
        if finding.severity in (Severity.WARNING, Severity.ERROR)
    }
