"""What else NVML tells of each GPU: limits, throttling, memory repair, direct access."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from stackctl.model.host import Card, Peers

T = TypeVar("T")
#: NVML's numbers (nvml.h)
_SLOWDOWN, _UNCORRECTED, _AGGREGATE, _READ = 1, 1, 1, 0
TIMEOUT = 5.0


def read(count: int, timeout: float = TIMEOUT) -> tuple[tuple[Card, ...], Peers]:
    """`count` GPUs. Nothing where the driver does not answer: who asked it before has told why."""
    box: list[tuple[tuple[Card, ...], Peers]] = []
    # a call into a hung driver cannot be interrupted: it is left behind in a daemon thread
    thread = threading.Thread(target=lambda: box.append(_read(count)), daemon=True)
    thread.start()
    thread.join(timeout)
    return box[0] if box else ((), Peers())


def _read(count: int) -> tuple[tuple[Card, ...], Peers]:
    import pynvml

    if _ask(pynvml.nvmlInit, False) is False:
        return (), Peers()
    try:
        handles = {}
        for index in range(count):
            handle = _ask(lambda i=index: pynvml.nvmlDeviceGetHandleByIndex(i), None)  # type: ignore[misc]
            if handle is not None:
                handles[index] = handle
        cards = tuple(_card(pynvml, index, handle) for index, handle in handles.items())
        return cards, _peers(pynvml, handles)
    finally:
        _ask(pynvml.nvmlShutdown, None)


def _card(nvml: Any, index: int, handle: Any) -> Card:
    def get(name: str, *more: Any) -> Any:
        return _ask(lambda: getattr(nvml, name)(handle, *more), None)

    persistence = get("nvmlDeviceGetPersistenceMode")
    slowdown = get("nvmlDeviceGetTemperatureThreshold", _SLOWDOWN)
    rows = get("nvmlDeviceGetRemappedRows")  # corrected, uncorrected, pending, failed
    return Card(
        index=index,
        persistence=None if persistence is None else bool(persistence),
        limit_watts=_watts(get("nvmlDeviceGetPowerManagementLimit")),
        default_watts=_watts(get("nvmlDeviceGetPowerManagementDefaultLimit")),
        slowdown=int(slowdown) if slowdown else None,
        reasons=int(get("nvmlDeviceGetCurrentClocksThrottleReasons") or 0),
        ecc_total=int(get("nvmlDeviceGetTotalEccErrors", _UNCORRECTED, _AGGREGATE) or 0),
        row_failure=bool(rows and rows[3]),
        repair_pending=bool(
            (rows and rows[2]) or get("nvmlDeviceGetRetiredPagesPendingStatus") == 1
        ),
    )


def _peers(nvml: Any, handles: dict[int, Any]) -> Peers:
    status = {}
    for a, one in handles.items():
        for b, other in handles.items():
            if a < b:
                told = _ask(lambda o=one, p=other: nvml.nvmlDeviceGetP2PStatus(o, p, _READ), None)  # type: ignore[misc]
                if told is not None:
                    status[a, b] = int(told)
    return Peers(status)


def _watts(milliwatts: Any) -> float | None:
    return milliwatts / 1000 if milliwatts else None


def _ask(call: Callable[[], T], otherwise: T) -> T:
    """What NVML says, or `otherwise` where the card or this version does not know the question."""
    import pynvml

    try:
        return call()
    except (pynvml.NVMLError, AttributeError):
        return otherwise
