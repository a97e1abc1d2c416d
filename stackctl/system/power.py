"""What GPUs draw while something runs, asked of NVML in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stackctl.model import Gpu
from stackctl.model.load import Power, PowerSample
from stackctl.system import nvml

#: seconds; drivers average power over 25 ms to 1 s, so more often tells no more
_EVERY = 0.2


@contextmanager
def sampled(gpus: Sequence[Gpu]) -> Iterator[Power | None]:
    """Samples come in until the end of the block. None without GPUs."""
    if not gpus:
        yield None
        return
    samples: list[PowerSample] = []
    ended = threading.Event()
    uuids = [gpu.uuid for gpu in gpus]

    def look() -> None:
        for at, watts in nvml.power(uuids, _EVERY, ended):
            samples.append(PowerSample(at, watts))

    # as a daemon: a hung driver must not keep the command from its end
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    # the first sample is to be older than the first request
    time.sleep(0.01)
    try:
        yield Power(samples, len(gpus), any(gpu.simulated for gpu in gpus))
    finally:
        ended.set()
        thread.join(2.0)
