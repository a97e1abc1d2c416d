"""Services, by their labels, as backends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.engines import ENGINES
from stackctl.gateway.backends import Host, backends
from stackctl.model import EMULATION, Service, StackError
from stackctl.model.gateway import Server

CODER = Service("coder", "coder", "llama-cpp", "gpt-oss-20b", 8192, 8000)


def hosts(*services: Service) -> list[Host]:
    return [(service, f"p-{service.name}-1") for service in services]


def test_one_for_each_model() -> None:
    made = backends(hosts(CODER, replace(CODER, name="main", model="gpt-oss-120b")), ENGINES)
    assert [(b.name, b.model) for b in made] == [("coder", "gpt-oss-20b"), ("main", "gpt-oss-120b")]
    slots = ENGINES["llama-cpp"].slots
    assert made[0].servers == (Server("p-coder-1", "p-coder-1:8000", slots),)
    assert made[0].ready_path == ENGINES["llama-cpp"].ready_path


def test_replicas_share_one() -> None:
    second = replace(CODER, name="coder2", slots=3, queue=7, context=4096, aliases=("fast",))
    (made,) = backends(hosts(second, replace(CODER, aliases=("gpt-4o",))), ENGINES)
    assert made.name == "coder"
    assert [(s.name, s.slots) for s in made.servers] == [
        ("p-coder-1", ENGINES["llama-cpp"].slots),
        ("p-coder2-1", 3),
    ]
    assert made.aliases == ("gpt-4o", "fast")
    # as much as every one of them can
    assert (made.queue, made.context) == (7, 4096)


def test_what_serves_nothing_has_none() -> None:
    gateway = replace(CODER, name="gateway", engine="nobody's")
    assert backends(hosts(gateway, replace(CODER, port=0)), ENGINES) == ()


@pytest.mark.parametrize(
    "service",
    [
        replace(CODER, model="a b"),
        replace(CODER, aliases=('a"b',)),
        replace(CODER, aliases=("a#b",)),
        replace(CODER, name="a b"),
    ],
)
def test_names_that_haproxy_cannot_have(service: Service) -> None:
    with pytest.raises(StackError, match="named") as told:
        backends(hosts(service), ENGINES)
    assert told.value.exit_code == 2


def test_two_models_cannot_have_one_name() -> None:
    other = replace(CODER, name="main", model="gpt-oss-120b", aliases=("gpt-oss-20b",))
    with pytest.raises(StackError, match="both answer to the name gpt-oss-20b") as told:
        backends(hosts(CODER, other), ENGINES)
    assert "_ALIASES" in told.value.fix


def test_an_engine_that_knows_no_aliases_gets_none() -> None:
    strict = next(name for name, engine in ENGINES.items() if engine.strict)
    service = replace(CODER, engine=strict)
    assert backends(hosts(service), ENGINES)
    with pytest.raises(StackError, match="alone"):
        backends(hosts(replace(service, aliases=("x",))), ENGINES)


def test_emulated_ones_are_reached_by_way_of_the_emulation() -> None:
    emulated = replace(CODER, tools="emulated")
    (made,) = backends(
        hosts(emulated, Service("tools", "tools", EMULATION, "", port=8000)), ENGINES
    )
    slots = ENGINES["llama-cpp"].slots
    assert made.servers == (Server("p-coder-1", "p-tools-1:8000", slots, emulated=True),)
    # without it they are down, and nobody gets at the engine past it
    assert backends(hosts(emulated), ENGINES)[0].servers[0].address == "tools:8000"
