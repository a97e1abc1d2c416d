"""The daemon's JSON as the doctor reads it; NVML's further answers; doing a repair."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from stackctl.model import Daemon, StackError, Unavailable
from stackctl.model.host import Bridge, Card, Devices, Engine, Mend, Rules
from stackctl.system.host import cards, engine, mending
from stackctl.system.host.engine import HostDocker

ID = "d" * 64
RAW: dict[str, Any] = {
    "Id": ID,
    "Name": "/main",
    "Image": "sha256:1",
    "LogPath": "/log",
    "State": {"Status": "running", "Running": True, "StartedAt": "2026-01-02T03:04:05Z"},
    "Config": {"Image": "a/b:1", "Labels": {"stackctl.role": "main"}, "Env": []},
    "HostConfig": {
        "LogConfig": {"Type": "json-file", "Config": {}},
        "ShmSize": 64 << 20,
        "IpcMode": "private",
        "Privileged": False,
        "PortBindings": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8001"}]},
        "DeviceRequests": [{"Driver": "", "Count": -1, "DeviceIDs": None}],
    },
}
SYSTEMD = Daemon("28.5.2", cgroup_driver="systemd")


def test_a_container(tmp_path: Path) -> None:
    folder = tmp_path / f"run/systemd/transient/docker-{ID}.scope.d"
    folder.mkdir(parents=True)
    (folder / "50-DeviceAllow.conf").write_text("[Scope]\nDeviceAllow=/dev/char/195:0 rw\n")
    (tmp_path / "log").write_bytes(bytes(3 << 20))
    found = engine.guest(RAW, SYSTEMD, Devices(), False, tmp_path)
    assert found.name == "main"
    assert found.service.gpus.wanted
    assert (found.log_bounded, found.log_mib, found.shm_mib) == (False, 3, 64)
    assert found.own_shm
    assert found.rules == Rules(allowed=("195:0",))
    other = engine.guest(RAW, Daemon("28.5.2", cgroup_driver="cgroupfs"), Devices(), True, tmp_path)
    assert isinstance(other.rules, Unavailable)
    assert other.built_here


@pytest.mark.parametrize(
    ("log", "bounded"),
    [
        ({"Type": "json-file", "Config": {"max-size": "10m"}}, True),
        ({"Type": "json-file", "Config": {"max-size": "-1"}}, False),
        ({"Type": "json-file", "Config": {"max-file": "3"}}, False),
        ({"Type": "local", "Config": {}}, True),
        ({"Type": "journald", "Config": None}, True),
        ({}, True),
    ],
)
def test_logs(log: dict[str, Any], bounded: bool, tmp_path: Path) -> None:
    raw = RAW | {"HostConfig": RAW["HostConfig"] | {"LogConfig": log}}
    assert engine.guest(raw, SYSTEMD, Devices(), False, tmp_path).log_bounded is bounded


def test_networks() -> None:
    raw: dict[str, Any] = {"Name": "n", "Id": "0123456789abcdef", "Driver": "bridge"}
    assert engine.bridge(raw) == Bridge("n", "br-0123456789ab", ())
    raw |= {
        "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {}]},
        "Options": {"com.docker.network.bridge.name": "docker0"},
    }
    assert engine.bridge(raw) == Bridge("n", "docker0", ("172.18.0.0/16",))
    assert engine.bridge(raw | {"Driver": "macvlan"}) is None
    assert engine.bridge(raw | {"IPAM": {"Config": None}, "Options": None}) is not None


class Canned(HostDocker):
    """A daemon that answers from a table; a StackError in it is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        answer = self.answers.get(name, [])
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_the_whole_daemon(tmp_path: Path) -> None:
    info = {
        "ServerVersion": "28.5.2",
        "CgroupDriver": "cgroupfs",
        "DockerRootDir": "/srv/docker",
        "Runtimes": {"runc": {}},
        "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}, {"Source": "x"}],
    }
    docker = Canned(info=info, containers=[{"Id": ID}], inspect_container=RAW, networks=[])
    found = docker.engine(Devices(), tmp_path)
    assert isinstance(found, Engine)
    assert found.root == "/srv/docker"
    assert found.daemon.cdi_devices == ("nvidia.com/gpu=0",)
    assert [guest.built_here for guest in found.guests] == [True]
    docker.answers["images"] = [{"Id": "sha256:1", "RepoDigests": ["a/b@sha256:2"]}]
    found = docker.engine(Devices(), tmp_path)
    assert isinstance(found, Engine)
    assert [guest.built_here for guest in found.guests] == [False]


def test_a_daemon_that_does_not_answer_and_a_container_that_goes(tmp_path: Path) -> None:
    down = Canned(info=StackError("the Docker daemon is not running", fix="make setup"))
    assert down.engine(Devices(), tmp_path) == Unavailable(
        "the Docker daemon is not running", "make setup"
    )
    gone = Canned(info={}, containers=[{"Id": ID}], inspect_container=StackError("no such"))
    found = gone.engine(Devices(), tmp_path)
    assert isinstance(found, Engine)
    assert found.guests == ()


class NoAnswer(Exception):
    """NVML's refusal."""


def nvml(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    """A pynvml that knows these questions and no other."""

    def known(answer: Any) -> Any:
        def ask(*_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    fake = types.SimpleNamespace(NVMLError=NoAnswer, **{k: known(v) for k, v in answers.items()})
    monkeypatch.setitem(sys.modules, "pynvml", fake)


def test_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(
        monkeypatch,
        nvmlInit=None,
        nvmlShutdown=None,
        nvmlDeviceGetHandleByIndex="handle",
        nvmlDeviceGetPersistenceMode=0,
        nvmlDeviceGetPowerManagementLimit=230000,
        nvmlDeviceGetTemperatureThreshold=91,
        nvmlDeviceGetRemappedRows=(0, 1, 1, 0),
        nvmlDeviceGetTotalEccErrors=NoAnswer(),
        nvmlDeviceGetP2PStatus=0,
    )
    found, peers = cards.read(2)
    assert found[0] == Card(0, False, 230.0, None, 91, repair_pending=True)
    assert peers.status == {(0, 1): 0}


def test_cards_of_a_driver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml(monkeypatch, nvmlInit=NoAnswer())
    assert cards.read(2)[0] == ()
    nvml(monkeypatch, nvmlInit=None, nvmlShutdown=None, nvmlDeviceGetHandleByIndex=NoAnswer())
    assert cards.read(2)[0] == ()


def test_a_file_is_written_and_the_old_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "docker" / "daemon.json"
    assert mending.put(path, "{}\n", "", ("true",)) == ""
    path.chmod(0o600)
    kept = mending.put(path, '{"a": 1}\n', "{}\n", ("cat",))
    assert json.loads(path.read_text()) == {"a": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    backup = Path(kept.removeprefix("the old one is kept as "))
    assert backup.read_text() == "{}\n"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in path.parent.iterdir()) == ["daemon.json", backup.name]


def test_a_file_that_does_not_stand_the_proof_stays(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_text("{}\n")
    with pytest.raises(StackError, match="false ended with 1"):
        mending.put(path, "x", "{}\n", ("false",))
    with pytest.raises(StackError, match="no such program"):
        mending.put(path, "x", "{}\n", ("no-such-dockerd",))
    with pytest.raises(StackError, match="was changed meanwhile"):
        mending.put(path, "x", "other", ("true",))
    assert [p.name for p in tmp_path.iterdir()] == ["daemon.json"]
    assert path.read_text() == "{}\n"


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError):
        mending.put(tmp_path / "file" / "daemon.json", "{}", "")


def test_a_program(tmp_path: Path) -> None:
    assert mending.do(Mend("x", "y", argv=("true",))) == ""
    old = tmp_path / "nvidia.yaml"
    old.write_text("old")
    anew = Mend("x", "y", argv=("sh", "-c", f"echo new >{old}"), keep=str(old))
    kept = mending.do(anew).removeprefix("the old one is kept as ")
    assert (Path(kept).read_text(), old.read_text()) == ("old", "new\n")
    assert Path(kept).suffix == ".bak"
    with pytest.raises(StackError, match="ended with 3: no"):
        mending.do(Mend("x", "y", argv=("sh", "-c", "echo no >&2; exit 3")))
