"""The drawing, the rules for the router, and what an answer says of whom was reached."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from stackctl.checks.way import run
from stackctl.commands.net.way import text
from stackctl.model import Port, Unavailable
from stackctl.model.forwarding import Entry
from stackctl.model.network import NO_NETWORK, Address, Meaning, Network, Reply, Router
from stackctl.net import way
from tests.unit.stackctl.box import ROOT
from tests.unit.stackctl.checks.way.networks import (
    DOOR,
    HEALTHY,
    LAN,
    LOGIN,
    OPEN,
    OUTSIDE,
    SIX,
    door,
)

HIDDEN = Unavailable("not asked")


def shown(network: Network) -> str:
    return text(network, way.hops(network, [(s.hop, f) for s, f in run(network)]), colour=False)


def test_the_drawing() -> None:
    drawn = shown(HEALTHY)
    assert drawn.isascii()
    assert max(map(len, drawn.splitlines())) <= 110
    assert drawn.startswith(
        "     client\n"
        "       |\n"
        " ok    v\n"
        f"     internet         https://{OUTSIDE}:8443\n"
        "       |\n"
        " ok    v\n"
        "     router           192.168.1.1\n"
        "       |\n"
        " ok    v\n"
        "     LAN              192.168.1.0/24 on eth0\n"
        "       |\n"
        " ok    v\n"
        f"     this machine     {LAN}:8443\n"
        "       |\n"
        " ok    v\n"
        f"     Docker's mapping {LAN}:8443 -> 8443\n"
        "       |\n"
        " ok    v\n"
        "     container        stackctl-gateway-1 172.18.0.5:8443\n"
    )
    assert f"external TCP 8443 -> {LAN}:8443  (host port, not the container's)" in drawn


@pytest.mark.parametrize(
    "network",
    [
        NO_NETWORK,
        replace(HEALTHY, door=None),
        replace(HEALTHY, addresses=HIDDEN, uplink=HIDDEN, router=HIDDEN, hairpin=HIDDEN),
        replace(HEALTHY, uplink=None, router=Router("", None)),
    ],
)
def test_a_way_of_which_little_is_known_is_drawn_as_well(network: Network) -> None:
    assert "client" in shown(network)


def test_the_worst_of_a_hop_is_its_mark() -> None:
    drawn = shown(replace(HEALTHY, inside=OPEN, router=Router("100.64.0.1", None)))
    assert " XX    v\n     container" in drawn
    assert " !!    v\n     router" in drawn
    assert "2 fine" not in drawn
    assert "1 warning, 1 error" in drawn


def test_rules_for_the_router() -> None:
    moved = door(Port("0.0.0.0", 9443, 8443))
    assert way.rules(moved) == (
        f"external TCP 9443 -> {LAN}:9443  (host port, not the container's)",
    )
    proofs = door(Port(LAN, 8443, 8443), Port("0.0.0.0", 8081, 8081))
    assert way.rules(proofs)[1] == (
        f"external TCP 80 -> {LAN}:8081  (proofs for ACME alone, host port)"
    )
    assert isinstance(HEALTHY.addresses, tuple)
    two = (Address("eth0", SIX, 64), Address("eth0", "2a00:1450::99", 64, temporary=True))
    both = replace(door(Port("", 8443, 8443)), addresses=(*HEALTHY.addresses, *two))
    assert way.rules(both)[1:] == (
        f"IPv6: allow incoming TCP 8443 to {SIX}  (no forwarding, no NAT)",
    )
    assert way.rules(replace(HEALTHY, door=None, uplink=None)) == ()
    outer = replace(HEALTHY, router=Router(OUTSIDE, Entry(443, LAN, 8443)))
    assert f"https://{OUTSIDE}:443" in shown(outer)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (DOOR, Meaning.DOOR),
        (OPEN, Meaning.OPEN),
        (LOGIN, Meaning.OTHER),
        (Reply(Meaning.TIMEOUT), Meaning.TIMEOUT),
        # engines with a key of their own, which is not the gateway's
        (Reply(status=401, body='{"error":"Unauthorized"}'), Meaning.OTHER),
        (Reply(status=401, body='{"error":{"message":"x","type":"y","code":401}}'), Meaning.OTHER),
        (Reply(status=401, body="<html>"), Meaning.OTHER),
        (Reply(status=200, body='{"models":[{"name":"gpt-oss:20b"}]}'), Meaning.OPEN),
        (Reply(status=404, body="[]"), Meaning.OTHER),
    ],
)
def test_who_answers(reply: Reply, meaning: Meaning) -> None:
    assert reply.meaning is meaning


def test_the_gateways_own_words_are_known() -> None:
    """As they stand in its configuration: no key, and too many wrong ones."""
    text = (ROOT / "compose" / "gateway" / "haproxy.cfg").read_text()
    said = re.findall(r"return status (401|429) .*? (?:lf-)?string '(\{.*?\})' if", text)
    assert len(said) >= 4
    assert all(Reply(status=int(s), body=b).meaning is Meaning.DOOR for s, b in said)
