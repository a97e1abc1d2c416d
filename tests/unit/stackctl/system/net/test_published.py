"""The daemon's JSON -> the gateway, and what is published beside it."""

from __future__ import annotations

from typing import Any

from stackctl.model import Port
from stackctl.system.net.published import door, is_door, published


def raw(name: str = "gw", six: str = "", **labels: str) -> dict[str, Any]:
    return {
        "Id": "1" * 64,
        "Name": f"/{name}",
        "State": {"Status": "running", "Running": True, "Error": ""},
        "Config": {"Labels": {key.replace("__", "."): text for key, text in labels.items()}},
        "HostConfig": {
            "PortBindings": {
                "8443/tcp": [{"HostIp": "192.168.1.20", "HostPort": "8443"}],
                "8080/tcp": [{"HostIp": "", "HostPort": "8000"}],
            }
        },
        "NetworkSettings": {
            "Networks": {"a": {"IPAddress": "172.18.0.5", "GlobalIPv6Address": six}},
            "Ports": {
                "8443/tcp": [{"HostIp": "192.168.1.20", "HostPort": "8443"}],
                "8080/tcp": [
                    {"HostIp": "0.0.0.0", "HostPort": "8000"},
                    {"HostIp": "::", "HostPort": "8000"},
                ],
                "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
                "9/tcp": None,
            },
        },
    }


def test_the_gateway_by_its_labels() -> None:
    assert is_door(raw(stackctl__role="gateway"))
    assert not is_door(raw(stackctl__role="main"))
    found = door(raw(com__docker__compose__project="stackctl", six="fd00::5"))
    assert (found.container, found.project, found.state) == ("gw", "stackctl", "running")
    assert (found.address, found.six) == ("172.18.0.5", True)
    assert found.published(8443) == (Port("192.168.1.20", 8443, 8443),)
    assert found.published(8080)[0].everywhere


def test_ports_of_tcp_and_whether_ipv6_is_dockers_own_work() -> None:
    ports = published(raw(stackctl__role="coder"))
    assert [(p.role, p.port.where, p.proxied) for p in ports] == [
        ("coder", "0.0.0.0:8000", False),
        ("coder", "[::]:8000", True),
        ("coder", "192.168.1.20:8443", False),
    ]
    assert not any(p.proxied for p in published(raw(six="fd00::5")))
