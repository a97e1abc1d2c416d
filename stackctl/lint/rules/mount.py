"""A model by its path lies on a mount: elsewhere the container does not have it."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import normpath

from stackctl.lint.interpolate import known
from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import Rule, each, issue
from stackctl.lint.service import Service


def _unmounted(service: Service) -> Iterable[Issue]:
    call = service.invocation
    if not call or not service.container or service.built:
        return  # an image that is built here may hold the model
    flag = call.find("model")
    path = flag.value if flag else next(iter(call.positional), "")
    if call.engine in ("ollama", "comfyui") or not path.startswith("/") or not known(path):
        return
    where = normpath(path)
    for target in service.mounts:
        root = normpath(target)
        if not known(target) or where == root or where.startswith(root.rstrip("/") + "/"):
            return
    word = flag.words[0] if flag else next((w for w in call.words if w.text == path), None)
    folder = where.rpartition("/")[0] or where
    yield issue(
        "model.unmounted",
        service,
        f"{path} is on no mount",
        "the container sees only what is mounted: the engine takes the path for a name on the Hub, "
        "or finds no file",
        span=word.span if word else None,
        advice=f"volumes:\n  - {folder}:{folder}:ro"
        if service.kind == "compose"
        else f"-v {folder}:{folder}:ro",
    )


RULES = (Rule("model.unmounted", "the model's path is mounted", each(_unmounted)),)
