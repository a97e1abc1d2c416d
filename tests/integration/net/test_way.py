"""`stackctl net` and `net probe` on a host behind a real router, seen from the internet as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.net import doors
from tests.integration.net.doors import TO_GATEWAY, said
from tests.lab import Lab
from tests.lab.lab import LAN, ROUTER

pytestmark = pytest.mark.docker

#: what the router is asked for, without what makes `net forward add` safe
_MAP = """
import sys
from stackctl.system.net import routers
gate = routers.find(sys.argv[1], only=True)
gate.add(int(sys.argv[2]), int(sys.argv[3]), 600) if sys.argv[3] != "0" else gate.remove(
    int(sys.argv[2]), 0)
"""
#: plays ssh: everything but the way to the second machine is real
_SSH = """\
#!/bin/sh
for word; do command=$word; done
unset DOCKER_HOST
exec docker exec -i {lab} nsenter --net=/run/netns/{machine} sh -c "$command"
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(home=doors.clone(tmp_path_factory.mktemp("clone"))) as lab:
        yield lab


@pytest.fixture
def gateway(lab: Lab) -> Iterator[Lab]:
    """A gateway that the LAN reaches by TLS, and nothing else."""
    doors.start(lab, "gateway", f"{LAN}:8443:8443", "127.0.0.1:8080:8080", labels=doors.GATEWAY)
    yield lab
    lab.docker("rm", "--force", "gateway", "engine")
    lab.reboot_router()


def way(lab: Lab, status: int = 0) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Findings by check, and the rest."""
    told = said(lab, "net", status=status)
    found = {f["check"]: f for hop in told["hops"] for f in hop["findings"]}
    return found, told


def mapping(lab: Lab, external: int, port: int) -> None:
    done = lab.python("-c", _MAP, ROUTER, str(external), str(port))
    assert done.code == 0, done.text


def test_every_hop_is_fine_and_the_rule_for_the_router_is_told(gateway: Lab) -> None:
    mapping(gateway, 8443, 8443)
    found, told = way(gateway)
    states = {hop["hop"]: hop["state"] for hop in told["hops"]}
    # the router leads nothing back in, which is no proof of anything
    assert states == dict.fromkeys(("router", "lan", "host", "docker", "container"), "ok") | {
        "internet": "unknown"
    }
    assert told["router_rules"] == [
        f"external TCP 8443 -> {LAN}:8443  (host port, not the container's)"
    ]
    assert "81.2.69.10" in found["net.nat"]["summary"]
    text = gateway.stackctl("net").out
    assert text.isascii()
    assert f"https://81.2.69.10:8443\n       |\n ok    v\n     router           {ROUTER}" in text


def test_the_faults_of_port_forwarding(gateway: Lab) -> None:
    """Of guides and of people who followed them."""
    doors.start(gateway, "gateway", "0.0.0.0:9443:8443", labels=doors.GATEWAY)
    # the container's port in the router's rule
    mapping(gateway, 9443, 8443)
    found, told = way(gateway, status=1)
    assert found["net.mapping"]["severity"] == "error"
    assert "container's port" in found["net.mapping"]["cause"]
    assert told["router_rules"][0].startswith(f"external TCP 9443 -> {LAN}:9443")
    # bound to this machine alone
    doors.start(gateway, "gateway", "127.0.0.1:8443:8443", labels=doors.GATEWAY)
    found, _ = way(gateway)
    assert f"GATEWAY_BIND={LAN}" in found["net.loopback"]["fix"]
    # an address that this machine had yesterday
    gateway.lan("ip", "address", "add", "192.168.77.50/24", "dev", "eth0")
    doors.start(gateway, "gateway", "192.168.77.50:8443:8443", labels=doors.GATEWAY)
    gateway.lan("ip", "address", "del", "192.168.77.50/24", "dev", "eth0")
    found, _ = way(gateway, status=1)
    assert found["net.address"]["severity"] == "error"
    # no certificate; an engine beside it; an address by DHCP
    lease = ("valid_lft", "3600", "preferred_lft", "3600")
    gateway.lan("ip", "address", "change", f"{LAN}/24", "dev", "eth0", *lease)
    doors.start(gateway, "gateway", "8443:8443", kind="bare", labels=doors.GATEWAY)
    doors.start(gateway, "engine", "8001:8080", labels=doors.ENGINE)
    found, _ = way(gateway, status=1)
    gateway.lan("ip", "address", "change", f"{LAN}/24", "dev", "eth0")
    assert found["net.tls"]["fix"] == "stackctl tls init"
    assert found["net.engine-open"]["severity"] == "error"
    assert found["net.lease"]["severity"] == "warning"
    # and a look at everything sees what is an error
    checks = {f["check"] for f in said(gateway, "verify", status=1)["findings"]}
    assert {"net.tls", "net.engine-open"} <= checks


def test_hairpin_is_a_proof_only_where_it_works(gateway: Lab) -> None:
    mapping(gateway, 8443, 8443)
    told = said(gateway, "net", "probe", TO_GATEWAY)
    assert (told["proof"], told["reached"]) == (None, "refused")
    by_hand = told["by_hand"]
    # the line is right as it stands: it verifies our key, from a machine that knows no authority
    done = gateway.wan("sh", "-c", by_hand)
    assert done.out == "401\n", done.text
    doors.forward_all(gateway, hairpin=True)
    told = said(gateway, "net", "probe", TO_GATEWAY)
    assert told["proof"] is True
    assert told["trusted"] is True


@pytest.mark.parametrize("machine", ["wan", "cl"])
def test_a_second_machine_asks(gateway: Lab, tmp_path: Path, machine: str) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(_SSH.format(lab=gateway.name, machine=machine))
    ssh.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def asked(url: str = TO_GATEWAY) -> str:
        return gateway.stackctl("net", "probe", url, "--via", "ssh://me@there", env=env).text

    if machine == "cl":
        assert "proves the LAN's part" in asked(f"https://{LAN}:8443")
        return
    assert "nothing answers" in asked()
    mapping(gateway, 8443, 8443)
    assert asked().startswith(f"ok  {TO_GATEWAY}")
    doors.start(gateway, "gateway", "8443:8443", kind="login", labels=doors.GATEWAY)
    assert "its page is called 'Router login'" in asked()
    mapping(gateway, 8443, 0)
    doors.start(gateway, "engine", "8001:8080", labels=doors.ENGINE)
    mapping(gateway, 8001, 8001)
    assert "asks nobody for a key" in asked("http://81.2.69.10:8001")
    assert "speaks no TLS" in asked("https://81.2.69.10:8001")
