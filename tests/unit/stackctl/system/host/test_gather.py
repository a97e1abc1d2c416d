"""All sources together: what fails is a value, what only root may read is told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackctl.facts import host as gathering
from stackctl.model import Driver, Gpu, GpuProcess, Unavailable
from stackctl.model.host import NO_RIGHT, Engine, Firewall, HostFacts, Peers
from stackctl.system import files, nvml
from stackctl.system.host import bus, cards, holders
from stackctl.system.host.engine import HostDocker
from tests.unit.stackctl.box import MAIN
from tests.unit.stackctl.checks.doctor.hosts import engine, guest, host


class Fake(HostDocker):
    def __init__(self, told: Engine | Unavailable) -> None:
        self.told = told

    def engine(self, devices: Any, root: Path = Path("/")) -> Engine | Unavailable:
        return self.told


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (GpuProcess(1, 900), GpuProcess(2, 800, f"{'main':0<64}"))
    driver = Driver("580.95.05", "13.0", (Gpu(0, processes=rows),))
    monkeypatch.setattr(nvml, "read", lambda: driver)
    monkeypatch.setattr(cards, "read", lambda _: ((), Peers()))
    monkeypatch.setattr(gathering, "compose_version", lambda: "2.40.3")


@pytest.mark.usefixtures("box")
def test_an_empty_host(tmp_path: Path) -> None:
    facts = gathering.gather(Fake(engine(guest(MAIN), root="/")), str(tmp_path), tmp_path)
    assert isinstance(facts.driver, Driver)
    assert [holder.pid for holder in facts.holders] == [1]
    assert [space.path for space in facts.space] == ["/", str(tmp_path)]
    assert isinstance(facts.pci, Unavailable)
    assert facts.specs == ()


@pytest.mark.usefixtures("box")
def test_nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(nvml, "read", lambda: Unavailable("no", "nvml:12"))
    monkeypatch.setattr(files, "space", refuse)
    monkeypatch.setattr(gathering, "_KMSG", tmp_path / "none")
    facts = gathering.gather(Fake(Unavailable("down", "make setup")), root=tmp_path)
    assert facts.holders == ()
    assert facts.space == ()
    assert facts.host_shm is None
    assert isinstance(facts.xids, Unavailable)


def test_what_only_root_may_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = Unavailable("for root", NO_RIGHT)
    monkeypatch.setattr(bus, "ports_unread", lambda *_: True)
    facts = host(
        root=False,
        xids=closed,
        config=closed,
        specs=(closed,),
        firewall=Firewall(True, True, closed),
        engine=engine(guest(MAIN, rules=closed, log_bounded=False)),
    )
    told = gathering._with_unread(facts, tmp_path).unread
    assert len(told) == 7
    assert gathering._with_unread(replace(facts, root=True), tmp_path).unread == ()
    assert gathering._with_unread(HostFacts(root=False), tmp_path).unread == ()


def test_the_kernel_log_is_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "open", refuse)
    found = gathering._xids()
    assert isinstance(found, Unavailable)
    assert holders.is_root() in (True, False)
