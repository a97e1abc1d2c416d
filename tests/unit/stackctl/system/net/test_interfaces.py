"""iproute2's JSON, as four kinds of hosts print it; leases as four DHCP clients keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.model.network import Address, Uplink
from stackctl.system.net.interfaces import lease_file, read_addresses, read_uplink

FOR_EVER = 4294967295
RAW = [
    {
        "ifname": "lo",
        "link_type": "loopback",
        "address": "00:00:00:00:00:00",
        "addr_info": [{"local": "127.0.0.1", "prefixlen": 8, "scope": "host"}],
    },
    {
        "ifname": "enp5s0",
        "link_type": "ether",
        "address": "02:00:00:00:00:01",
        "addr_info": [
            {"local": "192.168.1.20", "prefixlen": 24, "scope": "global", "dynamic": True,
             "valid_life_time": 3599, "preferred_life_time": 3599},
            {"local": "2a00::20", "prefixlen": 64, "scope": "global",
             "valid_life_time": FOR_EVER},
            {"local": "2a00::77", "prefixlen": 64, "scope": "global", "temporary": True,
             "valid_life_time": 600},
            {"local": "fe80::1", "prefixlen": 64, "scope": "link", "valid_life_time": FOR_EVER},
        ],
    },
    {"ifname": "veth1", "link_type": "ether", "addr_info": [{}]},
]  # fmt: skip
OWN = read_addresses(RAW)


def test_addresses() -> None:
    mac = "02:00:00:00:00:01"
    assert read_addresses(RAW) == (
        Address("lo", "127.0.0.1", 8),
        Address("enp5s0", "192.168.1.20", 24, 3599, mac=mac),
        Address("enp5s0", "2a00::20", 64, mac=mac),
        Address("enp5s0", "2a00::77", 64, 600, temporary=True, mac=mac),
    )
    assert OWN[1].network == "192.168.1.0/24"


def test_the_way_of_the_least_metric() -> None:
    wifi = {"dst": "default", "gateway": "10.0.0.1", "dev": "wlan0", "metric": 600}
    cable = {"dst": "default", "gateway": "192.168.1.1", "dev": "enp5s0", "metric": 100}
    up = read_uplink([wifi, cable], OWN)
    assert up is not None
    assert (up.interface, up.router, up.address) == ("enp5s0", "192.168.1.1", "192.168.1.20")
    assert read_uplink([], OWN) is None
    assert read_uplink([wifi], OWN) == Uplink("wlan0", "10.0.0.1")


def test_whether_it_is_a_lease() -> None:
    still = (Address("eth0", "192.168.1.20", 24),)
    route = {"dst": "default", "gateway": "192.168.1.1", "dev": "eth0"}
    fixed = read_uplink([route], still)
    assert fixed is not None
    assert fixed.leased == ""
    by_route = read_uplink([route | {"protocol": "dhcp"}], still)
    assert by_route is not None
    assert "dhcp" in by_route.leased
    by_life = read_uplink([route | {"dev": "enp5s0"}], OWN)
    assert by_life is not None
    assert "3599 s" in by_life.leased


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("run/systemd/netif/leases/2", "ADDRESS=192.168.1.20\nNETMASK=255.255.255.0\n"),
        ("var/lib/NetworkManager/internal-a-eth0.lease", "ADDRESS=192.168.1.20\n"),
        ("var/lib/dhcp/dhclient.eth0.leases", "lease {\n  fixed-address 192.168.1.20;\n}\n"),
    ],
)
def test_lease_files(tmp_path: Path, path: str, text: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert lease_file("192.168.1.20", tmp_path) == str(file)
    assert lease_file("192.168.1.2", tmp_path) == ""
    assert lease_file("", tmp_path) == ""
    file.write_bytes(b"\xff\xfe")
    assert lease_file("192.168.1.20", tmp_path) == ""
