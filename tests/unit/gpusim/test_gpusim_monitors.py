"""Monitors that people use work on the mock unchanged."""

import json
import os
import re
from pathlib import Path

from gpusim.hardware import MIB, gpu_uuid
from tests.unit.gpusim.simulated_box import Box


def box_with_a_process(directory: Path) -> Box:
    box = Box(directory, 2)
    box.processes_file.write_text(f"{gpu_uuid(1)} {os.getpid()} {500 * MIB} C /app/engine\n")
    return box


def test_gpustat(tmp_path: Path) -> None:
    result = box_with_a_process(tmp_path).gpustat("--json")
    assert result.returncode == 0, result.stderr
    gpus = json.loads(result.stdout)["gpus"]
    assert [gpu["uuid"] for gpu in gpus] == [gpu_uuid(0), gpu_uuid(1)]
    assert [gpu["memory.used"] for gpu in gpus] == [3, 503]
    assert gpus[0]["memory.total"] == 46080
    assert gpus[0]["processes"] == []
    assert [process["pid"] for process in gpus[1]["processes"]] == [os.getpid()]
    assert gpus[1]["processes"][0]["gpu_memory_usage"] == 500


def test_nvitop(tmp_path: Path) -> None:
    result = box_with_a_process(tmp_path).nvitop("-1", "--no-unicode")
    assert result.returncode == 0, result.stderr
    assert "Driver Version: 580.159.03" in result.stdout
    assert "503.0MiB / 45.00GiB" in result.stdout
    assert re.search(rf"1 +{os.getpid()} C .* 500.0MiB", result.stdout)


def test_nvitop_snapshot_knows_every_gauge(tmp_path: Path) -> None:
    snapshot = box_with_a_process(tmp_path).ask(
        "from nvitop import Device\n"
        "snapshot = Device(1).as_snapshot()\n"
        "answer([snapshot.name, snapshot.memory_used, snapshot.temperature, snapshot.power_usage,\n"
        "        snapshot.compute_mode, snapshot.bus_id, snapshot.cuda_compute_capability])"
    )
    assert snapshot == [
        "Quadro RTX 8000 [simulated]",
        503 * MIB,
        34,
        22000,
        "Default",
        "00000000:1B:00.0",
        [7, 5],
    ]
