"""By which address clients come."""

from __future__ import annotations

import pytest

from stackctl.connect import address
from stackctl.connect.address import Door
from stackctl.model import Port, StackError

EVERY, LOOP, LAN = "0.0.0.0", "127.0.0.1", "192.168.1.20"
NAMES = ("box", "box.local", "localhost", LOOP, LAN)
OWN = (LAN, "10.8.0.1")


def door(
    bind: str = LOOP, http: str = LOOP, names: tuple[str, ...] = (), own: tuple[str, ...] = OWN
) -> Door:
    ports = (Port(bind, 8443, 8443), Port(http, 8000, 8080), Port(LOOP, 8404, 8404))
    return Door(ports, names, own)


@pytest.mark.parametrize(
    ("place", "url"),
    [
        (door(), "http://127.0.0.1:8000"),
        (door(names=NAMES), "http://127.0.0.1:8000"),
        (door(LAN, names=NAMES), "https://192.168.1.20:8443"),
        (door(EVERY, names=NAMES), "https://192.168.1.20:8443"),
        (door("", names=NAMES), "https://192.168.1.20:8443"),
        # a port of TLS without a certificate answers nobody
        (door(LAN), "http://127.0.0.1:8000"),
        (door(LAN, http=LAN), "http://192.168.1.20:8000"),
        # a certificate of Let's Encrypt has no addresses
        (door(EVERY, names=("ai.example.org",)), "https://ai.example.org:8443"),
        (door(LAN, names=("*.example.org",)), "https://192.168.1.20:8443"),
        # the second of the machine's addresses is in it
        (door(EVERY, names=("10.8.0.1",)), "https://10.8.0.1:8443"),
        (door("fd00::1", names=("fd00::1",)), "https://[fd00::1]:8443"),
        (door(EVERY, names=("localhost",), own=()), "http://127.0.0.1:8000"),
        (Door((Port(EVERY, 8443, 8443),), ("localhost",)), "https://127.0.0.1:8443"),
    ],
)
def test_best(place: Door, url: str) -> None:
    assert address.best(place) == url


def test_nothing_published() -> None:
    with pytest.raises(StackError, match="publishes no port"):
        address.best(Door((Port(LOOP, 8404, 8404),)))


@pytest.mark.parametrize(
    ("bind", "tls", "url"),
    [
        (LAN, True, "https://192.168.1.20:8443"),
        (EVERY, True, "https://ADDRESS:8443"),
        (LOOP, True, "http://127.0.0.1:8000"),
        (EVERY, False, "http://127.0.0.1:8000"),
    ],
)
def test_what_stands_in_the_page(bind: str, tls: bool, url: str) -> None:
    assert address.written(door(bind).ports, tls=tls) == url
    assert address.written((), tls=tls) == "http://ADDRESS"


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        (
            door(),
            (f"GATEWAY_BIND={LAN} in env/stack.env", "stackctl tls init", "stackctl up gateway"),
        ),
        (door(names=NAMES), (f"GATEWAY_BIND={LAN} in env/stack.env", "stackctl up gateway")),
        (door(EVERY), ("stackctl tls init",)),
        (door(LAN, names=NAMES), ()),
    ],
)
def test_missing(place: Door, steps: tuple[str, ...]) -> None:
    assert address.missing(place) == steps


@pytest.mark.parametrize(
    ("host", "place", "url"),
    [
        (LAN, door(LAN, names=NAMES), "https://192.168.1.20:8443"),
        ("ai.example.org", door(LAN, names=NAMES), "https://ai.example.org:8443"),
        (LAN, door(LAN, http=LAN), "http://192.168.1.20:8000"),
        (LOOP, door(LAN, names=NAMES), "http://127.0.0.1:8000"),
        ("localhost", door(LAN, names=NAMES), "http://localhost:8000"),
        ("fd00::7", door("::", names=NAMES), "https://[fd00::7]:8443"),
    ],
)
def test_an_address_that_the_owner_chose(host: str, place: Door, url: str) -> None:
    assert address.at(host, place) == url


def test_an_address_on_which_nobody_listens() -> None:
    with pytest.raises(StackError, match=r"does not listen on 10\.9\.9\.9") as raised:
        address.at("10.9.9.9", door(LAN, names=NAMES))
    assert "192.168.1.20:8443" in raised.value.fix
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://ai.example.org", "https://ai.example.org"),
        ("https://AI.example.org:443/", "https://ai.example.org"),
        ("http://192.168.1.20:8000", "http://192.168.1.20:8000"),
        ("https://[fd00::1]:8443", "https://[fd00::1]:8443"),
    ],
)
def test_a_url(text: str, url: str) -> None:
    assert address.typed(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "ftp://x",
        "https://",
        "https://x:99999",
        "https://x:y",
        "https://x/v1",
        "https://x?key=1",
        "https://user:pass@x",
        "https://x'; touch y",
        'https://x"',
        "https://x<script>",
        "https://[::1",
        "https://[fe80::1%$(id)]",
        "https://münchen.example",
    ],
)
def test_no_url(text: str) -> None:
    with pytest.raises(StackError) as raised:
        address.typed(text)
    assert raised.value.exit_code == 2


def test_what_a_certificate_covers() -> None:
    assert address.covered("box", NAMES)
    assert address.covered("ai.example.org", ("*.example.org",))
    assert not address.covered("a.ai.example.org", ("*.example.org",))
    assert not address.covered("other", NAMES)


@pytest.mark.parametrize("url", ["http://127.0.0.2:1", "https://[::1]:1", "http://localhost"])
def test_loopback(url: str) -> None:
    assert address.loopback(url)
    assert not address.loopback("http://192.168.1.20:1")
    assert (address.host_of("https://[fd00::1]"), address.port_of("https://[fd00::1]")) == (
        "fd00::1",
        443,
    )
