"""Tensor parallelism: as many parts as GPUs, heads that divide, shared memory between them.

Sources: vLLM `config/model.py` ("Total number of attention heads … must be divisible by tensor
parallel size"); NCCL `src/os/linux.cc` ("failed to extend /dev/shm"), Docker's default /dev/shm is
64 MB.
"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint import edit_words
from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import ERROR, WARNING, Rule, each, issue
from stackctl.lint.service import ALL, Service

#: engines whose parts talk through NCCL, which needs /dev/shm
_NCCL = frozenset({"vllm", "sglang", "tensorrt-llm"})
_SHM = "16g"
#: below this NCCL and the engines' own queues have run out: 64 MB is Docker's default
_SHM_ENOUGH_MIB = 1024


def _size(service: Service) -> int | None:
    return service.flag_number("tensor parallel size")


def _gpus(service: Service) -> Iterable[Issue]:
    call, gpus = service.invocation, service.gpus
    if not call or service.engine not in _NCCL or not service.container or gpus.count == ALL:
        return
    flag = call.find("tensor parallel size")
    size = _size(service) if flag else 1
    # data parallel replicas of SGLang share the tensor parallel GPUs, those of vLLM do not
    factors = ["pipeline parallel size"] + (["data parallel size"] if call.engine == "vllm" else [])
    for concept in factors:
        size = size * (service.flag_number(concept) or 1) if size else size
    if not size or not gpus.number or size == gpus.number:
        return
    few = size > gpus.number
    yield issue(
        "parallel.gpus",
        service,
        f"it is split into {size}, and it gets {gpus.number} GPU{'s' * (gpus.number != 1)}",
        "the engine waits for GPUs that are not there, and ends"
        if few
        else "the other GPUs are reserved and stay idle",
        severity=ERROR if few else WARNING,
        span=flag.words[0].span if flag else gpus.span,
        edits=edit_words.set_value(flag, str(gpus.number)) if flag else None,
        advice=f"split it into {gpus.number}, or give it {size} GPU{'s' * (size != 1)}",
    )


def _heads(service: Service) -> Iterable[Issue]:
    size, family = _size(service), service.family
    if not size or not family or not family.heads or not service.invocation:
        return
    heads, kv = family.heads, family.kv_heads
    if heads % size == 0 and (kv % size == 0 or size % kv == 0):
        return
    fitting = [n for n in (1, 2, 4, 8, 16) if heads % n == 0 and (kv % n == 0 or n % kv == 0)]
    flag = service.invocation.find("tensor parallel size")
    yield issue(
        "parallel.heads",
        service,
        f"{family.name}'s {heads} heads ({kv} of them KV) cannot be split into {size}",
        "every part gets whole heads; the engine refuses to start",
        span=flag.words[0].span if flag else None,
        advice=f"split it into {', '.join(map(str, fitting[:-1]))} or {fitting[-1]}",
    )


def _shm(service: Service) -> Iterable[Issue]:
    size = _size(service)
    if not size or size < 2 or service.engine not in _NCCL or not service.container:
        return
    if service.ipc in ("host", "shareable") or service.ipc.startswith(("container:", "service:")):
        return
    if service.shm_mib >= _SHM_ENOUGH_MIB:
        return
    flag = service.invocation.find("tensor parallel size") if service.invocation else None
    has = f"{service.shm_mib} MiB" if service.shm_mib else "Docker's 64 MB"
    yield issue(
        "parallel.shm",
        service,
        f"its {size} parts share {has} of /dev/shm",
        "they pass tensors through it: `Bus error`, or NCCL's `failed to extend /dev/shm`",
        span=flag.words[0].span if flag else None,
        edits=service.editor.set_key("shm_size", _SHM) if not service.shm_mib else None,
        safe=True,
        advice=f"shm_size: {_SHM}",
    )


RULES = (
    Rule("parallel.gpus", "as many parts as GPUs", each(_gpus)),
    Rule("parallel.heads", "the model's heads can be split into the parts", each(_heads)),
    Rule("parallel.shm", "the parts have shared memory", each(_shm)),
)
