"""Engines have no users and no TLS: their ports belong on this machine, or behind a gateway.

Docker's published ports go past ufw: https://docs.docker.com/engine/network/packet-filtering-firewalls/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackctl.lint import edit_words
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Issue, Known
from stackctl.lint.rules.base import WARNING, Rule, issue
from stackctl.lint.service import Published, Service
from stackctl.lint.tables.images import GATEWAYS, split_tag

_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "*", "0"})  # noqa: S104 - what we look for
_WHY = (
    "anybody who reaches this machine can use it: no key is asked, and Docker's ports go past ufw"
)
#: engines that listen on all addresses unless they are told one
_OPEN_BY_DEFAULT = frozenset({"vllm"})


def _gateway(service: Service) -> bool:
    return bool(service.image and GATEWAYS.search(split_tag(service.image.text)[0]))


def _open(services: Sequence[Service], _: Known) -> Iterable[Issue]:
    gateway = any(_gateway(service) for service in services)
    for service in services:
        if not service.engine or _gateway(service):
            continue
        for port in service.ports:
            if port.address in _EVERYWHERE:
                yield _published(service, port, gateway)
        if service.kind == "process" or service.host_network:
            yield from _listening(service)


def _published(service: Service, port: Published, gateway: bool) -> Issue:
    text = port.value.text
    for address in ("0.0.0.0:", "[::]:", "*:"):
        text = text.removeprefix(address)
    edits = service.editor.replace(port.value, f"127.0.0.1:{text}") if port.value.own else None
    return issue(
        "port.open",
        service,
        f"port {port.host} is open on every address",
        _WHY + ("; the gateway beside it reaches it without a published port" if gateway else ""),
        severity=WARNING,
        span=port.value.span,
        edits=edits if known(text) else None,
        advice="host_ip: 127.0.0.1" if not port.value.own else f'"127.0.0.1:{text}"',
    )


def _listening(service: Service) -> Iterable[Issue]:
    call = service.invocation
    if call is None:
        return
    flag = call.find("address")
    address = flag.value if flag else ""
    if (flag is None and call.engine not in _OPEN_BY_DEFAULT) or address not in _EVERYWHERE:
        return
    yield issue(
        "port.open",
        service,
        "it listens on every address",
        _WHY.partition(", and Docker")[0],
        severity=WARNING,
        span=flag.words[0].span if flag else call.words[0].span,
        edits=edit_words.set_value(flag, "127.0.0.1")
        if flag
        else edit_words.add(call, "--host", "127.0.0.1"),
        advice="--host 127.0.0.1",
    )


RULES = (Rule("port.open", "engines are not open to the network", _open),)
