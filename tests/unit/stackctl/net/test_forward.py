"""What is fit to be forwarded, and what a mapping's state means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.model import Port, Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Mapping, Method, Refusal, Refused
from stackctl.model.network import Door, Meaning, Published, Reply
from stackctl.net import forward, refusals
from stackctl.net.forward import Seen

NOW = 1_000_000.0
EVERY = "0.0.0.0"
MAPPING = Mapping(
    Method.UPNP,
    "http://192.168.1.1:5000/rootDesc.xml",
    8443,
    "192.168.1.20",
    8443,
    3600,
    NOW + 3600,
    "81.2.69.10",
)
ENTRY = Entry(8443, "192.168.1.20", 8443, "stackctl gateway", 3000)
FINE = Seen(ENTRY, "81.2.69.10", here="192.168.1.20")
KEYLESS = '{"object": "list", "data": []}'


def door(*ports: Port, state: str = "running") -> Door:
    return Door("stackctl-gateway-1", "stackctl", state, ports=ports)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (None, "no gateway runs"),
        (door(Port(EVERY, 8443, 8443), state="exited"), "is exited"),
        (door(Port(EVERY, 8080, 8080)), "no TLS port"),
        (door(Port("::", 8443, 8443)), "no TLS port on IPv4"),
        (door(Port("127.0.0.1", 8443, 8443)), "this machine alone"),
    ],
)
def test_no_target(there: Door | None, words: str) -> None:
    with pytest.raises(StackError, match=words) as caught:
        forward.target(there)
    assert caught.value.fix


def test_the_target_is_the_port_of_the_host() -> None:
    there = door(Port("127.0.0.1", 8080, 8080), Port("127.0.0.1", 1, 8443), Port("", 9443, 8443))
    assert forward.target(there).host == 9443


def test_only_tls_with_keys() -> None:
    forward.secure(Reply(status=401), 8443, certificate=True)
    for reply, certificate, words in (
        (Reply(status=401), False, "tls init"),
        (Reply(Meaning.PLAIN, "it does not speak TLS"), True, "logs gateway"),
        (Reply(status=200, body=KEYLESS), True, "restart gateway"),
    ):
        with pytest.raises(StackError) as caught:
            forward.secure(reply, 8443, certificate=certificate)
        assert words in caught.value.fix


def test_a_gateway_on_another_address_than_the_router_knows() -> None:
    forward.reached(Port(EVERY, 8443, 8443), "192.168.1.20")
    forward.reached(Port("192.168.1.20", 8443, 8443), "192.168.1.20")
    with pytest.raises(StackError, match=r"10\.0\.0\.5"):
        forward.reached(Port("10.0.0.5", 8443, 8443), "192.168.1.20")


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        ("81.2.69.10", ""),
        ("", "no public address"),
        ("100.64.0.1", "CGNAT"),
        ("100.127.255.254", "CGNAT"),
        ("100.128.0.1", ""),
        ("192.168.178.20", "double NAT"),
        ("10.1.2.3", "double NAT"),
        ("172.31.0.1", "double NAT"),
        ("169.254.1.1", "double NAT"),
        ("not an address", "no public address"),
    ],
)
def test_addresses_that_nobody_reaches(outside: str, words: str) -> None:
    problem, fix = refusals.nowhere(outside)
    assert bool(problem) == bool(fix) == bool(words)
    assert words in problem


@pytest.mark.parametrize("why", Refusal)
@pytest.mark.parametrize("method", Method)
def test_every_refusal_says_what_to_do(why: Refusal, method: Method) -> None:
    error = refusals.refusal(Refused(why, "its words"), 8443, method)
    assert error.message
    assert error.fix


def test_refusals() -> None:
    low = refusals.refusal(Refused(Refusal.FORBIDDEN, "Action not authorized"), 443, Method.UPNP)
    assert "606" in low.message
    assert "1024" in low.fix
    taken = refusals.refusal(Refused(Refusal.CONFLICT, "x"), 8443, Method.UPNP)
    assert "--external 9443" in taken.fix
    with pytest.raises(StackError, match=r"192.168.1.9:80 already \(a\[31m name\)"):
        refusals.conflict(Entry(8443, "192.168.1.9", 80, "a\x1b[31m name"), "192.168.1.20", 8443)
    refusals.conflict(ENTRY, "192.168.1.20", 8443)
    refusals.conflict(None, "192.168.1.20", 8443)
    refusals.conflict(Unavailable("NAT-PMP"), "192.168.1.20", 8443)


@pytest.mark.parametrize(
    ("entry", "here", "expected"),
    [
        (ENTRY, "192.168.1.20", False),
        (replace(ENTRY, left=1799), "192.168.1.20", True),
        (replace(ENTRY, left=0), "192.168.1.20", False),  # tells no lease: ours counts
        (replace(ENTRY, port=8001), "192.168.1.20", True),
        (ENTRY, "192.168.1.21", True),
        (None, "192.168.1.20", True),
        (Unavailable("NAT-PMP"), "192.168.1.20", True),
    ],
)
def test_what_is_due(entry: Entry | Unavailable | None, here: str, expected: bool) -> None:
    assert forward.due(MAPPING, Seen(entry), here, NOW) is expected


def test_a_lease_that_only_we_count() -> None:
    silent = Seen(replace(ENTRY, left=0))
    assert forward.due(MAPPING, silent, "192.168.1.20", NOW + 1801)
    permanent = replace(MAPPING, lease=0, until=0.0)
    assert not forward.due(permanent, silent, "192.168.1.20", NOW + 10**7)
    assert forward.due(permanent, Seen(None), "192.168.1.20", NOW)


@pytest.mark.parametrize(
    ("seen", "severity", "words"),
    [
        (FINE, Severity.OK, "81.2.69.10:8443 leads to the gateway"),
        (replace(FINE, entry=Unavailable("NAT-PMP")), Severity.OK, "leads to"),
        (replace(FINE, entry=None), Severity.ERROR, "forgotten"),
        (replace(FINE, entry=replace(ENTRY, port=1)), Severity.ERROR, "192.168.1.20:1"),
        (replace(FINE, door=False), Severity.WARNING, "dead"),
        (replace(FINE, outside="100.64.0.9"), Severity.ERROR, "CGNAT"),
        (replace(FINE, outside=""), Severity.ERROR, "no public address"),
        (replace(FINE, refused="718", fix="x"), Severity.ERROR, "cannot be renewed: 718"),
        (replace(FINE, refused="718", fix="x", entry=None), Severity.ERROR, "lost, and not"),
        (replace(FINE, refused="718", here="192.168.1.21"), Severity.ERROR, "192.168.1.21 now"),
        (replace(FINE, stranger="container x"), Severity.ERROR, "internet may reach it"),
        (replace(FINE, stranger="container x", entry=None), Severity.ERROR, "taken back"),
    ],
)
def test_judge(seen: Seen, severity: Severity, words: str) -> None:
    finding = forward.judge(MAPPING, seen)
    assert (finding.check, finding.subject) == ("net.forward", "port 8443")
    assert finding.severity is severity
    assert words in finding.summary
    assert bool(finding.fix) is (severity is not Severity.OK)


def test_a_router_behind_another_one_is_fine_if_it_was_asked_all_the_same() -> None:
    anyway = replace(MAPPING, outside="192.168.178.20")
    assert forward.judge(anyway, replace(FINE, outside="192.168.178.20")).severity is Severity.OK
    moved = forward.judge(anyway, replace(FINE, outside="192.168.178.21"))
    assert moved.severity is Severity.ERROR


def test_who_is_behind_the_port() -> None:
    gateway = door(Port("192.168.1.20", 8443, 8443), Port("", 8080, 8080))
    other = Published("ollama", "", Port("", 8443, 11434))
    assert forward.behind(MAPPING, gateway)
    assert not forward.behind(replace(MAPPING, address="192.168.1.21"), gateway)
    assert not forward.behind(MAPPING, None)
    assert forward.stranger(MAPPING, gateway, (other,)) == ""
    assert forward.stranger(MAPPING, None, (other,)) == "container ollama"
    assert forward.stranger(MAPPING, None, ()) == ""
    local = replace(other, port=Port("127.0.0.1", 8443, 11434))
    assert forward.stranger(MAPPING, None, (local,)) == ""
    swapped = door(Port("", 9443, 8443), Port("", 8443, 8080))
    assert forward.stranger(MAPPING, swapped, ()) == "the gateway's unencrypted port"


def test_what_is_kept_can_be_read_again() -> None:
    assert forward.load(forward.dump(MAPPING)) == MAPPING


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"method": "UPnP"}'])
def test_what_is_damaged_cannot(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        forward.load(text)
