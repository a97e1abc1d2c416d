"""Two clones on one box: neither ends what the other has brought up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.stack.box import Box, Result, box, free_ports, run

pytestmark = pytest.mark.docker


@pytest.fixture
def clones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Box, Box]]:
    """Containers that were made and never started need no GPU."""
    with box(tmp_path_factory.mktemp("one")) as one, box(tmp_path_factory.mktemp("two")) as two:
        for each in (one, two):
            names = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_METRICS_PORT")
            ports = dict(zip(names, free_ports(len(names)), strict=True))
            each.settings(COMPOSE_PROFILES="gateway", **ports)
            made = run([*each.compose(), "create"], env=each.environ)
            assert made.code == 0, made.text
        yield one, two


def unnamed(clone: Box, *words: str) -> Result:
    """As typed in a clone, with no project in the environment."""
    return clone.stackctl(*words, env={"COMPOSE_PROJECT_NAME": ""})


def test_down_takes_what_was_brought_up_from_here(clones: tuple[Box, Box]) -> None:
    one, two = clones
    # first without doing it: it would be the end of every stack of this machine
    plan = unnamed(one, "down", "--dry-run")
    assert plan.out == f"docker compose -p {one.project} down\n", plan.text
    assert f"left alone: {two.project}," in plan.err
    done = unnamed(one, "down")
    assert (done.code, done.out) == (0, "removed: gateway\n"), done.text
    assert (one.containers(), two.containers()) == ({}, {"gateway": "created"})
    again = unnamed(one, "down")
    assert (again.code, again.out) == (0, "nothing to do: no container of the stack exists\n")
    assert f"stackctl down --project {two.project}" in again.err


def test_another_clones_stack_ends_when_it_is_named(clones: tuple[Box, Box]) -> None:
    one, two = clones
    done = unnamed(one, "down", "--project", two.project)
    assert (done.code, done.err) == (0, ""), done.text
    assert (one.containers(), two.containers()) == ({"gateway": "created"}, {})
