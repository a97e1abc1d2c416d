"""`stackctl net forward` against miniupnpd, as home routers have it, and real clients outside."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import CGNAT, PRIVATE, Lab, Run

pytestmark = pytest.mark.docker

OUTSIDER = "peer 81.2.69.99"
GATEWAY = ("stackctl.gateway=haproxy",)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stackctl takes for its clone: nothing of the stack is asked for."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "compose").mkdir()
    (folder / "compose" / "compose.yaml").touch()
    return folder


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Lab]:
    with Lab(home=home) as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab, home: Path) -> Lab:
    """A router that forwards nothing, a gateway with a certificate, bound to all addresses."""
    shutil.rmtree(home / ".stackctl", ignore_errors=True)
    certificate(home)
    shared.reboot_router()
    gateway(shared)
    return shared


def certificate(home: Path) -> Path:
    """Its content is the gateway's matter; that there is one is what counts."""
    path = home / ".stackctl" / "gateway" / "tls" / "server.pem"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def gateway(lab: Lab, *ports: str) -> None:
    lab.docker("rm", "--force", "gateway", "other")
    lab.publish(*(ports or ("8443:8443", "127.0.0.1:8080:8080")), name="gateway", labels=GATEWAY)
    # in HAProxy's container is nothing that could say when it listens
    until(lambda: "peer" in lab.client("curl", "-sk", "https://192.168.77.2:8443/").out or ports)


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def closed(lab: Lab, port: int, scheme: str = "https") -> bool:
    """The router drops it without a word, so a second is as good as ten."""
    return lab.wan_get(port, scheme=scheme, seconds=1) == ""


def forward(lab: Lab, *words: str, code: int = 0) -> Run:
    done = lab.stackctl("net", "forward", *words)
    assert done.code == code, done.text
    assert "Traceback" not in done.text
    return done


def listed(lab: Lab, code: int = 0) -> dict[str, str]:
    (finding,) = json.loads(forward(lab, "list", "--json", code=code).out)["findings"]
    return dict(finding)


def test_from_nothing_to_a_way_in_and_back(lab: Lab) -> None:
    assert closed(lab, 8443)
    assert "would ask" in forward(lab, "add", "--dry-run").out
    assert closed(lab, 8443)
    forward(lab, "add")
    # the container sees who asks: what slows down wrong keys needs that
    assert lab.wan_get(8443) == OUTSIDER
    assert "held" in forward(lab, "list").out
    forward(lab, "add")  # a second time is no conflict with the first
    assert lab.wan_get(8443) == OUTSIDER
    assert closed(lab, 8080, "http")
    forward(lab, "remove")
    assert closed(lab, 8443)
    assert "forwards nothing" in forward(lab, "list").out
    forward(lab, "remove")


def test_another_port_outside(lab: Lab) -> None:
    forward(lab, "add", "--external", "9443", "--lease", "0")
    assert lab.wan_get(9443) == OUTSIDER
    assert closed(lab, 8443)
    assert "6d 23h" in forward(lab, "list").out
    assert "already" in forward(lab, "add", "--external", "9444", code=1).err


def test_a_lease_ends_and_is_renewed(lab: Lab) -> None:
    forward(lab, "add", "--lease", "10")
    assert lab.wan_get(8443) == OUTSIDER
    until(lambda: closed(lab, 8443))
    assert listed(lab, code=1)["summary"] == "the router has forgotten it"
    assert "would ask again" in forward(lab, "renew", "--dry-run").out
    assert "leads to the gateway" in forward(lab, "renew").out
    assert lab.wan_get(8443) == OUTSIDER


def test_a_router_that_was_restarted_is_asked_again(lab: Lab) -> None:
    forward(lab, "add")
    lab.reboot_router()
    assert closed(lab, 8443)
    assert listed(lab, code=1)["severity"] == "error"
    forward(lab, "renew")
    assert lab.wan_get(8443) == OUTSIDER
    lab.stop_router()
    done = forward(lab, "renew", code=1)
    assert "cannot be renewed: the router does not answer" in done.out
    assert "ends by itself" in forward(lab, "remove", code=1).err
    lab.start_router()
    assert "forwards nothing" in forward(lab, "list").out


def test_a_router_with_its_description_on_another_port(lab: Lab) -> None:
    forward(lab, "add")
    lab.reboot_router(http_port=5009)
    forward(lab, "renew")
    assert lab.wan_get(8443) == OUTSIDER
    assert ":5009/" in forward(lab, "list").out


def test_a_gateway_that_stopped(lab: Lab) -> None:
    forward(lab, "add")
    lab.docker("stop", "--time", "0", "gateway")
    assert closed(lab, 8443)
    assert "dead" in forward(lab, "list").out
    # the router's entry is there still, and as long as nobody is behind it, it is not made longer
    lab.reboot_router()
    forward(lab, "renew", code=1)
    lab.docker("start", "gateway")
    forward(lab, "renew")
    until(lambda: lab.wan_get(8443) == OUTSIDER)


def test_a_stranger_on_the_port_of_the_gateway_is_not_open_to_the_internet(lab: Lab) -> None:
    forward(lab, "add")
    lab.docker("rm", "--force", "gateway")
    lab.publish("8443:8080", name="other")
    until(lambda: lab.wan_get(8443, scheme="http") == OUTSIDER)
    assert "container other" in listed(lab, code=1)["summary"]
    assert "taken back" in forward(lab, "renew", code=1).out
    assert closed(lab, 8443, "http")


def test_what_is_not_fit_to_be_forwarded(lab: Lab, home: Path) -> None:
    certificate(home).unlink()
    assert "stackctl tls init" in forward(lab, "add", code=1).err
    certificate(home)
    gateway(lab, "127.0.0.1:8443:8443")
    assert "GATEWAY_BIND" in forward(lab, "add", code=1).err
    gateway(lab, "8443:8080")
    assert "no TLS port" in forward(lab, "add", code=1).err
    lab.docker("rm", "--force", "gateway")
    assert "no gateway runs" in forward(lab, "add", code=1).err
    # no other port can even be named
    forward(lab, "add", "8001", code=2)
    assert lab.router("nft", "list", "chain", "inet", "filter", "miniupnpd").out.count("dport") == 0


def test_what_the_router_refuses(lab: Lab) -> None:
    """In secure mode, as all routers have it, and with the usual list of allowed ports."""
    done = forward(lab, "add", "--external", "443", code=1)
    assert "606" in done.err
    assert "below 1024" in done.err


def test_a_port_that_is_somebody_elses(lab: Lab) -> None:
    taken = (
        "import miniupnpc; u = miniupnpc.UPnP(); u.discover(); u.selectigd(); "
        "u.addportmapping(8443, 'TCP', u.lanaddr, 9000, 'a game', '', 600)"
    )
    assert lab.python("-c", taken, machine="cl").code == 0
    done = forward(lab, "add", code=1)
    assert "192.168.77.3:9000 already (a game)" in done.err
    assert "--external 9443" in done.err


def test_this_machine_gets_another_address(lab: Lab) -> None:
    forward(lab, "add")
    move = "ip addr flush dev eth0; ip addr add {}/24 dev eth0; ip route add default via {}"
    assert lab.lan("sh", "-c", move.format("192.168.77.22", "192.168.77.1")).code == 0
    try:
        assert "192.168.77.22 now" in forward(lab, "renew", code=1).out
        lab.reboot_router()  # as good as a lease that is over
        forward(lab, "renew")
        assert lab.wan_get(8443) == OUTSIDER
    finally:
        assert lab.lan("sh", "-c", move.format("192.168.77.2", "192.168.77.1")).code == 0


def test_a_firewall_that_lets_in_answers_alone(lab: Lab) -> None:
    """To it an answer to a question that went to a group is no answer."""
    rules = (
        ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"),
        ("-i", "eth0", "-j", "DROP"),
    )
    for rule in rules:
        assert lab.lan("iptables", "-A", "INPUT", *rule).code == 0
    try:
        forward(lab, "add")
        # published ports do not pass there
        assert lab.wan_get(8443) == OUTSIDER
    finally:
        lab.lan("iptables", "-F", "INPUT")


def test_nat_pmp(home: Path) -> None:
    shutil.rmtree(home / ".stackctl", ignore_errors=True)
    certificate(home)
    with Lab(upnp=False, home=home) as lab:
        gateway(lab)
        assert "NAT-PMP of 192.168.77.1" in forward(lab, "add").out
        assert lab.wan_get(8443) == OUTSIDER
        lab.reboot_router()
        assert closed(lab, 8443)
        forward(lab, "renew")
        assert lab.wan_get(8443) == OUTSIDER
        forward(lab, "remove")
        assert closed(lab, 8443)
        # below 1024 it offers another port, which nobody wanted
        forward(lab, "add", "--external", "443", code=1)
        rules = lab.router("nft", "list", "ruleset").out
        assert "dnat" not in rules


@pytest.mark.parametrize(
    ("address", "words"), [(CGNAT, "provider's NAT (CGNAT)"), (PRIVATE, "double NAT")]
)
def test_an_address_that_nobody_reaches(address: str, words: str, home: Path) -> None:
    shutil.rmtree(home / ".stackctl", ignore_errors=True)
    certificate(home)
    with Lab(wan_address=address, forward_anyway=True, home=home) as lab:
        gateway(lab)
        assert words in forward(lab, "add", code=1).err
        assert closed(lab, 8443)
        forward(lab, "add", "--anyway")
        assert "held" in forward(lab, "list").out
        assert lab.wan_get(8443).startswith("peer")


def test_a_router_that_forwards_to_nobody_without_a_public_address(home: Path) -> None:
    """As miniupnpd comes: it tells no address, and refuses all."""
    shutil.rmtree(home / ".stackctl", ignore_errors=True)
    certificate(home)
    with Lab(wan_address=CGNAT, home=home) as lab:
        gateway(lab)
        assert "no public address" in forward(lab, "add", code=1).err
        assert "refuses by UPnP" in forward(lab, "add", "--anyway", code=1).err


def test_no_router_that_could_be_asked(home: Path) -> None:
    shutil.rmtree(home / ".stackctl", ignore_errors=True)
    certificate(home)
    with Lab(upnp=False, natpmp=False, home=home) as lab:
        gateway(lab)
        assert "by UPnP or NAT-PMP" in forward(lab, "add", code=1).err
        assert lab.lan("ip", "route", "del", "default").code == 0
        assert "no default route" in forward(lab, "add", code=1).err


def test_the_round_of_every_minute_renews_and_tells(lab: Lab, home: Path) -> None:
    """What `verify --record` calls, in a process of its own; it asks the router it knows."""
    code = (
        "import json, pathlib, sys, time\n"
        "from stackctl.commands.net import forward_keep\n"
        "from stackctl.system.net import ssdp\n"
        "ssdp.search = None\n"
        "found = forward_keep.watch(pathlib.Path(sys.argv[1]))\n"
        "print(json.dumps([[f.check, f.severity, f.summary] for f in found]))\n"
    )

    def told() -> list[list[str]]:
        done = lab.python("-c", code, str(home / ".stackctl"))
        assert done.code == 0, done.text
        return list(json.loads(done.out))

    assert told() == []
    forward(lab, "add")
    lab.reboot_router()
    assert told() == [["net.forward", "ok", "81.2.69.10:8443 leads to the gateway"]]
    assert lab.wan_get(8443) == OUTSIDER
    (home / ".stackctl" / "forward.json").write_text("{")
    ((_, severity, summary),) = told()
    assert (severity, "is damaged" in summary) == ("warning", True)
