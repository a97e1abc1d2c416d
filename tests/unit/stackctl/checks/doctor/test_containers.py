"""CDI, Docker, the network, room."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from stackctl.model import GpuRequest, Port, Severity, Space, Unavailable
from stackctl.model.host import (
    NO_RIGHT,
    Config,
    Firewall,
    Holder,
    Kernel,
    Route,
    Rules,
    Toolkit,
    mend_of,
)
from stackctl.system.host.config import parse
from tests.unit.stackctl.box import CODER, MAIN
from tests.unit.stackctl.checks.doctor.hosts import (
    BLIND,
    engine,
    guest,
    host,
    only,
    problems,
    spec,
)

REFRESH = ("systemctl", "restart", "nvidia-cdi-refresh.service")
GENERATE = ("/usr/bin/nvidia-ctk", "cdi", "generate", "--output=/etc/cdi/nvidia.yaml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"versions": ("570.133.20",)}, "is of driver 570.133.20, 580.95.05 runs"),
        ({"missing": ("/usr/lib/libEGL_nvidia.so.570",)}, "names what is not there"),
        ({"majors": {"/dev/nvidia-uvm": 234}}, "major number 234"),
        ({"devices": ("0", "1", "2", "all")}, "does not have GPU 3"),
    ],
)
def test_a_stale_cdi_file(changes: dict[str, Any], words: str) -> None:
    found = only("cdi.spec", Severity.ERROR, specs=(spec(**changes),))
    assert words in found.summary
    mend = mend_of(found)
    assert mend
    assert mend.argv == GENERATE


def test_the_cdi_file_of_the_refresher_and_of_somebody_else() -> None:
    toolkit = replace(host().toolkit, refreshes=True)
    stale: dict[str, Any] = {"versions": ("570.133.20",)}
    theirs = spec(path="/var/run/cdi/nvidia.yaml", rank=1, **stale)
    mend = mend_of(only("cdi.spec", Severity.ERROR, specs=(theirs,), toolkit=toolkit))
    assert mend
    assert mend.argv == REFRESH
    other = spec(path="/etc/cdi/mine.yaml", **stale)
    assert mend_of(only("cdi.spec", Severity.ERROR, specs=(other,))) is None
    half = replace(host().kernel, libraries=("590.44.01",))
    found = problems(specs=(spec(**stale),), kernel=half)
    assert [(f.check, mend_of(f)) for f in found] == [("driver.version", None), ("cdi.spec", None)]
    none = only("cdi.spec", Severity.ERROR, specs=(spec(**stale),), toolkit=Toolkit())
    assert mend_of(none) is None


def test_a_socket_that_is_gone_is_the_daemons_matter() -> None:
    gone = spec(missing=("/run/nvidia-persistenced/socket",))
    found = only("cdi.spec", Severity.ERROR, specs=(gone,))
    mend = mend_of(found)
    assert mend
    assert mend.argv == ("systemctl", "start", "nvidia-persistenced.service")


def test_files_that_override_or_cancel_each_other() -> None:
    old = spec(versions=("570.133.20",))
    fresh = spec(path="/var/run/cdi/nvidia.yaml", rank=1)
    assert problems(specs=(old, fresh)) == []
    found = only("cdi.spec", Severity.ERROR, specs=(spec(), spec(path="/etc/cdi/old.yaml")))
    assert "/etc/cdi/old.yaml" in found.summary
    assert only("cdi.spec", Severity.ERROR, specs=(spec(), Unavailable("it is empty")))
    assert problems(specs=(Unavailable("for root", NO_RIGHT),)) == []


def test_ways_to_a_gpu() -> None:
    def way(**changes: Any) -> Any:
        return engine(daemon=replace(engine().daemon, **changes))

    blind = way(cdi_devices=())
    found = only("docker.gpus", Severity.WARNING, engine=blind, specs=())
    mend = mend_of(found)
    assert mend
    assert mend.argv == GENERATE
    assert mend_of(only("docker.gpus", Severity.WARNING, engine=blind)) is None
    none = replace(way(cdi_devices=()), guests=())
    found = only("docker.gpus", Severity.ERROR, engine=none, specs=(), toolkit=Toolkit())
    assert "Toolkit" in found.fix
    assert mend_of(found) is None


def test_a_container_that_will_lose_its_gpu() -> None:
    found = only(
        "docker.reload", Severity.ERROR, engine=engine(guest(MAIN, rules=BLIND), guest(CODER))
    )
    assert found.subject == "main"
    assert found.fix == "stackctl restart main"
    assert "/dev/nvidiactl, /dev/nvidiaN, /dev/nvidia-uvm" in found.evidence


@pytest.mark.parametrize(
    "safe",
    [
        guest(MAIN, rules=BLIND, privileged=True),
        guest(replace(MAIN, gpus=GpuRequest()), rules=BLIND),
        guest(MAIN, rules=Rules(everything=True)),
        guest(MAIN, rules=Rules(allowed=("195:*", "510:*"))),
        guest(MAIN, rules=Rules(allowed=("*:*",))),
        guest(MAIN, rules=Unavailable("systemd keeps no rules of it")),
    ],
)
def test_containers_that_keep_their_gpu_or_of_which_nobody_knows(safe: Any) -> None:
    assert problems(engine=engine(safe)) == []


def test_without_systemd_no_container_loses_anything() -> None:
    daemon = replace(engine().daemon, cgroup_driver="cgroupfs")
    assert problems(engine=engine(guest(MAIN, rules=BLIND), daemon=daemon)) == []


def test_uvm_alone_is_lost_as_well() -> None:
    rules = Rules(allowed=("195:0", "195:255"))
    found = only("docker.reload", Severity.ERROR, engine=engine(guest(MAIN, rules=rules)))
    assert found.values["lacking"] == ["/dev/nvidia-uvm"]


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        ('{"a": 1,}', Severity.ERROR, "broken: line 1"),
        ("[]", Severity.ERROR, "no JSON object"),
        ('{"features": {"cdi": false}}', Severity.WARNING, "CDI is turned off"),
        ('{"runtimes": {"nvidia": {}}}', Severity.WARNING, "runtime nvidia"),
        ('{"exec-opts": ["native.cgroupdriver=cgroupfs"]}', Severity.WARNING, "cgroupfs"),
    ],
)
def test_the_daemons_file(text: str, severity: Severity, words: str) -> None:
    assert words in only("docker.config", severity, config=parse(text)).summary


def test_odd_values_of_the_daemons_file_are_the_daemons_matter() -> None:
    for text in ('{"runtimes": 1}', '{"exec-opts": {}}', '{"features": 1}', "", "{}"):
        assert problems(config=parse(text)) == []


LONG = {"engine": engine(guest(MAIN, log_bounded=False, log_mib=700))}


def test_logs_without_an_end() -> None:
    given = Config("/etc/docker/daemon.json", '{"mtu": 1400}', {"mtu": 1400}, flags=())
    found = only("docker.logs", Severity.WARNING, config=given, **LONG)
    assert "700 MiB" in found.evidence
    mend = mend_of(found)
    assert mend
    assert json.loads(mend.text) == {"mtu": 1400, "log-opts": {"max-size": "50m", "max-file": "3"}}
    assert mend.old == given.text
    assert mend.prove == ("dockerd", "--validate", "--config-file")


@pytest.mark.parametrize(
    "config",
    [
        Config("/etc/docker/daemon.json"),  # nobody knows how the daemon was started
        Config("/etc/docker/daemon.json", flags=("--log-opt", "max-file=2")),
        Config("/etc/docker/daemon.json", flags=("--config-file=/other",)),
        Config("/etc/docker/daemon.json", "x", {"log-driver": "journald"}, flags=()),
        Config("/etc/docker/daemon.json", "x", {"log-opts": {"max-size": "1g"}}, flags=()),
        Config("/etc/docker/daemon.json", "x", {"log-opts": 3}, flags=()),
        Config("/var/snap/docker/current/config/daemon.json", flags=()),
        Unavailable("for root", NO_RIGHT),
    ],
)
def test_where_rotation_is_left_to_the_owner(config: Config | Unavailable) -> None:
    assert mend_of(only("docker.logs", Severity.WARNING, config=config, **LONG)) is None


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("vllm/vllm-openai", False),
        ("vllm/vllm-openai:latest", False),
        ("ghcr.io:5000/a/b", False),
        ("ghcr.io:5000/a/b:v0.11.0", True),
        ("a/b@sha256:00", True),
        ("sha256:00", True),
    ],
)
def test_images(image: str, pinned: bool) -> None:
    runs = guest(replace(MAIN, image=image))
    found = problems(engine=engine(runs))
    assert [f.check for f in found] == ([] if pinned else ["docker.images"])
    assert problems(engine=engine(replace(runs, built_here=True))) == []


def test_docker_in_a_snap_and_docker_that_may_not_be_asked() -> None:
    snap = engine(root="/var/snap/docker/common/var-lib-docker")
    assert only("docker.daemon", Severity.WARNING, engine=snap)
    found = problems(engine=Unavailable("no permission on the Docker socket", "sudo ..."))
    assert [(f.check, f.severity) for f in found] == [("docker.daemon", Severity.WARNING)]


def test_a_network_that_hides_the_lan() -> None:
    routes = (*host().routes, Route("172.18.4.0/24", "tun0"))  # type: ignore[misc]
    found = only("net.overlap", Severity.WARNING, routes=routes)
    assert found.subject == "network stack_default"
    assert "172.18.4.0/24 on tun0" in found.summary


def open_on(address: str) -> Any:
    return engine(guest(replace(MAIN, ports=(Port(address, 8001, 8000),))))


def test_a_port_past_the_firewall() -> None:
    found = only("net.exposed", Severity.WARNING, engine=open_on("0.0.0.0"))
    assert found.values["ports"] == [8001]
    unread = Firewall(True, True, Unavailable("for root", NO_RIGHT))
    found = only("net.exposed", Severity.WARNING, engine=open_on("::"), firewall=unread)
    assert "for root" in found.evidence


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        ("127.0.0.1", {}),
        ("192.168.1.5", {}),
        ("0.0.0.0", {"active": False}),
        ("0.0.0.0", {"denies": False}),
        ("0.0.0.0", {"guards_docker": True}),
        ("0.0.0.0", {"allowed": ("22", "8000:8010")}),
        ("0.0.0.0", {"allowed": ("80,8001",)}),
        ("0.0.0.0", {"allowed": ("",)}),
    ],
)
def test_ports_that_are_as_the_owner_wants_them(address: str, changes: dict[str, Any]) -> None:
    wall = replace(Firewall(True, True), **changes)
    assert problems(engine=open_on(address), firewall=wall) == []


def test_a_default_address_of_the_daemon() -> None:
    local = Config("/etc/docker/daemon.json", "x", {"ip": "127.0.0.1"})
    assert problems(engine=open_on(""), config=local) == []
    assert only("net.exposed", Severity.WARNING, engine=open_on(""))


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (Holder(7, 1, 9000, "ollama", "ollama", unit="ollama.service"), "disable --now ollama"),
        (Holder(7, 1, 9000, "VLLM::Worker", "root", orphan=True), "sudo kill 7"),
        (Holder(7, 1, 9000, "python", "ann"), "sudo kill 7"),
        (Holder(7, 1, 9000, foreign="ab" * 32), "podman ps"),
        (Holder(7, 1, 9000), "kill 7"),
    ],
)
def test_strangers_on_a_gpu(holder: Holder, words: str) -> None:
    found = only("gpu.holders", Severity.WARNING, holders=(holder,))
    assert words in found.fix
    assert mend_of(found) is None
    assert problems(holders=(replace(holder, used_mib=40),)) == []


def test_room() -> None:
    assert only("host.disk", Severity.WARNING, space=(Space("/", 9000),))
    assert [f.severity for f in problems(space=(Space("/", 900),))] == [Severity.ERROR]
    vllm = guest(replace(MAIN, engine="vllm"), shm_mib=64)
    assert only("host.shm", Severity.WARNING, engine=engine(vllm)).subject == "main"
    assert problems(engine=engine(replace(vllm, shm_mib=8192))) == []
    assert problems(engine=engine(guest(replace(CODER, engine="vllm"), shm_mib=64))) == []
    shared = replace(vllm, own_shm=False)
    assert problems(engine=engine(shared)) == []
    full = Space("/dev/shm", 10)
    assert only("host.shm", Severity.WARNING, engine=engine(shared), host_shm=full)


def test_a_spec_without_a_kernel_to_compare_with() -> None:
    assert problems(kernel=Kernel(), specs=(spec(versions=("570.1",)),)) == []
