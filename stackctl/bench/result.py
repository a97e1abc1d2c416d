"""A result as it is kept: JSON with a version. Times in seconds, energy in joules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

SCHEMA = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are distributed; `low` to `high`: where the true median is, at 95 %."""

    mean: float
    median: float
    p90: float
    p95: float
    p99: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Energy:
    """Of the GPUs alone, idle power included. `cost`: of a million output tokens, if priced."""

    joules: float
    watts: float
    per_token: float
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """One value for each request that succeeded, in the order in which they ended."""

    first: tuple[float, ...] = ()
    ttft: tuple[float, ...] = ()
    latency: tuple[float, ...] = ()
    tpot: tuple[float, ...] = ()
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One concurrency. `cpu`: the share of a core that stackctl itself used."""

    concurrency: int
    seconds: float
    cpu: float
    requests: int
    failures: Mapping[str, int]
    details: Mapping[str, str]  # of the first failure of each name
    throttled: int
    counted: bool  # the server counted the tokens; else one for each chunk
    prompt_tokens: float  # of a request, at the mean
    output_tokens: float
    reasoning_tokens: float
    requests_per_s: float
    tokens_per_s: float
    first: Spread | None = None  # to the first chunk: what `vllm bench serve` calls TTFT
    ttft: Spread | None = None  # to the first text, of reasoning or of the answer
    tpot: Spread | None = None
    itl: Spread | None = None
    latency: Spread | None = None
    speed: Spread | None = None  # output tokens/s of one request, from its sending on
    energy: Energy | None = None
    audio: float = 0.0  # seconds of sound of a request; 0: a chat, and the next two are not there
    audio_per_s: float = 0.0  # seconds of sound transcribed in a second, of all requests together
    rtf: Spread | None = None  # real-time factor: latency by the length of the sound
    samples: Samples = Samples()

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True)
class Run:
    """One API. `stopped`: why no higher concurrency was tried."""

    name: str
    model: str
    url: str
    engine: str
    against: bool
    simulated: bool
    notes: tuple[str, ...]
    knee: int | None
    stopped: str
    steps: tuple[Step, ...]

    @property
    def audio(self) -> float:
        """Seconds of sound of each request; 0 of one that chats."""
        return max((step.audio for step in self.steps), default=0.0)


@dataclass(frozen=True, slots=True)
class Result:
    """All that one `stackctl bench` measured. `price` of a kWh, in `currency`."""

    id: str
    at: float
    stackctl: str
    seed: int
    prompt_tokens: int
    output_tokens: int
    price: float | None
    currency: str
    runs: tuple[Run, ...]
    schema: int = field(default=SCHEMA)


def dump(result: Result) -> str:
    """One line: samples would make it a thousand."""
    return json.dumps(_rounded(asdict(result)), separators=(",", ":"))


def load(text: str) -> Result:
    """Raises ValueError with what is wrong."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None
    if not isinstance(raw, dict) or "runs" not in raw:
        raise ValueError("no result of `stackctl bench`")
    if raw.get("schema") != SCHEMA:
        raise ValueError(f"schema {raw.get('schema')!r}; this stackctl knows {SCHEMA}")
    try:
        runs = tuple(
            _make(
                Run,
                run | {"steps": tuple(map(_step, run["steps"])), "notes": tuple(run["notes"])},
            )
            for run in raw["runs"]
        )
        return _make(Result, raw | {"runs": runs})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not as schema {SCHEMA} says: {error}") from None


def _step(raw: Mapping[str, Any]) -> Step:
    made = dict(raw)
    for name in ("first", "ttft", "tpot", "itl", "latency", "speed", "rtf"):
        made[name] = _make(Spread, raw[name]) if raw.get(name) else None
    made["energy"] = _make(Energy, raw["energy"]) if raw["energy"] else None
    made["samples"] = Samples(**{name: tuple(values) for name, values in raw["samples"].items()})
    return _make(Step, made)


def _make(kind: type[T], raw: Mapping[str, Any]) -> T:
    """Fields that a later version has added are nobody's harm."""
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in raw.items() if name in known})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        # microseconds are more than a network lets anybody measure; the date keeps its digits
        return float(f"{value:.6g}") if value < 1e6 else round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return value
