"""Is the model really on its GPUs? What the engine says, against what the driver says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stackctl.checks.gpus import gpus_of
from stackctl.model import (
    Check,
    Driver,
    Facts,
    Finding,
    Gpu,
    GpuProof,
    Observed,
    Phase,
    Severity,
    Unavailable,
)

ID = "engine.on-gpu"
_CUDA = re.compile(r"^(CUDA\d*|GPU)\b")
_SIMULATED = re.compile(r"^RPC\d")
#: what a process holds that has opened the GPU and put nothing on it
BARE_CONTEXT_MIB = 256


def on_gpu(facts: Facts) -> Iterable[Finding]:
    for o in facts.observed:
        if not o.container.running:
            continue
        if o.service.gpus.wanted:
            yield judge(o, facts)
        elif o.ready is True and o.service.model and not o.service.vram_mib:
            text = "runs on the CPU, as it was given no GPU"
            yield Finding(ID, Severity.OK, o.service.name, text)


def judge(o: Observed, facts: Facts) -> Finding:
    """One service's proof."""
    proof = o.proof
    # what a log that nobody can read does not say is no proof of the contrary
    alone = ("ask-driver", "no-proof") if o.unread else ("ask-driver",)
    if isinstance(proof, Unavailable) and proof.code in alone and o.ready is True:
        return _by_driver_alone(o, facts)
    if isinstance(proof, Unavailable):
        return _without_proof(o, proof)
    device, host = proof.mib("model", host=False), proof.mib("model", host=True)
    kv_host = proof.mib("KV", host=True)
    if (proof.layers and proof.layers[0] == 0) or device == 0:
        layers = f"{proof.layers[0]} of {proof.layers[1]} layers" if proof.layers else "nothing"
        if proof.layers and proof.layers[0]:
            layers = f"{layers} are said to be, but no part of the model is"
        return _error(
            o,
            f"runs on the CPU: {layers} on the GPU",
            proof,
            "the engine found no usable GPU when it loaded the model, and went on without",
        )
    if proof.layers and proof.layers[0] < proof.layers[1]:
        return _error(
            o,
            f"only {proof.layers[0]} of {proof.layers[1]} layers are on the GPU",
            proof,
            "the rest did not fit: too little free memory when the model was loaded",
        )
    if host > proof.host_allowance_mib:
        return _error(
            o,
            f"{host:.0f} MiB of the model are in host memory, {device:.0f} MiB on the GPU",
            proof,
            "layers count as offloaded, but expert tensors overflowed to the CPU",
        )
    if kv_host > 1:
        return _error(
            o,
            f"{kv_host:.0f} MiB of the KV cache are in host memory",
            proof,
            "the context window did not fit on the GPU",
        )
    return _against_driver(o, proof, device, facts)


def _against_driver(o: Observed, proof: GpuProof, device: float, facts: Facts) -> Finding:
    if isinstance(facts.driver, Unavailable):
        # the engine's word alone is no proof; that the driver is silent is an error of its own
        return Finding(
            ID,
            Severity.SKIPPED,
            o.service.name,
            f"cannot be proven: {facts.driver.reason}",
            evidence=" | ".join(proof.evidence[:4]),
        )
    simulated = facts.driver.simulated
    known = _SIMULATED if simulated else _CUDA
    strange = [d for d in proof.devices if not known.match(d) and not _CUDA.match(d)]
    if strange:
        return _error(
            o,
            f"the model is on {', '.join(strange)}, which is no CUDA device of this host",
            proof,
            "the engine took a software or remote device for a GPU",
        )
    mine = gpus_of(o.service, facts)
    inside, outside = _held(o, facts.driver, mine)
    if outside:
        return _error(o, _elsewhere(outside), proof, _ELSEWHERE)
    # the driver rounds, the engine pools: half is far below both, and far above nothing
    if inside < device / 2 or inside == 0:
        if o.ready is not True:
            # what it has announced it takes a moment later
            return Finding(ID, Severity.SKIPPED, o.service.name, "not ready yet")
        return _error(
            o,
            f"the engine says {device:.0f} MiB, the driver sees {inside} MiB of this "
            "container on its GPUs",
            proof,
            "the engine's word is not backed by the driver: it does not compute there",
            held_mib=inside,
        )
    note = " (SIMULATED GPU)" if simulated else ""
    return Finding(
        ID,
        Severity.OK,
        o.service.name,
        _where(proof, [gpu.index for gpu in mine], inside) + note,
        evidence=" | ".join(proof.evidence[:4]),
        values={"layers": proof.layers, "device_mib": device, "simulated": simulated},
    )


def _by_driver_alone(o: Observed, facts: Facts) -> Finding:
    """For an engine that says nothing of devices: what its processes hold, against the need."""
    if isinstance(facts.driver, Unavailable):
        return Finding(
            ID, Severity.SKIPPED, o.service.name, f"cannot be proven: {facts.driver.reason}"
        )
    simulated = facts.driver.simulated
    inside, outside = _held(o, facts.driver, gpus_of(o.service, facts))
    nothing = GpuProof(evidence=(f"the driver sees {inside} MiB of this container on its GPUs",))
    if outside:
        return _error(o, _elsewhere(outside), nothing, _ELSEWHERE)
    # a CUDA context alone takes some 200 to 600 MiB; a simulated process holds what it was told to
    least = 1 if simulated else max((o.service.vram_mib or 0) // 2, BARE_CONTEXT_MIB + 1)
    if inside < least:
        return _error(
            o,
            f"runs on the CPU: the driver sees {inside} MiB of it, at least {least} are needed",
            nothing,
            "the engine found no usable GPU when it loaded the model, or the model did not fit",
            held_mib=inside,
        )
    note = " (SIMULATED GPU)" if simulated else ""
    return Finding(
        ID,
        Severity.OK,
        o.service.name,
        f"on GPU by the driver's word alone, {inside} MiB held{note}",
        values={"held_mib": inside, "simulated": simulated},
    )


_ELSEWHERE = "the container is privileged, or has another way to the devices"


def _elsewhere(indexes: list[int]) -> str:
    return f"holds memory of GPU {', '.join(map(str, indexes))}, which it was not given"


def _held(o: Observed, driver: Driver, mine: tuple[Gpu, ...]) -> tuple[int, list[int]]:
    """MiB that the container's processes hold on its GPUs, and other GPUs where they hold any."""
    held = {
        gpu.index: sum(p.used_mib for p in gpu.processes if p.container_id == o.container.id)
        for gpu in driver.gpus
    }
    own = {gpu.index for gpu in mine}
    outside = [index for index, mib in held.items() if mib and index not in own]
    return sum(held[index] for index in own), outside


def _where(proof: GpuProof, gpus: list[int], held: int) -> str:
    if not proof.layers:
        return f"on GPU, {held} MiB held"
    where = f"{proof.layers[0]}/{proof.layers[1]} layers on GPU"
    # inside the container the devices are counted in the order of the PCI bus, as on the host
    if len(proof.split) == len(gpus) > 1:
        parts, first = [], 0
        for gpu, count in zip(sorted(gpus), proof.split, strict=True):
            parts.append(f"{first}-{first + count - 1} on GPU {gpu}")
            first += count
        where += f" ({', '.join(parts)})"
    return f"{where}, {held} MiB held"


def _without_proof(o: Observed, proof: Unavailable) -> Finding:
    if o.ready is not True:
        return Finding(ID, Severity.SKIPPED, o.service.name, "not ready yet")
    if proof.code == "not-loaded":
        return Finding(
            ID,
            Severity.ERROR,
            o.service.name,
            "no model is loaded",
            cause="it was unloaded, or nobody has asked for it since the engine started",
            fix=f"stackctl up {o.service.name}",
        )
    return Finding(
        ID,
        Severity.ERROR,
        o.service.name,
        f"nothing proves that the model is on the GPU: {proof.reason}",
        cause="the lines are missing: log verbosity too low, log rotated away, or no GPU at all",
        fix=f"stackctl restart {o.service.name}",
    )


def _error(o: Observed, summary: str, proof: GpuProof, cause: str, **values: float) -> Finding:
    """`held_mib` among the values: the driver is what speaks against it."""
    return Finding(
        ID,
        Severity.ERROR,
        o.service.name,
        summary,
        evidence=" | ".join(proof.evidence[:6]),
        cause=cause,
        fix=f"mend what `stackctl verify` says of the GPU first, then: "
        f"stackctl restart {o.service.name}",
        values={
            "layers": proof.layers,
            "device_mib": proof.mib("model", host=False),
            "host_mib": proof.mib("model", host=True),
            **values,
        },
    )


CHECKS = (Check(ID, "The model is on its GPUs", Phase.RUNNING, on_gpu),)
