"""`stackctl net firewall` on a host with a real daemon, scanned from the internet and the LAN."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.net import doors
from tests.integration.net.doors import code
from tests.lab import PUBLIC, Lab, Run
from tests.lab.lab import LAN

pytestmark = pytest.mark.docker

ENGINE, STRANGER, SIX = 8001, 3000, "fd77::2"
#: where the firewall's tests let stackctl write as if for systemd; never into this machine's own
_CALL = """
import sys
from pathlib import Path
from stackctl.commands.net.firewall import firewall
from stackctl.model import StackError
words = dict(install=False, remove=False, lan=[], allow=[], dry_run=False, as_json=False)
try:
    sys.exit(firewall(**(words | eval(sys.argv[1])), host=Path(sys.argv[2])))
except StackError as error:
    sys.exit(f"{error.message} {error.fix}")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = doors.clone(tmp_path_factory.mktemp("clone"))
    (home / "host" / "run" / "systemd" / "system").mkdir(parents=True)
    with Lab(home=home, upnp=False, natpmp=False) as lab:
        for machine, address in ((lab.lan, f"{SIX}/64"), (lab.client, "fd77::3/64")):
            machine("ip", "-6", "address", "add", address, "dev", "eth0", "nodad")
        doors.start(lab, "gateway", "8443:8443", labels=doors.GATEWAY)
        doors.start(lab, "engine", f"{ENGINE}:8080", labels=doors.ENGINE)
        doors.start(lab, "grafana", f"{STRANGER}:8080", kind="engine")
        doors.forward_all(lab)
        yield lab


@pytest.fixture(autouse=True)
def as_before(lab: Lab) -> Iterator[None]:
    """Each test leaves the tables as it found them."""
    before = tables(lab)
    yield
    if any("STACKCTL" in line for line in tables(lab)):
        firewall(lab, remove=True)
    assert tables(lab) == before


def firewall(lab: Lab, *, systemd: bool = True, **words: object) -> Run:
    assert lab.home
    done = lab.python("-c", _CALL, repr(words), str(lab.home / ("host" if systemd else "bare")))
    assert done.code == 0, done.text
    return done


def tables(lab: Lab) -> list[str]:
    saved = lab.lan("iptables-save").out + lab.lan("ip6tables-save").out
    return [re.sub(r"\[.*", "", line) for line in saved.splitlines() if not line.startswith("#")]


def scan(machine: Callable[..., Run], address: str) -> set[int]:
    """TCP ports that answer, of the first ten thousand."""
    done = machine(
        *("nmap", "-Pn", "-n", "-sT", "-T5", "--max-retries", "1", "-p", "1-10000", "-oG", "-"),
        address,
        seconds=120,
    )
    assert done.code == 0, done.text
    return {int(port) for port in re.findall(r"(\d+)/open/", done.out)}


def test_docker_goes_past_a_firewall_that_drops_all_input(lab: Lab) -> None:
    lab.lan("iptables", "-P", "INPUT", "DROP")
    try:
        assert code(lab.wan, f"http://{PUBLIC}:{ENGINE}/") == "200"
    finally:
        lab.lan("iptables", "-P", "INPUT", "ACCEPT")


def test_only_the_gateway_answers_a_scan_of_the_internet(lab: Lab) -> None:
    assert scan(lab.wan, PUBLIC) >= {8443, ENGINE, STRANGER}
    done = firewall(lab, install=True)
    assert f"grafana 0.0.0.0:{STRANGER}" in done.out
    assert scan(lab.wan, PUBLIC) == {8443}
    assert scan(lab.client, LAN) == {8443}
    assert code(lab.wan, f"https://{PUBLIC}:8443/") == "401"
    # what is inside stays as it was: this machine, its containers, what they send out
    assert code(lab.lan, f"http://{LAN}:{ENGINE}/") == "200"
    inside = ("exec", "grafana", "busybox", "wget", "-qO-", f"http://172.17.0.1:{ENGINE}/")
    assert "coder" in lab.docker(*inside).out
    assert "all of it was there already" in firewall(lab, install=True).out
    assert "in place" in firewall(lab).out.splitlines()[-1]


def test_ipv6_does_not_lead_around_it(lab: Lab) -> None:
    """Docker takes IPv6 with a program of its own here, which a rule of DOCKER-USER never sees."""
    assert code(lab.client, f"http://[{SIX}]:{ENGINE}/") == "200"
    firewall(lab, install=True)
    assert code(lab.client, f"http://[{SIX}]:{ENGINE}/") == "000"
    assert code(lab.client, f"https://[{SIX}]:8443/") == "401"
    assert code(lab.lan, f"http://[{SIX}]:{ENGINE}/") == "200"


def test_the_lan_and_a_port_may_be_let_in(lab: Lab) -> None:
    chosen = {"lan": ["192.168.77.0/24"], "allow": [STRANGER]}
    done = firewall(lab, systemd=False, install=True, **chosen)
    # where nothing brings them back, what to run then is told
    assert f"--install --lan 192.168.77.0/24 --allow {STRANGER}" in done.out
    assert code(lab.client, f"http://{LAN}:{ENGINE}/") == "200"
    assert code(lab.wan, f"http://{PUBLIC}:{ENGINE}/") == "000"
    assert code(lab.wan, f"http://{PUBLIC}:{STRANGER}/") == "200"
    # what was chosen is known without being said again
    told = firewall(lab).out
    assert "192.168.77.0/24" in told
    assert told.rstrip().endswith("in place")
    firewall(lab, install=True)
    assert code(lab.client, f"http://{LAN}:{ENGINE}/") == "000"


def test_a_dry_run_changes_nothing_and_rules_of_the_owner_stay(lab: Lab) -> None:
    own = ("DOCKER-USER", "-p", "tcp", "-m", "conntrack", "--ctorigdstport", "22", "-j", "DROP")
    lab.lan("iptables", "-A", *own)
    try:
        before = tables(lab)
        assert "would load for IPv4" in firewall(lab, install=True, dry_run=True).out
        assert tables(lab) == before
        firewall(lab, install=True)
        assert "would load" in firewall(lab, remove=True, dry_run=True).out
        assert code(lab.wan, f"http://{PUBLIC}:{ENGINE}/") == "000"
        firewall(lab, remove=True)
        assert tables(lab) == before
    finally:
        lab.lan("iptables", "-D", *own)


def test_after_a_restart_of_the_machine_it_is_there_before_docker(lab: Lab) -> None:
    """The unit's own commands, on a machine that has no rules yet."""
    assert lab.home
    firewall(lab, install=True)
    host = lab.home / "host"
    unit = (host / "etc/systemd/system/stackctl-firewall.service").read_text()
    link = host / "etc/systemd/system/multi-user.target.wants/stackctl-firewall.service"
    assert link.is_symlink()
    assert "Before=docker.service" in unit
    for line in re.findall("^ExecStart=(.*)$", unit, re.MULTILINE):
        words = [w.replace("/etc/stackctl", f"{host}/etc/stackctl") for w in line.split()]
        program = Path(words[0].lstrip("-")).name
        done = lab.client(program, *words[1:])
        assert done.code == 0, done.text
    there, here = (m("iptables", "-S", "STACKCTL").out for m in (lab.client, lab.lan))
    assert there == here
    assert "-A DOCKER-USER -j STACKCTL" in lab.client("iptables", "-S", "DOCKER-USER").out
    firewall(lab, remove=True)
    assert not link.is_symlink()
    assert not list((host / "etc" / "stackctl").iterdir())
