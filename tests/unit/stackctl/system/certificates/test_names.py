"""What users type as a name, and what a host calls itself."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.model import StackError
from stackctl.system import process
from stackctl.system.certificates import names


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("Box.LAN", "box.lan"),
        ("box.lan.", "box.lan"),
        (" ai.example.org ", "ai.example.org"),
        ("my_box", "my_box"),
        ("192.168.1.10", "192.168.1.10"),
        ("FD00::0001", "fd00::1"),
        ("[fd00::1]", "fd00::1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        # IDNA 2008, not 2003, which would ask for strasse.de
        ("straße.de", "xn--strae-oqa.de"),
        ("예시.한국", "xn--vv4b11d.xn--3e0b707e"),
    ],
)
def test_what_is_typed_becomes_what_clients_look_up(typed: str, wanted: str) -> None:
    assert names.typed(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("https://box.lan", "without https://"),
        ("box.lan:8443", "without https://, port"),
        ("192.168.1.10:8443", "port"),
        ("192.168.1.0/24", "path"),
        ("fe80::1%eth0", "zone"),
        ("*.example.org", "a wildcard"),
        ("300.1.1.1", "neither an address nor a name"),
        ("1.2.3", "neither an address nor a name"),
        ("0.0.0.0", "no client can reach that"),
        ("::", "no client can reach that"),
        ("224.0.0.1", "no client can reach that"),
        ("", "no domain name"),
        ("-box", "no domain name"),
        ("a..b", "no domain name"),
        ("box lan", "no domain name"),
        ("x" * 64 + ".lan", "no domain name"),
        (".".join(["abcdefgh"] * 29), "no domain name"),
        ("böx..de", "no domain name"),
        ("☃\n.de", "no domain name"),
    ],
)
def test_what_is_no_name_is_refused_as_usage(typed: str, why: str) -> None:
    with pytest.raises(StackError, match=why) as caught:
        names.typed(typed)
    assert caught.value.exit_code == 2
    assert caught.value.fix


@pytest.mark.parametrize(
    ("hostname", "wanted"),
    [
        ("Box", ("box", "box.local")),
        ("box.example.org", ("box.example.org", "box.local")),
        ("localhost", ()),
        ("10.0.0.1", ()),
        ("no name", ()),
    ],
)
def test_names_of_a_host(hostname: str, wanted: tuple[str, ...]) -> None:
    assert names.of_host(hostname) == wanted


def link(name: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"ifname": name, "addr_info": [{"scope": "global", **row} for row in rows]}


def test_addresses_are_those_that_others_reach_and_that_stay() -> None:
    links = [
        link("lo", {"local": "127.0.0.1", "scope": "host"}),
        link(
            "eno1",
            {"local": "2001:db8::5"},
            {"local": "2001:db8::beef", "temporary": True},
            {"local": "2001:db8:0:1::5", "deprecated": True},
            {"local": "fe80::5", "scope": "link"},
            {"local": "192.168.1.10"},
        ),
        link("br-lan", {"local": "10.9.0.1"}),
        link("tailscale0", {"local": "100.70.0.1"}),
        link("docker0", {"local": "172.17.0.1"}),
        link("br-0123456789ab", {"local": "172.18.0.1"}),
        link("veth1a2b3c4", {"local": "169.254.9.9"}),
        {"ifname": "ifb0"},
    ]
    assert names.host_addresses(links) == ("192.168.1.10", "10.9.0.1", "100.70.0.1", "2001:db8::5")


def test_without_the_program_ip_names_can_still_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [process.Result(1, "", "Object not found"), process.Result(0, "{", "")]
    monkeypatch.setattr(process, "run", lambda *_a, **_k: answers.pop())
    for _ in range(2):
        with pytest.raises(StackError) as caught:
            names.addresses()
        assert "--name" in caught.value.fix
    assert not answers


@pytest.mark.parametrize("name", ["box", "box.local", "a.b.lan", "x.home.arpa", "x.internal"])
def test_private_names(name: str) -> None:
    assert names.private(name)
    assert not names.private("ai.example.org")
    assert not names.private("notlocal.org")
