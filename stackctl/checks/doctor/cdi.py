"""How GPUs get into containers: the toolkit, and its CDI file against the driver of today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackctl.checks.daemon import ENGINE_MINIMUM, version
from stackctl.checks.doctor.words import GENERATE, count, listed, ok, real, write_spec
from stackctl.model import CDI_KIND, Driver, Finding, Severity, Unavailable
from stackctl.model.host import MEND, NO_RIGHT, CdiSpec, Engine, HostFacts, Look, Mend

_GROUP = "GPUs for containers"
_PERSISTENCED = "/nvidia-persistenced/socket"
_UVM = "/dev/nvidia-uvm"
_INSTALL = "install the NVIDIA Container Toolkit (package nvidia-container-toolkit)"


def way(facts: HostFacts) -> Iterable[Finding]:
    """Docker can give GPUs to containers, and by CDI."""
    assert isinstance(facts.engine, Engine)
    daemon = facts.engine.daemon
    by_cdi = [d for d in daemon.cdi_devices if d.startswith(CDI_KIND)]
    cards = [d for d in by_cdi if not d.endswith("=all") and "GPU-" not in d]
    if by_cdi:
        told = f", toolkit {facts.toolkit.version}" if facts.toolkit.version else ""
        yield ok("docker.gpus", "way", f"by CDI: {count(len(cards) or len(by_cdi), 'GPU')}{told}")
        return
    old = "nvidia" in daemon.runtimes or any(g.service.gpus.wanted for g in facts.engine.guests)
    if not old and not facts.toolkit.ctk:
        yield Finding(
            "docker.gpus",
            Severity.ERROR,
            "way",
            "Docker can give no GPU to a container",
            evidence="no CDI device nvidia.com/gpu, no runtime nvidia, no nvidia-ctk",
            cause="the NVIDIA Container Toolkit is not installed",
            fix=f"{_INSTALL}, then: {GENERATE}",
        )
        return
    specs = [spec for spec in facts.specs if isinstance(spec, CdiSpec)]
    new_enough = version(daemon.version) >= ENGINE_MINIMUM
    mend = write_spec(facts, None) if new_enough and not specs else None
    yield Finding(
        "docker.gpus",
        Severity.WARNING,
        "way",
        "Docker does not know the GPUs by CDI"
        + (", though there is a file for it" if specs else ""),
        evidence=specs[0].path if specs else "no file for nvidia.com/gpu in /etc/cdi, /var/run/cdi",
        cause="containers get their GPUs by the old hook, behind the back of systemd: they lose "
        "them at a `systemctl daemon-reload`",
        fix=("docker info; see cdi.spec and docker.config" if specs else GENERATE)
        if new_enough
        else "a Docker Engine of 28.2 or later: make setup",
        values={MEND: mend} if mend else {},
    )


def spec(facts: HostFacts) -> Iterable[Finding]:
    """Each file that is in force suits the driver that runs."""
    readable = [spec for spec in facts.specs if isinstance(spec, CdiSpec)]
    bad = False
    for finding in (*_unreadable(facts.specs), *_twice(readable)):
        bad = True
        yield finding
    forced = [one for one in readable if _in_force(one, readable)]
    for one in forced:
        for finding in _judged(one, facts):
            bad = True
            yield finding
    if forced and not bad:
        how = "suits the driver" if real(facts) else "whole"
        yield ok("cdi.spec", "CDI file", f"{listed([s.path for s in forced])}: {how}")


def _unreadable(specs: Sequence[CdiSpec | Unavailable]) -> Iterable[Finding]:
    for one in specs:
        if isinstance(one, Unavailable) and one.code != NO_RIGHT:
            yield Finding(
                "cdi.spec",
                Severity.ERROR,
                "CDI file",
                one.reason,
                cause="Docker cannot read it, so the GPUs in it do not exist for Docker",
                fix="write it anew; for NVIDIA's own: " + GENERATE,
            )


def _twice(specs: Sequence[CdiSpec]) -> Iterable[Finding]:
    """Two files of one folder that name the same device cancel each other out."""
    for at, one in enumerate(specs):
        for other in specs[at + 1 :]:
            both = sorted(set(one.devices) & set(other.devices))
            if both and one.rank == other.rank:
                yield Finding(
                    "cdi.spec",
                    Severity.ERROR,
                    "CDI file",
                    f"{one.path} and {other.path} both name {listed(both)}",
                    cause="Docker takes neither of two files in one folder that name one device",
                    fix="remove the older of the two",
                )


def _in_force(one: CdiSpec, specs: Sequence[CdiSpec]) -> bool:
    """Whether a device of this file is not overridden by a file in a folder that ranks higher."""
    over = {device for spec in specs if spec.rank > one.rank for device in spec.devices}
    return bool(set(one.devices) - over)


def _judged(one: CdiSpec, facts: HostFacts) -> Iterable[Finding]:
    runs = facts.kernel.loaded
    other = [v for v in one.versions if runs and v != runs]
    now = facts.devices.majors.get("nvidia-uvm")
    frozen = one.majors.get(_UVM)
    anew = write_spec(facts, one)
    if other and runs not in one.versions:
        yield _stale(
            one,
            anew,
            f"is of driver {listed(other)}, {runs} runs",
            "it was written before the driver was upgraded: containers that are created now fail, "
            "for files that are gone",
        )
    elif one.missing:
        sockets = all(path.endswith(_PERSISTENCED) for path in one.missing)
        start = Mend(
            what="start nvidia-persistenced",
            safe="it only holds the GPUs open, so that the driver keeps them set up",
            argv=("systemctl", "start", "nvidia-persistenced.service"),
        )
        yield _stale(
            one,
            (start if facts.toolkit.persistenced and real(facts) else None) if sockets else anew,
            f"names what is not there: {listed(one.missing, 2)}",
            "nvidia-persistenced does not run: no container with a GPU can be created"
            if sockets
            else "it was written for another driver or kernel: no container with a GPU can be "
            "created",
            "sudo systemctl start nvidia-persistenced" if sockets else "",
        )
    if now is not None and frozen is not None and now != frozen:
        yield _stale(
            one,
            anew,
            f"has the major number {frozen} for {_UVM}, the kernel gave {now}",
            "the number is a new one at each boot: in containers NVML works, and CUDA fails with "
            "error 999",
        )
    if isinstance(facts.driver, Driver) and not facts.driver.simulated:
        yield from _complete(one, facts.driver, anew)


def _complete(one: CdiSpec, driver: Driver, anew: Mend | None) -> Iterable[Finding]:
    names = set(one.devices)
    if not any(name.removeprefix("gpu").isdecimal() for name in names):
        return
    lacking = [
        str(gpu.index)
        for gpu in driver.gpus
        if not gpu.fault and not names & {str(gpu.index), f"gpu{gpu.index}", gpu.uuid}
    ]
    if lacking:
        yield _stale(
            one, anew, f"does not have GPU {listed(lacking)}", "it was written before they were in"
        )


def _stale(
    one: CdiSpec, mend: Mend | None, summary: str, cause: str, fix: str = GENERATE
) -> Finding:
    return Finding(
        "cdi.spec",
        Severity.ERROR,
        "CDI file",
        f"{one.path} {summary}",
        cause=cause,
        fix=(fix or GENERATE).replace("/etc/cdi/nvidia.yaml", one.path)
        + "; then create the containers anew: stackctl restart",
        values={MEND: mend} if mend else {},
    )


LOOKS = (
    Look("docker.gpus", "Docker can give GPUs, by CDI", _GROUP, way, needs=("engine",)),
    Look("cdi.spec", "The CDI file suits the driver", _GROUP, spec),
)
