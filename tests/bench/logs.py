"""How fast a large log is read: condensed, then asked for proof, progress and failures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stackctl.engines import ENGINES
from stackctl.engines.explain import explain
from stackctl.model import Engine
from stackctl.system.log_text import condense

LOGS = Path(__file__).parent.parent / "golden" / "logs"
MIB = 200
CHUNK = 1 << 16
_REQUEST = (
    b"0.01.461.366 I srv  update_slots: slot 0 | task 12 | prompt eval time = 123.4 ms / 12 tokens "
    b'( 10.2 ms per token) INFO: 127.0.0.1:55512 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
)


@dataclass(frozen=True)
class Rate:
    """MB/s of the slowest engine, against a bar that it has to reach."""

    engine: str
    rate: float
    bar: float

    @property
    def passed(self) -> bool:
        return self.rate >= self.bar

    def __str__(self) -> str:
        verdict = "PASS" if self.passed else "FAIL"
        return (
            f"a log of {MIB} MiB, slowest engine ({self.engine}): {self.rate:.0f} MB/s"
            f"  bar: at least {self.bar:.0f}  {verdict}"
        )


def measure() -> Rate:
    """A load and then requests, as an engine writes them in weeks."""
    rates = {name: _rate(engine) for name, engine in ENGINES.items()}
    slowest = min(rates, key=lambda name: rates[name])
    return Rate(slowest, rates[slowest], 200.0)


def _rate(engine: Engine) -> float:
    loads = b"".join(path.read_bytes() for path in sorted(LOGS.glob(f"{engine.name}-*good*.log")))
    began = time.perf_counter()
    text = condense(_chunks(loads))
    engine.prove(text, {})
    engine.progress(text)
    explain(text, engine.failures)
    return MIB * (1 << 20) / 1e6 / (time.perf_counter() - began)


def _chunks(begin: bytes) -> Iterator[bytes]:
    body = _REQUEST * (CHUNK // len(_REQUEST))
    yield begin
    for _ in range(MIB * (1 << 20) // len(body)):
        yield body
