"""The doctor as a whole: no false alarm, every check told and documented."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.checks.doctor import LOOKS, run
from stackctl.model import Driver, Severity, Unavailable
from stackctl.model.host import HostFacts, Look, Mend, mend_of
from tests.unit.stackctl import box
from tests.unit.stackctl.box import ROOT, gpu
from tests.unit.stackctl.checks.doctor import hosts


def test_a_healthy_host_is_told_in_one_line_per_concern() -> None:
    found = run(LOOKS, hosts.host())
    assert [f for f in found if f.severity is not Severity.OK] == []
    assert [f.check for f in found] == [look.id for look in LOOKS]


def test_a_check_that_crashes_hides_no_other() -> None:
    def broken(_: HostFacts) -> list[object]:
        raise ValueError("no")

    looks = (Look("x.y", "x", "x", broken), *LOOKS[:1])  # type: ignore[arg-type]
    found = run(looks, hosts.host())
    assert found[0].severity is Severity.ERROR
    assert "crashed: ValueError: no" in found[0].summary
    assert found[1].severity is Severity.OK


def test_nothing_at_all_is_no_crash() -> None:
    found = run(LOOKS, HostFacts())
    assert not [f for f in found if "crashed" in f.summary]


@pytest.mark.parametrize("lost", ["driver", "pci", "xids", "engine", "config", "routes"])
def test_one_source_that_fails_breaks_nothing_else(lost: str) -> None:
    gone = Unavailable("gone", "nvml:9")
    found = run(LOOKS, hosts.host(**{lost: gone}))
    own = {"driver": ["gpu.driver"], "engine": ["docker.daemon"]}.get(lost, [])
    assert [f.check for f in found if f.severity is Severity.ERROR] == own
    assert not [f for f in found if f.severity is Severity.WARNING]
    skipped = {f.check for f in found if f.severity is Severity.SKIPPED}
    assert skipped == {look.id for look in LOOKS if lost in look.needs}


def test_simulated_gpus_raise_no_alarm() -> None:
    cards = tuple(gpu(n, name="Quadro RTX 8000 [simulated]") for n in range(4))
    facts = hosts.host(
        driver=Driver("580.95.05", "13.0", cards),
        kernel=HostFacts().kernel,
        devices=HostFacts().devices,
        specs=(hosts.spec(path="/etc/cdi/gpusim.json", versions=(), majors={}),),
        toolkit=HostFacts().toolkit,
        pci=(),
    )
    assert [f for f in run(LOOKS, facts) if f.severity is not Severity.OK] == []


def test_every_check_has_its_heading_and_ids_are_unique() -> None:
    text = (Path(ROOT) / "docs" / "doctor.md").read_text(encoding="utf-8")
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    ids = [look.id for look in LOOKS]
    assert len(ids) == len(set(ids))
    assert [h for h in headings if "." in h] == ids


def test_a_mend_says_what_and_why_it_is_safe() -> None:
    found = hosts.problems(
        kernel=replace(hosts.host().kernel, uvm=False),
        devices=replace(hosts.host().devices, majors={"nvidia": 195}),
        cards=tuple(replace(card, persistence=False) for card in hosts.host().cards),
        specs=(hosts.spec(versions=("570.1",)),),
        engine=hosts.engine(hosts.guest(box.MAIN, log_bounded=False)),
    )
    mends = [mend for finding in found if (mend := mend_of(finding))]
    assert len(mends) == 4
    for mend in mends:
        assert isinstance(mend, Mend)
        assert mend.what
        assert mend.safe
        assert bool(mend.argv) is not bool(mend.path)
    assert all("sudo" not in mend.argv for mend in mends)
