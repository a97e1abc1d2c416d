"""The state is read again at every call: what runs already sees what changes."""

import json
import subprocess
from pathlib import Path
from typing import Any

from gpusim.faults import Fault
from gpusim.hardware import MIB, gpu_uuid
from tests.unit.gpusim.simulated_box import Box


def tell(client: subprocess.Popen[str], word: str) -> None:
    assert client.stdin is not None
    client.stdin.write(word + "\n")
    client.stdin.flush()


def hear(client: subprocess.Popen[str]) -> Any:
    assert client.stdout is not None
    return json.loads(client.stdout.readline())


LOOP = """
nvml.nvmlInit()
gpu = nvml.nvmlDeviceGetHandleByIndex(0)
for _ in sys.stdin:
    memory = outcome(nvml.nvmlDeviceGetMemoryInfo, gpu, nvml.nvmlMemory_v2)
    used = memory["code"] if isinstance(memory, dict) else memory.used
    print(json.dumps([nvml.nvmlDeviceGetCount(), used]), flush=True)
"""


def test_running_client_follows_the_state(tmp_path: Path) -> None:
    box = Box(tmp_path, 2)
    with box.start(LOOP) as client:
        tell(client, "healthy")
        assert hear(client) == [2, 3 * MIB]
        box.processes_file.write_text(f"{gpu_uuid(0)} 1 {7 * MIB} C x\n")
        tell(client, "with a process")
        assert hear(client) == [2, 10 * MIB]
        box.set_faults(Fault("gpu-lost", gpu=0))
        tell(client, "lost")
        assert hear(client) == [2, 15]
        box.set_faults()
        tell(client, "back")
        assert hear(client) == [2, 10 * MIB]


def test_what_a_process_sees_is_decided_at_init(tmp_path: Path) -> None:
    # As on real hardware: an engine that runs keeps its GPUs, only new clients miss them.
    box = Box(tmp_path, 2)
    with box.start(LOOP) as client:
        tell(client, "before")
        assert hear(client)[0] == 2
        (box.dev / "nvidiactl").unlink()
        tell(client, "after")
        assert hear(client) == [2, 3 * MIB]
    assert box.ask("answer(outcome(nvml.nvmlInit))")["code"] == 9


EVENTS = """
nvml.nvmlInit()
events = nvml.nvmlEventSetCreate()
for index in range(2):
    gpu = nvml.nvmlDeviceGetHandleByIndex(index)
    nvml.nvmlDeviceRegisterEvents(gpu, nvml.nvmlEventTypeXidCriticalError, events)
for _ in sys.stdin:
    event = outcome(nvml.nvmlEventSetWait_v2, events, 300)
    if not isinstance(event, dict):
        minor = nvml.nvmlDeviceGetMinorNumber(event.device)
        event = [event.eventType, event.eventData, minor]
    print(json.dumps(event), flush=True)
"""
TIMEOUT = {"code": 10, "text": "Timeout"}


def xid(gpu: int, number: int, sequence: int) -> Fault:
    return Fault("xid", gpu=gpu, values={"xid": number, "sequence": sequence})


def test_xid_is_delivered_once(tmp_path: Path) -> None:
    box = Box(tmp_path, 2, xid(1, 48, 5))
    with box.start(EVENTS) as client:
        tell(client, "an old Xid is no event")
        assert hear(client) == TIMEOUT
        box.set_faults(xid(1, 79, 6))
        tell(client, "a new one is")
        assert hear(client) == [8, 79, 1]
        tell(client, "but only once")
        assert hear(client) == TIMEOUT
        box.set_faults()
        tell(client, "and clearing it is none")
        assert hear(client) == TIMEOUT
