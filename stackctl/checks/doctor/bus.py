"""The PCI bus: every card is seen, wide enough, and may talk to its neighbours."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.doctor.words import listed, ok
from stackctl.model import Driver, Finding, Severity
from stackctl.model.host import HostFacts, Look, PciGpu

_GROUP = "PCI bus"
#: NVML: peers reach each other's memory
_P2P_WORKS = 0
_PASSTHROUGH = "vfio-pci"
_CAUSE = {
    "": "no driver took it: it failed to initialise, or this driver is too new or old for it",
    "nouveau": "nouveau, the driver without CUDA, has taken it",
    "nvidia": "the driver has it and cannot use it: it fell off the bus, or failed to initialise",
}


def seen(facts: HostFacts) -> Iterable[Finding]:
    """GPUs on the bus against those that NVML shows."""
    assert isinstance(facts.driver, Driver)
    assert isinstance(facts.pci, tuple)
    if facts.driver.simulated:
        yield ok("gpu.bus", "cards", "simulated GPUs are on no bus")
        return
    shown = {_short(gpu.pci_bus_id) for gpu in facts.driver.gpus if gpu.pci_bus_id}
    given = [card for card in facts.pci if card.driver == _PASSTHROUGH]
    missing = [c for c in facts.pci if c not in given and _short(c.address) not in shown]
    # a card that NVML counts and refuses to talk of has no address there: gpu.health tells of it
    told = sum(1 for gpu in facts.driver.gpus if not gpu.pci_bus_id)
    if len(missing) > told:
        for card in missing:
            yield Finding(
                "gpu.bus",
                Severity.ERROR,
                card.address,
                "an NVIDIA GPU is on the PCI bus, and the driver does not show it",
                evidence=f"kernel driver: {card.driver or 'none'}; NVML shows {len(shown)}, "
                f"the bus {len(facts.pci)}",
                cause=_CAUSE.get(card.driver, f"the driver {card.driver} has taken it"),
                fix=f"sudo dmesg | grep -e NVRM -e {card.address}; then power the machine off and "
                "on, reseat the card",
            )
    elif facts.pci and not missing:
        more = f"; {listed([c.address for c in given])} given to virtual machines" if given else ""
        yield ok("gpu.bus", "cards", f"all {len(facts.pci) - len(given)} that are on the bus{more}")


def width(facts: HostFacts) -> Iterable[Finding]:
    """Lanes. The speed of a lane is no sign: it goes down whenever a GPU idles."""
    cards = _cards(facts)
    told = [card for card in cards if card.width and card.max_width]
    narrow = [card for card in told if card.width * 2 < card.max_width]
    for card in narrow:
        yield Finding(
            "gpu.width",
            Severity.WARNING,
            card.address,
            f"runs on {card.width} of {card.max_width} PCIe lanes",
            cause="a slot with fewer lanes, a riser, dirt on the contacts, or a card that is not "
            "seated. Models load slower, and several GPUs on one model answer slower",
            fix="if the slot has more lanes: power off, reseat the card, try it without its riser",
            values={"width": card.width, "max_width": card.max_width},
        )
    if told and not narrow:
        lanes = sorted({f"x{card.width}" for card in told}, key=lambda x: -int(x[1:]))
        yield ok("gpu.width", "PCIe lanes", ", ".join(lanes))


def iommu(facts: HostFacts) -> Iterable[Finding]:
    """An IOMMU that translates breaks or slows what GPUs send each other."""
    cards = _cards(facts)
    if len(cards) < 2:
        return
    translated = [card for card in cards if card.iommu.startswith("DMA")]
    if not translated or not _peers(facts):
        states = {card.iommu or "off" for card in cards}
        state = "GPUs do not reach each other directly anyway"
        if not translated:
            state = "IOMMU off" if states == {"off"} else "the IOMMU passes them through"
        yield ok("bus.iommu", "GPU to GPU", state)
        return
    yield Finding(
        "bus.iommu",
        Severity.WARNING,
        "GPU to GPU",
        "the IOMMU translates the addresses of the GPUs",
        evidence=f"IOMMU group of {translated[0].address}: {translated[0].iommu}",
        cause="a model on several GPUs may hang while it loads (the last line is of NCCL), answer "
        "wrongly or slowly",
        fix="add iommu=pt to the kernel's command line (GRUB_CMDLINE_LINUX_DEFAULT in "
        "/etc/default/grub, sudo update-grub, reboot); until then NCCL_P2P_DISABLE=1",
    )


def acs(facts: HostFacts) -> Iterable[Finding]:
    """Switch ports that send peers' traffic through the processor."""
    cards = _cards(facts)
    behind = [card for card in cards if card.redirects]
    if len(behind) < 2 or not _peers(facts):
        if len(cards) > 1 and facts.root:
            yield ok("bus.acs", "PCIe switches", "none that turns GPUs' traffic around")
        return
    ports = list(dict.fromkeys(port for card in behind for port in card.redirects))
    yield Finding(
        "bus.acs",
        Severity.WARNING,
        "PCIe switches",
        "ACS sends what GPUs say to each other through the processor",
        evidence=f"redirected at {listed(ports)}",
        cause="a model on several GPUs is slower than it could be, or hangs while it loads",
        fix="turn ACS off in the BIOS; leave it on where virtual machines use these cards",
    )


def _cards(facts: HostFacts) -> list[PciGpu]:
    cards = facts.pci if isinstance(facts.pci, tuple) else ()
    return [card for card in cards if card.driver != _PASSTHROUGH]


def _peers(facts: HostFacts) -> bool:
    """Whether any two GPUs reach each other directly; also true where nobody tells."""
    status = facts.peers.status
    return not status or _P2P_WORKS in status.values()


def _short(address: str) -> str:
    """`00000000:1A:00.0` of NVML and `0000:1a:00.0` of the kernel -> `1a:00.0`, with its domain
    where that is not 0."""
    domain, _, rest = address.lower().partition(":")
    return f"{domain.lstrip('0')}:{rest}"


LOOKS = (
    Look("gpu.bus", "Every GPU on the bus is seen", _GROUP, seen, needs=("driver", "pci")),
    Look("gpu.width", "Every GPU has its PCIe lanes", _GROUP, width),
    Look("bus.iommu", "The IOMMU leaves GPUs alone", _GROUP, iommu),
    Look("bus.acs", "PCIe switches let GPUs talk to each other", _GROUP, acs),
)
