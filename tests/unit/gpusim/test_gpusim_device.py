"""What one GPU says about itself."""

from pathlib import Path

import pytest

from gpusim.faults import Fault
from gpusim.hardware import MIB, gpu_uuid
from tests.unit.gpusim.simulated_box import Box

FIRST = "nvml.nvmlInit(); gpu = nvml.nvmlDeviceGetHandleByIndex(0)\n"
RESERVED, BASE = 400 * MIB, 3 * MIB
TOTAL = 46080 * MIB

MEMORY = (
    FIRST + "v1 = nvml.nvmlDeviceGetMemoryInfo(gpu)\n"
    "v2 = nvml.nvmlDeviceGetMemoryInfo(gpu, version=nvml.nvmlMemory_v2)\n"
    "answer([[v1.total, v1.used, v1.free], [v2.total, v2.reserved, v2.used, v2.free]])"
)


def test_identity(tmp_path: Path) -> None:
    identity = Box(tmp_path).ask(
        FIRST
        + "answer([nvml.nvmlSystemGetDriverVersion(), nvml.nvmlSystemGetCudaDriverVersion(),\n"
        "nvml.nvmlDeviceGetName(gpu), nvml.nvmlDeviceGetUUID(gpu),\n"
        "nvml.nvmlDeviceGetCudaComputeCapability(gpu), nvml.nvmlDeviceGetArchitecture(gpu),\n"
        "nvml.nvmlDeviceGetBrand(gpu), nvml.nvmlDeviceGetEnforcedPowerLimit(gpu)])"
    )
    assert identity == [
        "580.159.03",
        13000,
        "Quadro RTX 8000 [simulated]",
        gpu_uuid(0),
        [7, 5],
        6,
        12,
        260000,
    ]


def test_first_memory_call_counts_reserved_memory_as_used(tmp_path: Path) -> None:
    first, second = Box(tmp_path).ask(MEMORY)
    assert first == [TOTAL, RESERVED + BASE, TOTAL - RESERVED - BASE]
    assert second == [TOTAL, RESERVED, BASE, TOTAL - RESERVED - BASE]


def test_memory_call_of_a_wrong_version(tmp_path: Path) -> None:
    error = Box(tmp_path).ask(
        FIRST + "answer(outcome(nvml.nvmlDeviceGetMemoryInfo, gpu, 0x3000028))"
    )
    assert error["code"] == 25


def test_processes_use_memory(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.processes_file.write_text(
        f"{gpu_uuid(0)} 4711 {1000 * MIB} C /app/llama server\n"
        f"{gpu_uuid(1)} 4712 {5 * MIB} C /app/other\n"
        f"{gpu_uuid(0)} 4713 {24 * MIB} C python3\n"
        f"GPU-that-is-not-here 4714 {24 * MIB} C python3\n"
    )
    _, second = box.ask(MEMORY)
    assert second[2] == BASE + 1024 * MIB
    processes = box.ask(
        FIRST + "running = nvml.nvmlDeviceGetComputeRunningProcesses(gpu)\n"
        "answer([[p.pid, p.usedGpuMemory, nvml.nvmlSystemGetProcessName(p.pid)] for p in running]\n"
        "       + [len(nvml.nvmlDeviceGetGraphicsRunningProcesses(gpu))])"
    )
    assert processes == [
        [4711, 1000 * MIB, "/app/llama server"],
        [4713, 24 * MIB, "python3"],
        0,
    ]


def test_memory_cannot_be_used_beyond_its_end(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.processes_file.write_text(f"{gpu_uuid(0)} 4711 {2 * TOTAL} C hungry\n")
    _, second = box.ask(MEMORY)
    assert second[2:] == [TOTAL - RESERVED, 0]


def test_full_memory(tmp_path: Path) -> None:
    _, second = Box(tmp_path, 1, Fault("memory-full", gpu=0)).ask(MEMORY)
    assert second[2:] == [TOTAL - RESERVED, 0]


def test_ecc_errors(tmp_path: Path) -> None:
    ask = (
        FIRST + "answer([nvml.nvmlDeviceGetTotalEccErrors(gpu, kind, counter)\n"
        "        for kind in (0, 1) for counter in (0, 1)])"
    )
    box = Box(tmp_path)
    assert box.ask(ask) == [0, 0, 0, 0]
    box.set_faults(Fault("ecc", gpu=0))
    assert box.ask(ask) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("call", "key", "minor"),
    [
        ("nvmlDeviceGetHandleByUUID", gpu_uuid(2), 2),
        ("nvmlDeviceGetHandleByPciBusId", "00000000:3E:00.0", 3),
        ("nvmlDeviceGetHandleByPciBusId", "0000:3e:00.0", 3),
        ("nvmlDeviceGetHandleBySerial", "0325120000001", 1),
    ],
)
def test_lookup(tmp_path: Path, call: str, key: str, minor: int) -> None:
    found = Box(tmp_path).ask(
        f"nvml.nvmlInit(); answer(nvml.nvmlDeviceGetMinorNumber(nvml.{call}({key!r}.encode())))"
    )
    assert found == minor


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ("nvmlDeviceGetHandleByUUID", "GPU-00000000-0000-0000-0000-000000000000"),
        ("nvmlDeviceGetHandleByPciBusId", "0000:3e:00.1"),
        ("nvmlDeviceGetHandleByPciBusId", "0000:3e:00"),
    ],
)
def test_failed_lookup(tmp_path: Path, call: str, key: str) -> None:
    error = Box(tmp_path).ask(f"nvml.nvmlInit(); answer(outcome(nvml.{call}, {key!r}.encode()))")
    assert error == {"code": 6, "text": "Not Found"}


def test_pci_info(tmp_path: Path) -> None:
    pci = Box(tmp_path).ask(
        "nvml.nvmlInit(); pci = nvml.nvmlDeviceGetPciInfo(nvml.nvmlDeviceGetHandleByIndex(1))\n"
        "answer([pci.busId, pci.busIdLegacy, pci.domain, pci.bus, pci.device, pci.pciDeviceId])"
    )
    assert pci == ["00000000:1B:00.0", "0000:1B:00.0", 0, 0x1B, 0, 0x1E3010DE]


def test_unsupported_calls_say_so(tmp_path: Path) -> None:
    error = Box(tmp_path).ask(FIRST + "answer(outcome(nvml.nvmlDeviceGetMigMode, gpu))")
    assert error == {"code": 3, "text": "Not Supported"}
