"""net.*: the healthy way is fine; each fault is found, alone, with something to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.checks import CHECKS
from stackctl.checks import run as run_all
from stackctl.checks.way import STEPS, run
from stackctl.model import Facts, Phase, Port, Severity, Unavailable
from stackctl.model.forwarding import Entry
from stackctl.model.host import Bridge, Firewall
from stackctl.model.network import (
    NO_NETWORK,
    Address,
    Guard,
    Meaning,
    Network,
    Published,
    Reply,
    Router,
    Uplink,
)
from tests.unit.stackctl.box import HEALTHY as BOX
from tests.unit.stackctl.box import ROOT
from tests.unit.stackctl.checks.way.networks import (
    DOOR,
    ENGINE,
    HEALTHY,
    HTTP_PORT,
    LAN,
    LOGIN,
    OPEN,
    OUTSIDE,
    REFUSED,
    SIX,
    STRANGER,
    TLS_PORT,
    door,
    found,
    problems,
)

EVERY4, EVERY6 = Port("0.0.0.0", 8443, 8443), Port("::", 8443, 8443)
LOCAL = Port("127.0.0.1", 8443, 8443)
OPEN_ENGINE = replace(ENGINE, port=Port("0.0.0.0", 8002, 8000))
SIX_ADDRESS = Address("eth0", SIX, 64)
assert isinstance(HEALTHY.addresses, tuple)
assert isinstance(HEALTHY.uplink, Uplink)
BOTH = replace(HEALTHY, addresses=(*HEALTHY.addresses, SIX_ADDRESS))


def test_the_healthy_way_is_fine_at_every_hop() -> None:
    severities = {step.id: {f.severity for f in findings} for step, findings in run(HEALTHY)}
    # nothing to say of a port that is nobody else's, of engines that are on loopback
    assert {i for i, seen in severities.items() if not seen} == {"net.port", "net.engine-open"}
    assert {s for seen in severities.values() for s in seen} == {Severity.OK}


@pytest.mark.parametrize(
    ("check", "severity", "network", "says", "fix"),
    [
        ("net.gateway", "error", replace(HEALTHY, door=None), "no gateway", "COMPOSE_PROFILES"),
        ("net.gateway", "error", door(state="exited"), "is exited", "stackctl up gateway"),
        ("net.gateway", "error", replace(HEALTHY, inside=OPEN), "lets everybody in", "restart"),
        ("net.gateway", "error", replace(HEALTHY, inside=REFUSED), "does not answer", "logs"),
        (
            "net.loopback",
            "warning",
            door(LOCAL, HTTP_PORT),
            "this machine only",
            f"GATEWAY_BIND={LAN}",
        ),
        (
            "net.engine-open",
            "error",
            replace(HEALTHY, others=(OPEN_ENGINE,)),
            "open beside",
            "BIND_ADDRESS",
        ),
        (
            "net.others",
            "warning",
            replace(HEALTHY, others=(STRANGER,)),
            "grafana 0.0.0.0:3000",
            "firewall --install",
        ),
        (
            "net.address",
            "error",
            door(replace(TLS_PORT, address="192.168.1.99")),
            "no address of this machine",
            f"GATEWAY_BIND={LAN}",
        ),
        (
            "net.tls",
            "error",
            replace(HEALTHY, replies={TLS_PORT: Reply(Meaning.RESET, "cut off")}),
            "nobody speaks TLS",
            "stackctl tls init",
        ),
        (
            "net.tls",
            "error",
            replace(HEALTHY, replies={TLS_PORT: LOGIN}),
            "not the gateway",
            "stackctl logs",
        ),
        (
            "net.tls",
            "warning",
            replace(HEALTHY, replies={TLS_PORT: replace(DOOR, distrust="has expired")}),
            "not trusted",
            "stackctl tls",
        ),
        (
            "net.plain",
            "warning",
            door(TLS_PORT, Port("0.0.0.0", 8000, 8080)),
            "in the clear",
            "GATEWAY_HTTP_BIND",
        ),
        (
            "net.firewall",
            "warning",
            replace(HEALTHY, guard=Guard.STALE),
            "not those that fit",
            "--install",
        ),
        (
            "net.lan",
            "error",
            replace(HEALTHY, uplink=replace(HEALTHY.uplink, answers=False)),
            "192.168.1.1 does not answer",
            "ping",
        ),
        ("net.lan", "error", replace(HEALTHY, uplink=None), "no default route", "ip route"),
        (
            "net.lease",
            "warning",
            replace(HEALTHY, uplink=replace(HEALTHY.uplink, leased="the route says dhcp")),
            "lease",
            "02:00:00:00:00:01",
        ),
        (
            "net.overlap",
            "warning",
            replace(HEALTHY, bridges=(Bridge("big", "br-1", ("192.168.0.0/20",)),)),
            "overlap",
            "default-address-pools",
        ),
        (
            "net.nat",
            "warning",
            replace(HEALTHY, router=Router("100.64.7.10", Entry(8443, LAN, 8443))),
            "CGNAT",
            "public IPv4",
        ),
        (
            "net.nat",
            "warning",
            replace(HEALTHY, router=Router("192.168.100.2", Entry(8443, LAN, 8443))),
            "another router",
            "bridge mode",
        ),
        (
            "net.mapping",
            "error",
            replace(HEALTHY, router=Router(OUTSIDE, Entry(8443, "192.168.1.21", 8443))),
            "no address of this machine",
            "forward add",
        ),
        (
            "net.reach",
            "error",
            replace(HEALTHY, hairpin=OPEN),
            "asks nobody for a key",
            f"external TCP 8443 -> {LAN}:8443",
        ),
    ],
)
def test_each_fault_is_found_and_nothing_else_is(
    check: str, severity: str, network: Network, says: str, fix: str
) -> None:
    finding = found(network, check)
    assert finding.severity == severity
    assert says in finding.summary
    assert fix in finding.fix
    assert problems(network) == {check}


def test_the_containers_port_in_the_routers_rule() -> None:
    """Seed of many a lost evening: external = the container's port."""
    moved = replace(door(Port(LAN, 9443, 8443)), router=Router(OUTSIDE, Entry(9443, LAN, 8443)))
    finding = found(moved, "net.mapping")
    assert finding.severity is Severity.ERROR
    assert "container's port" in finding.cause
    other = replace(moved, router=Router(OUTSIDE, Entry(9443, LAN, 7000)))
    assert "moved" in found(other, "net.mapping").cause


def test_the_routers_own_address_is_no_address_to_bind_to() -> None:
    network = door(replace(TLS_PORT, address=OUTSIDE))
    assert "the router's" in found(network, "net.address").cause


def test_each_port_has_a_knob_of_its_own() -> None:
    for inside, knob in ((8443, "GATEWAY_BIND"), (8080, "GATEWAY_HTTP_BIND"), (8081, "ACME_BIND")):
        wrong = door(replace(TLS_PORT, address="192.168.1.99", container=inside))
        assert knob in found(wrong, "net.address").fix


def test_a_port_that_is_somebody_elses() -> None:
    down = replace(
        door(state="created", error="Bind for :::8443 failed: port is already allocated")
    )
    assert found(down, "net.port").severity is Severity.ERROR
    held = replace(door(state="exited"), holder="nginx (pid 812)")
    assert "nginx (pid 812)" in found(held, "net.port").summary


def test_loopback_needs_no_tls_and_no_certificate() -> None:
    network = replace(door(LOCAL, HTTP_PORT), replies={LOCAL: Reply(Meaning.RESET)})
    assert found(network, "net.tls").severity is Severity.SKIPPED
    changed = replace(network, bind=LAN)
    assert "has GATEWAY_BIND" in found(changed, "net.loopback").fix


def test_plain_http_where_the_owner_said_so_is_fine_and_on_the_internet_is_not() -> None:
    assert found(door(TLS_PORT, Port(LAN, 8000, 8080)), "net.plain").severity is Severity.OK
    far = replace(
        door(TLS_PORT, Port("0.0.0.0", 8000, 8080)),
        addresses=(*HEALTHY.addresses, Address("eth1", OUTSIDE, 24)),  # type: ignore[misc]
    )
    assert found(far, "net.plain").severity is Severity.ERROR


def test_a_certificate_for_a_name_is_no_fault() -> None:
    mismatch = "IP address mismatch, certificate is not valid for '192.168.1.20'."
    network = replace(HEALTHY, replies={TLS_PORT: replace(DOOR, distrust=mismatch)})
    assert found(network, "net.tls").severity is Severity.OK


def test_rules_of_the_firewall_make_less_of_an_open_engine() -> None:
    network = replace(HEALTHY, others=(OPEN_ENGINE, STRANGER), guard=Guard.OURS)
    assert found(network, "net.engine-open").severity is Severity.WARNING
    assert found(network, "net.others").severity is Severity.OK
    assert "DOCKER-USER" in found(network, "net.firewall").summary


def test_docker_goes_past_ufw_and_firewalld() -> None:
    ufw = Firewall(active=True, denies=True)
    alone = found(replace(HEALTHY, wall=ufw), "net.firewall")
    assert (alone.severity, alone.fix) == (Severity.OK, "")
    both = replace(HEALTHY, wall=ufw, firewalld=True, others=(STRANGER,))
    finding = found(both, "net.firewall")
    assert finding.severity is Severity.WARNING
    assert "ufw and firewalld" in finding.summary
    assert "3000" in finding.evidence
    unseen = replace(both, guard=Unavailable("only root sees the rules: sudo stackctl net"))
    assert found(unseen, "net.firewall").severity is Severity.SKIPPED


def test_what_is_not_known_is_not_called_wrong() -> None:
    silent = Unavailable("no answer of 192.168.1.1 by UPnP or NAT-PMP")
    network = replace(HEALTHY, router=silent, hairpin=Unavailable("not known"))
    assert problems(network) == set()
    unknown = {s.id for s, fs in run(network) for f in fs if f.severity is Severity.SKIPPED}
    assert unknown == {"net.nat", "net.mapping", "net.reach"}
    for reply in (REFUSED, LOGIN, Reply(Meaning.TIMEOUT)):
        failed = replace(HEALTHY, hairpin=reply)
        assert problems(failed) == set()
        assert "proves nothing" in found(failed, "net.reach").summary
    by_hand = replace(HEALTHY, router=Router(OUTSIDE, None))
    assert found(by_hand, "net.mapping").severity is Severity.SKIPPED
    for need in ("addresses", "uplink"):
        lost = replace(HEALTHY, **{need: Unavailable("ip: no such program")})  # type: ignore[arg-type]
        assert {s for s in problems(lost)} <= {"net.mapping"}


def test_a_machine_with_a_public_address_needs_no_router() -> None:
    port = Port(OUTSIDE, 8443, 8443)
    network = replace(
        door(port, HTTP_PORT),
        addresses=(Address("eth0", OUTSIDE, 24),),
        uplink=Uplink("eth0", "81.2.69.1", OUTSIDE, answers=True),
        router=Unavailable("this machine has a public address itself"),
        hairpin=Unavailable("the address outside is not known"),
    )
    assert problems(network) == set()
    assert found(network, "net.nat").severity is Severity.OK


@pytest.mark.parametrize(
    ("port", "six", "severity", "says"),
    [
        (EVERY4, False, "ok", "not bound to it"),
        (EVERY6, True, "ok", "without any NAT"),
        # Docker's proxy: the guard against wrong keys would hit everybody
        (EVERY6, False, "warning", "looks like Docker itself"),
    ],
)
def test_ipv6(port: Port, six: bool, severity: str, says: str) -> None:
    network = replace(door(port, six=six), addresses=BOTH.addresses)
    finding = found(network, "net.ipv6")
    assert finding.severity == severity
    assert says in finding.summary


def test_verify_tells_the_errors_and_nothing_else() -> None:
    def told(network: Network) -> dict[str, Severity]:
        found = run_all(CHECKS, replace(BOX, network=network), Phase.RUNNING)
        return {f.check: f.severity for f in found if f.check.startswith("net.")}

    assert told(NO_NETWORK) == {}
    assert told(HEALTHY) == {}
    assert told(door(LOCAL, HTTP_PORT)) == {}
    assert told(replace(HEALTHY, others=(OPEN_ENGINE,))) == {"net.engine-open": Severity.ERROR}
    assert told(door(replace(TLS_PORT, address="10.0.0.1"))) == {"net.address": Severity.ERROR}
    assert Facts().network is NO_NETWORK


def test_every_id_is_told_on_the_page_of_the_network() -> None:
    ids = [step.id for step in STEPS]
    assert len(ids) == len(set(ids))
    page = (ROOT / "docs" / "network.md").read_text()
    assert [i for i in ids if f"`{i}`" not in page] == []


def test_an_engine_of_another_project_is_open_beside_the_gateway_as_well() -> None:
    two = tuple(Published("x", role, Port("0.0.0.0", n, 8000)) for n, role in ((1, "a"), (2, "b")))
    (findings,) = (f for s, f in run(replace(HEALTHY, others=two)) if s.id == "net.engine-open")
    assert [f.subject for f in findings] == ["a", "b"]
