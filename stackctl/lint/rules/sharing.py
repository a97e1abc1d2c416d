"""Services that are given the same GPU must fit on it together.

vLLM takes a fixed share of each GPU whatever the model needs, 0.92 by default (vLLM 0.32,
`config/cache.py`); SGLang about 0.88 (`--mem-fraction-static`, chosen by the GPU's size);
TensorRT-LLM 0.9 of what is free (`--kv_cache_free_gpu_memory_fraction`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackctl.lint.issue import Issue, Known
from stackctl.lint.rules.base import Rule, issue
from stackctl.lint.service import ALL, Service, number

_DEFAULT = {"vllm": 0.92, "sglang": 0.88, "tensorrt-llm": 0.9}
#: sums of shares are compared with 1 and a little air for rounding
_FULL = 1.001


@dataclass(frozen=True, slots=True)
class _Need:
    service: Service
    share: float
    text: str


def _sharing(services: Sequence[Service], known: Known) -> Iterable[Issue]:
    told: set[frozenset[str]] = set()
    for gpu, users in sorted(_users(services).items()):
        needs = [need for user in users if (need := _need(user, known.gpu_mib))]
        for index, need in enumerate(needs):
            group = [n for n in needs[: index + 1] if _together(n.service, need.service)]
            names = frozenset(n.service.name for n in group)
            total = sum(n.share for n in group)
            if len(group) < 2 or total <= _FULL or any(names >= seen for seen in told):
                continue
            told.add(names)
            flag = need.service.invocation and need.service.invocation.find(
                "share of the GPU's memory"
            )
            span = flag.words[0].span if flag else None
            yield issue(
                "gpu.sharing",
                need.service,
                f"does not fit on GPU {gpu} beside "
                + ", ".join(n.service.name for n in group if n is not need)
                + f": together they take {total:.0%} of its memory",
                "; ".join(f"{n.service.name} takes {n.text}" for n in group)
                + ". The one that comes last fails, or leaves layers on the CPU",
                span=span or need.service.gpus.span,
                advice=_advice(need, total - need.share),
            )


def _users(services: Sequence[Service]) -> dict[str, list[Service]]:
    """GPU -> services on it. `count: N` gives the first N to everybody who asks for N."""
    every = {gpu for s in services for gpu in s.gpus.ids} | {
        str(i) for s in services for i in range(min(max(s.gpus.count, 0), 64))
    }
    users: dict[str, list[Service]] = {}
    for service in services:
        if not service.container or not service.gpus.given:
            continue
        if service.gpus.count == ALL:
            mine: Iterable[str] = every or {"0"}
        elif service.gpus.ids:
            mine = service.gpus.ids
        else:
            mine = {str(i) for i in range(min(service.gpus.count, 64))}
        for gpu in mine:
            users.setdefault(gpu, []).append(service)
    return users


def _together(one: Service, other: Service) -> bool:
    """Services of different profiles may be alternatives, which never run at once."""
    return not one.profiles or not other.profiles or bool(one.profiles & other.profiles)


def _need(service: Service, gpu_mib: int) -> _Need | None:
    """The share of one GPU that a service takes; None when nobody can tell."""
    label = number(service.labels.get("stackctl.vram_mib", ""))
    if service.engine in _DEFAULT:
        text = service.invocation.value("share of the GPU's memory") if service.invocation else ""
        try:
            share = float(text or _DEFAULT[service.engine])
        except ValueError:
            return None
        return _Need(service, share, f"{share:.2f}" + (" (its default)" if not text else ""))
    if label and gpu_mib:
        each = label / (service.gpus.number or 1)
        return _Need(service, each / gpu_mib, f"{each:.0f} MiB of {gpu_mib} (stackctl.vram_mib)")
    return None


def _advice(need: _Need, others: float) -> str:
    left = int((1 - others) * 100 - 4) / 100
    concept = {
        "vllm": "--gpu-memory-utilization",
        "sglang": "--mem-fraction-static",
        "tensorrt-llm": "--kv_cache_free_gpu_memory_fraction",
    }.get(need.service.engine)
    if concept and left >= 0.1:
        return f"{concept} {left:.2f}, or a GPU of its own: device_ids: ['…']"
    return "give it a GPU of its own: device_ids: ['…']"


RULES = (Rule("gpu.sharing", "services on one GPU fit on it together", _sharing),)
