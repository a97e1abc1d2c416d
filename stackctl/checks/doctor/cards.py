"""Each GPU: health, errors, heat, power, persistence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackctl.checks import driver as shared
from stackctl.checks.doctor.words import count, listed, ok, real
from stackctl.model import Driver, Facts, Finding, Gpu, Observed, Severity
from stackctl.model import host as model
from stackctl.model.host import MEND, Card, HostFacts, Look, Mend

_GROUP = "GPUs"
#: why clocks are low (nvml.h); the others are idleness and the power limit, which are no faults
_THERMAL_SOFT, _THERMAL_HARD, _POWER_BRAKE = 0x20, 0x40, 0x80
#: degrees below the limit
_HOT = 5


def _facts(facts: HostFacts) -> Facts:
    """What the checks of `verify` look at."""
    engine = facts.engine
    guests = engine.guests if isinstance(engine, model.Engine) else ()
    return Facts(
        driver=facts.driver,
        xids=facts.xids if isinstance(facts.xids, tuple) else (),
        observed=tuple(Observed(g.service, g.container) for g in guests),
    )


def health(facts: HostFacts) -> Iterable[Finding]:
    found = tuple(shared.healthy(_facts(facts)))
    bad = [f for f in found if f.severity is not Severity.OK]
    yield from bad
    if found and not bad:
        yield ok("gpu.health", "health", f"{count(len(found), 'GPU')}, no uncorrected ECC error")


def memory(facts: HostFacts) -> Iterable[Finding]:
    """Memory that is failing, or that only a reset repairs."""
    bad = False
    for card in facts.cards:
        if card.row_failure:
            bad = True
            yield Finding(
                "gpu.memory",
                Severity.ERROR,
                f"GPU {card.index}",
                "a failing row of its memory could not be replaced",
                cause="its spare rows are used up: answers computed on it may be wrong",
                fix="have the card replaced; take its services to another GPU until then",
            )
        elif card.repair_pending:
            bad = True
            yield Finding(
                "gpu.memory",
                Severity.WARNING,
                f"GPU {card.index}",
                "bad memory is put aside at the next reset",
                cause="ECC found memory that fails, and the driver cannot replace it while it runs",
                fix=f"stackctl down, sudo nvidia-smi -i {card.index} --gpu-reset, stackctl up",
            )
    old = [f"GPU {c.index}: {c.ecc_total}" for c in facts.cards if c.ecc_total]
    if facts.cards and not bad:
        past = f"; uncorrected ECC errors of a whole life: {listed(old)}" if old else ""
        yield ok("gpu.memory", "memory", f"no repair waits{past}")


def xids(facts: HostFacts) -> Iterable[Finding]:
    found = tuple(shared.xids(_facts(facts)))
    yield from found
    if not found:
        yield ok("gpu.xid", "kernel log", "no open Xid error")


def heat(facts: HostFacts) -> Iterable[Finding]:
    pairs = tuple(_pairs(facts))
    bad = False
    for gpu, card in pairs:
        throttled = card.reasons & (_THERMAL_SOFT | _THERMAL_HARD)
        near = card.slowdown is not None and gpu.temperature >= card.slowdown - _HOT
        if throttled or near:
            bad = True
            limit = f", it slows down at {card.slowdown} C" if card.slowdown else ""
            yield Finding(
                "gpu.heat",
                Severity.WARNING,
                f"GPU {gpu.index}",
                "slowed down by heat" if throttled else "close to being slowed down by heat",
                evidence=f"{gpu.temperature} C{limit}",
                cause="dust, a fan, too little air between cards, a hot room",
                fix="clean it, give it air, or lower its power limit: "
                f"sudo nvidia-smi -i {gpu.index} -pl WATTS",
                values={"temperature": gpu.temperature},
            )
    if pairs and not bad:
        top = max(gpu.temperature for gpu, _ in pairs)
        yield ok("gpu.heat", "heat", f"at most {top} C, nothing is slowed down")


def power(facts: HostFacts) -> Iterable[Finding]:
    pairs = tuple(_pairs(facts))
    bad = False
    for gpu, card in pairs:
        if card.reasons & _POWER_BRAKE:
            bad = True
            yield Finding(
                "gpu.power",
                Severity.WARNING,
                f"GPU {gpu.index}",
                "the mainboard or the power supply brakes it",
                evidence="NVML: hardware power brake",
                cause="the supply is too weak for all GPUs at once, or a power cable is loose",
                fix="check the cables; lower the power limits: "
                f"sudo nvidia-smi -i {gpu.index} -pl WATTS",
            )
    lowered = [
        f"GPU {card.index} {card.limit_watts:.0f} of {card.default_watts:.0f} W"
        for _, card in pairs
        if card.limit_watts and card.default_watts and card.limit_watts < card.default_watts
    ]
    if pairs and not bad:
        told = "limited by the owner: " + listed(lowered) if lowered else "limits as delivered"
        yield ok("gpu.power", "power", told)


def persistence(facts: HostFacts) -> Iterable[Finding]:
    """Without it the driver forgets its settings whenever nobody uses the GPU."""
    off = [str(card.index) for card in facts.cards if card.persistence is False]
    if not off:
        if any(card.persistence for card in facts.cards):
            yield ok("gpu.persistence", "persistence", "on")
        return
    values = {}
    if real(facts) and facts.toolkit.persistenced:
        values[MEND] = Mend(
            what="start nvidia-persistenced",
            safe="it only holds the GPUs open, so that the driver keeps them set up",
            argv=("systemctl", "start", "nvidia-persistenced.service"),
            after="sudo systemctl enable nvidia-persistenced keeps it over a reboot",
        )
    yield Finding(
        "gpu.persistence",
        Severity.WARNING,
        f"GPU {', '.join(off)}",
        "persistence mode is off",
        cause="when no program uses a GPU the driver shuts it down: power limits are forgotten, "
        "and each first question takes seconds",
        fix="sudo systemctl enable --now nvidia-persistenced (or: sudo nvidia-smi -pm 1)",
        values=values,
    )


def _pairs(facts: HostFacts) -> Iterator[tuple[Gpu, Card]]:
    assert isinstance(facts.driver, Driver)
    gpus = {gpu.index: gpu for gpu in facts.driver.gpus if not gpu.fault}
    for card in facts.cards:
        if card.index in gpus:
            yield gpus[card.index], card


LOOKS = (
    Look("gpu.health", "Each GPU is healthy", _GROUP, health, needs=("driver",)),
    Look("gpu.memory", "No GPU memory is failing", _GROUP, memory, needs=("driver",)),
    Look("gpu.xid", "The kernel logged no GPU error", _GROUP, xids, needs=("driver", "xids")),
    Look("gpu.heat", "No GPU is slowed down by heat", _GROUP, heat, needs=("driver",)),
    Look("gpu.power", "Every GPU gets its power", _GROUP, power, needs=("driver",)),
    Look("gpu.persistence", "Persistence mode is on", _GROUP, persistence, needs=("driver",)),
)
