"""gpu.*: the driver, each card, and who sees which inside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl import catalogue
from stackctl.model import (
    NO_GPU,
    Driver,
    GpuProcess,
    GpuRequest,
    Phase,
    SeenGpu,
    Severity,
    Unavailable,
    Xid,
)
from tests.unit.stackctl.box import (
    CODER,
    DRIVER,
    EMPTY,
    GPUS,
    HEALTHY,
    MAIN,
    STARTED,
    bad,
    findings,
    gpu,
    held,
    only,
    uuid,
    with_gpu,
    with_service,
)


@pytest.mark.parametrize(
    ("code", "cause", "fix"),
    [
        ("nvml:9", "kernel module is not loaded", "modprobe nvidia"),
        ("nvml:12", "libraries are not installed", "install"),
        ("nvml:18", "upgraded", "reboot"),
        ("nvml:4", "may not open", "usermod"),
        ("nvml:hung", "hangs", "reboot"),
        ("nvml:999", "", "nvidia-smi"),
    ],
)
def test_a_silent_driver(code: str, cause: str, fix: str) -> None:
    for facts, phase in ((HEALTHY, Phase.RUNNING), (EMPTY, Phase.PREFLIGHT)):
        found = only(replace(facts, driver=Unavailable("why", code)), phase)
        assert (found.check, found.subject) == ("gpu.driver", "host")
        assert "why" in found.summary
        assert cause in found.cause
        assert fix in found.fix


def test_a_driver_without_gpus() -> None:
    facts = replace(EMPTY, driver=Driver("580.95.05", "13.0", ()))
    found = bad(facts, Phase.PREFLIGHT)
    assert "gpu.driver" in {f.check for f in found}
    assert {"main", "coder", "audio", "image"} <= {f.subject for f in found}


@pytest.mark.parametrize(
    ("code", "cause", "fix"),
    [
        ("nvml:15", "fell off the PCI bus", "-i 2 -pl"),
        ("nvml:16", "reset", "-i 2 --gpu-reset"),
        ("nvml:999", "", "nvidia-smi"),
    ],
)
def test_a_card_in_fault(code: str, cause: str, fix: str) -> None:
    facts = with_gpu(2, fault=Unavailable("GPU is lost", code))
    found = [f for f in bad(facts) if f.check == "gpu.health"]
    assert [f.subject for f in found] == ["GPU 2"]
    assert cause in found[0].cause
    assert fix in found[0].fix


def test_ecc_errors() -> None:
    found = only(with_gpu(2, ecc_uncorrected=3))
    assert (found.check, found.subject, found.severity) == ("gpu.health", "GPU 2", Severity.ERROR)
    assert "3 uncorrectable" in found.summary
    assert "-i 2 --gpu-reset" in found.fix


def xid(number: int, bus: str = "0000:1c:00", at: float = STARTED + 60) -> Xid:
    return Xid(bus, number, f"NVRM: Xid (PCI:{bus}): {number}, pid=1, GPU lost", at)


@pytest.mark.parametrize(
    ("number", "severity"), [(79, Severity.ERROR), (119, Severity.ERROR), (13, Severity.WARNING)]
)
def test_an_xid_on_a_card_in_use(number: int, severity: Severity) -> None:
    found = only(replace(HEALTHY, xids=(xid(number),)))
    assert (found.check, found.subject, found.severity) == ("gpu.xid", "GPU 2", severity)
    assert f"Xid {number}" in found.summary
    assert "NVRM: Xid" in found.evidence
    assert found.cause == catalogue.xid.XIDS[number][1]


def test_what_to_do_after_an_xid_names_the_gpu() -> None:
    assert "-i 2 --gpu-reset" in only(replace(HEALTHY, xids=(xid(119),))).fix
    assert "of GPU 2" in only(replace(HEALTHY, xids=(xid(13),))).fix


def test_an_xid_that_nobody_knows() -> None:
    found = only(replace(HEALTHY, xids=(xid(777),)))
    assert (found.severity, found.cause.split(":")[0]) == (Severity.WARNING, "unknown")


def test_the_worst_xid_is_told() -> None:
    assert "Xid 79" in only(replace(HEALTHY, xids=(xid(79), xid(13)))).summary


@pytest.mark.parametrize(
    "harmless",
    [
        xid(43),
        xid(45),
        xid(63),
        xid(79, bus="0000:99:00"),
        xid(79, at=STARTED - 60),  # its services were started again since
    ],
)
def test_harmless_xids(harmless: Xid) -> None:
    assert bad(replace(HEALTHY, xids=(harmless,))) == ()


def test_the_card_of_an_xid_is_found_in_any_spelling() -> None:
    for bus in ("0000:1c:00", "0000:1C:00.0", "00000000:1C:00"):
        assert only(replace(HEALTHY, xids=(xid(79, bus),))).subject == "GPU 2"


@pytest.mark.parametrize(
    "request_", [GpuRequest("nvidia", ("7",)), GpuRequest("cdi", ("nvidia.com/gpu=7",))]
)
def test_a_gpu_that_is_not_there(request_: GpuRequest) -> None:
    facts = replace(EMPTY, planned=(replace(MAIN, gpus=request_),))
    found = only(facts, Phase.PREFLIGHT)
    assert (found.check, found.subject) == ("gpu.exists", "main")
    assert "GPU 7" in found.summary
    assert uuid(0) in found.evidence
    assert "env/stack.env" in found.fix


def test_more_gpus_than_there_are() -> None:
    facts = replace(EMPTY, planned=(replace(CODER, gpus=GpuRequest("nvidia", count=5)),))
    assert "GPU 4 is not on this host" in only(facts, Phase.PREFLIGHT).summary


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.RUNNING])
def test_a_model_that_needs_a_gpu_and_was_given_none(phase: Phase) -> None:
    if phase is Phase.RUNNING:
        facts = with_service("main", gpus=NO_GPU)
    else:
        facts = replace(EMPTY, planned=(replace(MAIN, gpus=NO_GPU),))
    found = only(facts, phase)
    assert (found.check, found.subject) == ("gpu.exists", "main")
    assert "66400 MiB" in found.summary


@pytest.mark.parametrize(
    ("reason", "code", "cause", "fix"),
    [
        (
            "Failed to initialize NVML: Unknown Error",
            "smi:255",
            "daemon-reload",
            "nvidia-ctk cdi generate",
        ),
        (
            "Failed to initialize NVML: Driver/library version mismatch",
            "smi:18",
            "upgraded",
            "reboot",
        ),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            "smi:9",
            "not loaded",
            "modprobe",
        ),
        (
            "Unable to determine the device handle for GPU 0000:1B:00.0: GPU is lost.",
            "smi:15",
            "fell off the PCI bus",
            "-i N -pl",
        ),
        ("No devices were found", "smi:6", "none of its GPUs", "stackctl restart main"),
        ("nvidia-smi did not end in time", "hung", "hangs", "reboot"),
        ("timeout: failed to run command 'nvidia-smi': No such file", "no-smi", "utility", "up"),
        ('exec: "nvidia-smi": executable file not found in $PATH', "no-smi", "utility", "utility"),
        ("something new", "smi:3", "", "stackctl restart main"),
    ],
)
def test_a_gpu_that_does_not_work_inside(reason: str, code: str, cause: str, fix: str) -> None:
    found = only(with_service("main", inside=Unavailable(reason, code)))
    assert (found.check, found.subject, found.evidence) == ("gpu.inside", "main", reason)
    assert cause in found.cause
    assert fix in found.fix


def test_the_gpu_that_failed_inside_is_named_where_it_is_clear() -> None:
    lost = Unavailable("Unable to determine the device handle for GPU 0000:1B:00.0", "smi:15")
    coder = with_service("coder", inside=lost)
    (found,) = (f for f in bad(coder) if f.check == "gpu.inside")
    assert "nvidia-smi -i 3 -pl" in found.fix
    assert found.values == {"code": "smi:15", "failure": "gpu-lost"}
    fault = Unavailable("GPU is lost", "nvml:15")
    for told in (uuid(1), ""):  # a lost one may not even tell its UUID
        gpus = (GPUS[0], replace(GPUS[1], fault=fault, uuid=told), *GPUS[2:])
        main = replace(with_service("main", inside=lost), driver=replace(DRIVER, gpus=gpus))
        (found,) = (f for f in bad(main) if f.check == "gpu.inside")
        assert "nvidia-smi -i 1 -pl" in found.fix


def test_one_gpu_less_inside() -> None:
    found = only(with_service("main", inside=(SeenGpu(uuid(0), "x"),)))
    assert (found.check, found.subject) == ("gpu.assigned", "main")
    assert f"does not see {uuid(1)}" in found.summary
    assert found.fix == "stackctl restart main"


def test_one_gpu_too_many_inside() -> None:
    inside = tuple(SeenGpu(uuid(i), "x") for i in (2, 3))
    found = only(with_service("coder", inside=inside))
    assert f"sees {uuid(2)}, which it was not given" in found.summary
    assert "privileged" in found.cause


def test_the_wrong_gpu_inside() -> None:
    found = only(with_service("coder", inside=(SeenGpu(uuid(0), "x"),)))
    assert uuid(3) in found.summary
    assert uuid(0) in found.summary


def test_no_gpu_inside() -> None:
    found = only(with_service("coder", inside=()))
    assert found.evidence == "inside: no GPU"


def test_a_uuid_that_has_left_the_host_is_missed_inside() -> None:
    gone = replace(HEALTHY, driver=replace(DRIVER, gpus=DRIVER.gpus[:3]))
    assert {f.check for f in bad(gone) if f.subject == "coder"} >= {"gpu.exists"}


def test_two_services_that_do_not_fit_on_one_gpu() -> None:
    big = replace(CODER, gpus=GpuRequest("nvidia", (uuid(0),)), vram_mib=15700)
    found = only(replace(EMPTY, planned=(MAIN, big)), Phase.PREFLIGHT)
    assert (found.check, found.subject) == ("gpu.room", "GPU 0")
    assert "47.8 GiB" in found.summary
    assert "main 32.4 GiB, coder 15.3 GiB" in found.evidence


def test_memory_held_by_somebody_else() -> None:
    """At the first `up`, too, when no container of ours exists."""
    cards = (*EMPTY_GPUS[:3], gpu(3, processes=(GpuProcess(4711, 40000),), used_mib=40300))
    facts = replace(EMPTY, driver=replace(DRIVER, gpus=cards))
    found = only(facts, Phase.PREFLIGHT)
    assert (found.check, found.subject) == ("gpu.room", "GPU 3")
    assert "pid 4711 (40000 MiB)" in found.evidence


EMPTY_GPUS = tuple(gpu(i) for i in range(4))


def test_memory_that_no_listed_process_holds() -> None:
    found = only(with_gpu(3, used_mib=45000))
    assert found.check == "gpu.room"
    assert "fuser -v /dev/nvidia" in found.fix
    assert "no process" in found.evidence


def test_a_desktop_is_no_obstacle() -> None:
    assert bad(with_gpu(3, **{**held("coder"), "used_mib": 6000})) == ()


def test_room_is_not_judged_without_the_daemon() -> None:
    facts = replace(EMPTY, daemon=Unavailable("not running", "make setup"))
    cards = tuple(gpu(i, used_mib=40000) for i in range(4))
    found = findings("gpu.room", replace(facts, driver=replace(DRIVER, gpus=cards)), Phase.BOTH)
    assert all(f.severity is Severity.OK for f in found)
