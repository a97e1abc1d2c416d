"""How a container gets its GPUs: one way, once, by separate ids.

Sources: https://docs.docker.com/compose/how-tos/gpu-support/ and
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stackctl.lint import edit_yaml
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Edits, Issue, Known
from stackctl.lint.rules.base import Rule, both, each, issue
from stackctl.lint.service import ALL, Service

_MASKS = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_ID = re.compile(r"\d{1,2}|(GPU|MIG)-[0-9a-fA-F-]+")
#: values that ask for no GPU, or for all
_NOT_IDS = frozenset({"", "all", "none", "void", "-1"})


def _masked(service: Service) -> dict[str, tuple[str, ...]]:
    """Mask variables of a container, with the ids that they name."""
    found = {}
    for name in _MASKS:
        text = service.env[name].text if name in service.env else "-1"
        if text in _NOT_IDS and text != "all":
            continue
        found[name] = tuple(part.strip() for part in text.split(",")) if text != "all" else ()
    return found if service.container else {}


def _runtime(service: Service) -> Iterable[Issue]:
    if service.runtime is None or service.runtime.text != "nvidia":
        return
    masks = _masked(service)
    ids = next((ids for ids in masks.values() if ids), ())
    edits: Edits | None = ()
    if known(",".join(ids)) and all(_ID.fullmatch(i) for i in ids):
        gpus = () if service.gpus.given else service.editor.set_gpus(ids)
        cut = [] if service.gpus.given else [service.editor.remove_env(name) for name in masks]
        edits = both(service.editor.remove_key("runtime"), gpus, *_whole_env(service, masks, cut))
    yield issue(
        "gpu.runtime",
        service,
        "`runtime: nvidia` gives it its GPUs the old way",
        "the hook behind it loses them at the next `systemctl daemon-reload` (Failed to initialize "
        "NVML: Unknown Error), and needs a runtime that the daemon may not have",
        span=service.runtime.span,
        edits=edits,
        safe=True,
        advice=_request(ids),
    )


def _whole_env(
    service: Service, masks: dict[str, tuple[str, ...]], cut: list[Edits | None]
) -> list[Edits | None]:
    """When nothing but masks stands in the environment, the key goes as a whole."""
    if len(masks) > 1 and len(service.env) == len(masks) and service.kind == "compose":
        return [service.editor.remove_key("environment")]
    return cut


def _double(service: Service) -> Iterable[Issue]:
    if not service.gpus.ids or service.runtime:
        return
    for name, ids in _masked(service).items():
        first = tuple(str(i) for i in range(len(service.gpus.ids)))
        same = ids in (service.gpus.ids, first, ())
        yield issue(
            "gpu.double-mask",
            service,
            f"{name}={','.join(ids) or 'all'} masks what the device request has already chosen",
            "GPUs are numbered anew inside the container: the second mask then names GPUs that are "
            "not there (No CUDA GPUs are available), or undoes the first",
            span=service.env[name].span,
            edits=service.editor.remove_env(name),
            safe=same,
            advice=f"take {name} out; the device request says which GPUs it gets",
        )


def _alone(service: Service) -> Iterable[Issue]:
    if service.gpus.ids or service.runtime:
        return
    masks = _masked(service)
    named = {name: ids for name, ids in masks.items() if ids}
    if not named or (service.gpus.count and "CUDA_VISIBLE_DEVICES" not in masks):
        return
    name, ids = next(iter(named.items()))
    plain = known(",".join(ids)) and all(_ID.fullmatch(i) for i in ids)
    cut = _whole_env(service, masks, [service.editor.remove_env(n) for n in masks])
    yield issue(
        "gpu.mask-alone",
        service,
        f"{name}={','.join(ids)} chooses among GPUs"
        + (" although all are given to it" if service.gpus.given else ", but none is given to it"),
        "the variable only hides GPUs from CUDA: it gives the container none, and keeps nobody "
        "from the others",
        span=service.env[name].span,
        edits=both(service.editor.set_gpus(ids), *cut) if plain else (),
        safe=True,
        advice=_request(ids),
    )


def _count_all(services: Sequence[Service], _: Known) -> Iterable[Issue]:
    takers = [s for s in services if s.gpus.count == ALL]
    if len(takers) < 2:
        return
    for service in takers:
        others = ", ".join(s.name for s in takers if s is not service)
        yield issue(
            "gpu.count-all",
            service,
            f"takes all GPUs, and so does {others}",
            "they land on the same GPUs and take each other's memory; which is first decides",
            span=service.gpus.span,
            advice="give each its own: device_ids: ['0'], device_ids: ['1'] …",
        )


def _request(ids: tuple[str, ...]) -> str:
    given = {"device_ids": list(ids)} if ids else {"count": "all"}
    request = {"driver": "nvidia", **given, "capabilities": ["gpu"]}
    value = {"deploy": {"resources": {"reservations": {"devices": [request]}}}}
    return "\n".join(edit_yaml.block(value, 0, 2))


RULES = (
    Rule("gpu.runtime", "GPUs come by a device request, not `runtime: nvidia`", each(_runtime)),
    Rule("gpu.double-mask", "GPUs are chosen once, not masked again", each(_double)),
    Rule("gpu.mask-alone", "a mask comes with the GPUs it chooses from", each(_alone)),
    Rule("gpu.count-all", "one service at most takes all GPUs", _count_all),
)
