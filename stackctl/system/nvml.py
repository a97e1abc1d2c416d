"""The host's NVIDIA driver through NVML. The only importer of pynvml."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from stackctl.model import MIB, Driver, Gpu, GpuProcess, Unavailable
from stackctl.system.process import container_of

#: a healthy driver answers within 0.2 s; one without persistence mode may take 2-3 s per GPU
TIMEOUT = 10.0


def read(timeout: float = TIMEOUT) -> Driver | Unavailable:
    """All GPUs of the host, asked once. A hung driver is Unavailable after `timeout` seconds."""
    box: list[Driver | Unavailable] = []
    # a call into a hung driver cannot be interrupted: it is left behind in a daemon thread
    thread = threading.Thread(target=lambda: box.append(_read()), daemon=True)
    thread.start()
    thread.join(timeout)
    if not box:
        return Unavailable(f"the driver did not answer within {timeout:.0f} s", "nvml:hung")
    return box[0]


def power(
    uuids: Sequence[str], every: float, ended: threading.Event
) -> Iterator[tuple[float, float]]:
    """(time.perf_counter, watts of these GPUs together), until `ended` or the driver fails."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    try:
        handles = [pynvml.nvmlDeviceGetHandleByUUID(uuid) for uuid in uuids]
        while not ended.is_set():
            watts = sum(pynvml.nvmlDeviceGetPowerUsage(handle) for handle in handles) / 1000
            yield time.perf_counter(), watts
            ended.wait(every)
    except pynvml.NVMLError:
        return  # a card that does not tell what it draws
    finally:
        pynvml.nvmlShutdown()


def _read() -> Driver | Unavailable:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return _unavailable(error)
    try:
        gpus = tuple(_gpu(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
        cuda = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        return Driver(
            version=_str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
            gpus=gpus,
        )
    except pynvml.NVMLError as error:
        return _unavailable(error)
    finally:
        pynvml.nvmlShutdown()


def _gpu(pynvml: Any, index: int) -> Gpu:
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return Gpu(
            index=index,
            uuid=_str(pynvml.nvmlDeviceGetUUID(handle)),
            name=_str(pynvml.nvmlDeviceGetName(handle)),
            total_mib=memory.total // MIB,
            used_mib=memory.used // MIB,
            utilization=_optional(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu),
            temperature=_optional(lambda: pynvml.nvmlDeviceGetTemperature(handle, 0)),
            power_watts=_optional(lambda: pynvml.nvmlDeviceGetPowerUsage(handle)) / 1000,
            pci_bus_id=_str(pynvml.nvmlDeviceGetPciInfo(handle).busId),
            compute=_capability(pynvml, handle),
            # 1 = uncorrected, 0 = volatile (nvml.h)
            ecc_uncorrected=_optional(lambda: pynvml.nvmlDeviceGetTotalEccErrors(handle, 1, 0)),
            processes=_processes(pynvml, handle),
        )
    except pynvml.NVMLError as error:
        return Gpu(index=index, fault=_unavailable(error))


def _processes(pynvml: Any, handle: Any) -> tuple[GpuProcess, ...]:
    try:
        rows = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except pynvml.NVMLError:
        return ()
    return tuple(
        GpuProcess(row.pid, (row.usedGpuMemory or 0) // MIB, container_of(row.pid)) for row in rows
    )


def _capability(pynvml: Any, handle: Any) -> tuple[int, int]:
    try:
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    except pynvml.NVMLError:
        return (0, 0)
    return int(major), int(minor)


def _optional(call: Any) -> int:
    """Zero where the card does not support the question."""
    import pynvml

    try:
        return int(call())
    except pynvml.NVMLError:
        return 0


def _unavailable(error: Any) -> Unavailable:
    return Unavailable(str(error), f"nvml:{error.value}")


def _str(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
