"""How a device request is written.

Source: https://docs.docker.com/reference/compose-file/deploy/#devices; the joined string was tried
with Docker 28 (hook) and the CDI path, which takes it for one device's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackctl.lint import edit_yaml
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Edit, Edits, Issue, Span
from stackctl.lint.rules.base import Rule, each, issue
from stackctl.lint.service import Service
from stackctl.lint.tree import Tree


def _listed(service: Service) -> Iterator[tuple[Tree, Tree, list[str]]]:
    """Requests that name ids: the request, its list, and the ids one by one."""
    for request in service.devices:
        listed = request.get("device_ids")
        if listed is not None:
            texts = (part.strip() for item in listed.texts() for part in item.text.split(","))
            yield request, listed, [text for text in texts if text]


def _joined(service: Service) -> Iterable[Issue]:
    for request, listed, ids in _listed(service):
        if listed.kind == "scalar" or any("," in item.text for item in listed.texts()):
            yield issue(
                "gpu.joined-ids",
                service,
                f"the ids {', '.join(ids)} stand in one string",
                "Docker takes the string for one GPU's name: `unknown device`",
                span=request.key("device_ids"),
                edits=_rewrite(request, listed, ids),
                safe=known("".join(ids)),
                advice=f"device_ids: {edit_yaml.flow(ids)}",
            )


def _numbers(service: Service) -> Iterable[Issue]:
    for request, listed, ids in _listed(service):
        if listed.kind == "list" and any(item.tag == "int" for item in listed.texts()):
            yield issue(
                "gpu.id-type",
                service,
                "the ids are numbers",
                "Compose wants strings here and refuses the file",
                span=request.key("device_ids"),
                edits=_rewrite(request, listed, ids),
                safe=True,
                advice=f"device_ids: {edit_yaml.flow(ids)}",
            )


def _both(service: Service) -> Iterable[Issue]:
    for request, _, _ in _listed(service):
        if request.get("count") is not None:
            yield issue(
                "gpu.count-and-ids",
                service,
                "`count` and `device_ids` are both set",
                "Compose allows one of them and refuses the file",
                span=request.key("count"),
                edits=edit_yaml.remove_key(request, "count"),
                advice="take `count` out",
            )


def _capabilities(service: Service) -> Iterable[Issue]:
    for request in service.devices:
        # in the short form `gpus:` it is optional
        if request.get("capabilities") is None and "driver" in request.items:
            yield issue(
                "gpu.capabilities",
                service,
                "the device request has no `capabilities`",
                "Compose refuses a device request without",
                span=request.span,
                edits=edit_yaml.add_key(request, "capabilities", ["gpu"], 2),
                safe=True,
                advice="capabilities: [gpu]",
            )


def _bare(service: Service) -> Iterable[Issue]:
    if service.gpus.bare:
        ids = ",".join(service.gpus.ids)
        yield issue(
            "gpu.option-quotes",
            service,
            f"--gpus device={ids} lacks the quotes that belong to it",
            "Docker splits the option at the comma: `cannot set both Count and DeviceIDs`",
            span=service.gpus.span,
            edits=service.editor.set_gpus(service.gpus.ids),
            safe=True,
            advice=f"--gpus '\"device={ids}\"'",
        )


def _rewrite(request: Tree, listed: Tree, ids: list[str]) -> Edits | None:
    if not (request.own and listed.own) or not listed.span.text:
        return None
    written = edit_yaml.flow(ids)
    if listed.kind == "list" and listed.style != "flow":
        # a list in block style begins on the line below its key
        key = request.key("device_ids")
        return (Edit(Span(key.source, key.end, listed.span.end), f": {written}"),)
    return (Edit(listed.span, written),)


RULES = (
    Rule("gpu.joined-ids", "GPU ids are separate strings", each(_joined)),
    Rule("gpu.option-quotes", "--gpus keeps its ids together", each(_bare)),
    Rule("gpu.id-type", "GPU ids are strings, not numbers", each(_numbers)),
    Rule("gpu.count-and-ids", "GPUs are counted or named, not both", each(_both)),
    Rule("gpu.capabilities", "a device request says that it means GPUs", each(_capabilities)),
)
