"""Driver, GPUs and the bus."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from stackctl.model import Driver, Severity, Unavailable, Xid
from stackctl.model.host import Kernel, Peers, mend_of
from tests.unit.stackctl.box import MAIN, gpu
from tests.unit.stackctl.checks.doctor.hosts import DRIVER, engine, guest, host, only, pci, problems


def kernel(**changes: Any) -> Kernel:
    return replace(host().kernel, **changes)


def driver(*changes: dict[str, Any]) -> Driver:
    return Driver(DRIVER, "13.0", tuple(gpu(n, **more) for n, more in enumerate(changes)))


def test_no_driver_and_no_card() -> None:
    gone = Unavailable("NVML Shared Library Not Found", "nvml:12")
    found = only("gpu.driver", Severity.ERROR, driver=gone, pci=(), kernel=Kernel(), cards=())
    assert "no NVIDIA GPU on the PCI bus" in found.summary


def test_a_driver_that_nouveau_keeps_out() -> None:
    gone = Unavailable("Driver Not Loaded", "nvml:9")
    found = only("gpu.driver", Severity.ERROR, driver=gone, kernel=Kernel(nouveau=True), cards=())
    assert "nouveau" in found.cause
    found = only("gpu.driver", Severity.ERROR, driver=gone, kernel=Kernel(), cards=())
    assert "0000:1a:00.0" in found.evidence


def test_an_upgraded_driver_under_a_running_module() -> None:
    found = only("driver.version", Severity.ERROR, kernel=kernel(libraries=("580.105.08",)))
    assert "580.105.08" in found.summary
    assert "reboot" in found.fix
    assert mend_of(found) is None
    both = kernel(libraries=(DRIVER, "580.105.08"))
    assert problems(kernel=both) == []
    assert (
        "next boot"
        in only("driver.version", Severity.WARNING, kernel=kernel(on_disk="590.1")).summary
    )


@pytest.mark.parametrize(
    ("others", "bad"),
    [
        ({"6.8.0-99-generic": True, "6.8.0-100-generic": False}, True),
        ({"6.8.0-99-generic": True, "6.8.0-98-generic": False}, False),
        ({"6.8.0-99-generic": True, "6.8.0-100-generic": True}, False),
        # a module that lies elsewhere than modules.dep says: nothing is known of the next one
        ({"6.8.0-99-generic": False, "6.8.0-100-generic": False}, False),
        ({}, False),
    ],
)
def test_the_kernel_of_the_next_boot(others: dict[str, bool], bad: bool) -> None:
    found = problems(kernel=kernel(others=others))
    assert [f.check for f in found] == ["driver.next-boot"] * bad


def test_uvm() -> None:
    devices = replace(host().devices, majors={"nvidia": 195})
    found = only("driver.uvm", Severity.WARNING, kernel=kernel(uvm=False), devices=devices)
    mend = mend_of(found)
    assert mend
    assert mend.argv == ("nvidia-modprobe", "-u", "-c=0")
    stale = replace(host().devices, nodes={"/dev/nvidia-uvm": (509, 0)})
    found = only(
        "driver.uvm", Severity.ERROR, devices=stale, engine=engine(guest(MAIN, privileged=True))
    )
    assert "509" in found.summary


def test_a_card_that_nvml_does_not_show() -> None:
    three = driver({}, {}, {})
    found = only("gpu.bus", Severity.ERROR, driver=three, cards=host().cards[:3], specs=())
    assert found.subject == "0000:1d:00.0"
    assert "NVML shows 3, the bus 4" in found.evidence
    given = (*host().pci[:3], pci(3, driver="vfio-pci"))  # type: ignore[index]
    assert problems(driver=three, cards=host().cards[:3], pci=given) == []


def test_a_card_that_nvml_counts_as_lost_is_told_once() -> None:
    lost = driver({}, {}, {}, {"fault": Unavailable("GPU is lost", "nvml:15"), "pci_bus_id": ""})
    assert [f.check for f in problems(driver=lost)] == ["gpu.health"]


def test_lanes() -> None:
    narrow = (pci(0, width=4), *(pci(n, width=8) for n in (1, 2, 3)))
    found = only("gpu.width", Severity.WARNING, pci=narrow)
    assert found.subject == "0000:1a:00.0"
    assert found.values == {"width": 4, "max_width": 16}
    assert problems(pci=tuple(pci(n, width=0) for n in range(4))) == []


def test_an_iommu_that_translates() -> None:
    translated = tuple(pci(n, iommu="DMA-FQ") for n in range(4))
    found = only("bus.iommu", Severity.WARNING, pci=translated)
    assert "iommu=pt" in found.fix
    assert problems(pci=translated, peers=Peers({(0, 1): 3})) == []
    assert problems(pci=translated[:1], driver=driver({}), cards=host().cards[:1]) == []


def test_acs_of_a_switch() -> None:
    behind = tuple(pci(n, redirects=("0000:19:08.0",)) for n in range(4))
    assert "0000:19:08.0" in only("bus.acs", Severity.WARNING, pci=behind).evidence
    assert problems(pci=(behind[0], *(pci(n) for n in (1, 2, 3)))) == []


def test_xids() -> None:
    now = Xid("0000:1b:00", 79, "NVRM: Xid (PCI:0000:1b:00): 79, ...", time.time())
    assert only("gpu.xid", Severity.ERROR, xids=(now,)).subject == "GPU 1"
    # the containers of this GPU were started since
    assert problems(xids=(replace(now, at=time.time() - 7200),)) == []
    assert problems(xids=(replace(now, number=43),)) == []


@pytest.mark.parametrize(
    ("check", "severity", "changes"),
    [
        ("gpu.memory", Severity.ERROR, {"row_failure": True}),
        ("gpu.memory", Severity.WARNING, {"repair_pending": True}),
        ("gpu.heat", Severity.WARNING, {"reasons": 0x40}),
        ("gpu.heat", Severity.WARNING, {"slowdown": 34}),
        ("gpu.power", Severity.WARNING, {"reasons": 0x80}),
        ("gpu.persistence", Severity.WARNING, {"persistence": False}),
    ],
)
def test_cards(check: str, severity: Severity, changes: dict[str, Any]) -> None:
    cards = (replace(host().cards[0], **changes), *host().cards[1:])
    warm = driver({"temperature": 34}, {}, {}, {})
    assert "0" in only(check, severity, cards=cards, driver=warm).subject


def test_what_a_card_does_not_tell_is_no_fault() -> None:
    from stackctl.model.host import Card

    assert problems(cards=tuple(Card(n) for n in range(4))) == []
    lowered = tuple(replace(card, limit_watts=200.0, reasons=4) for card in host().cards)
    assert problems(cards=lowered) == []


def test_ecc_errors() -> None:
    bad = driver({"ecc_uncorrected": 2}, {}, {}, {})
    assert only("gpu.health", Severity.ERROR, driver=bad).subject == "GPU 0"
