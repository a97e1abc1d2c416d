"""What `verify` says of a service that the gateway sends nothing to: on purpose, or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackctl.commands.gateway import apply
from stackctl.commands.gateway.traffic import Traffic
from stackctl.facts.gateway import unreached
from stackctl.gateway import render
from stackctl.model import Container, Observed, Service
from stackctl.system import files
from stackctl.system.docker import Docker
from tests.integration.gateway.door import Door

pytestmark = pytest.mark.docker


def missed(door: Door) -> object:
    """As `verify` asks, all being ready."""
    pairs = Docker().services(door.project)
    return unreached([Observed(service, container, ready=True) for service, container in pairs])


@contextmanager
def taken_out(door: Door, role: str) -> Iterator[str]:
    """As a rollout does it: the container's name."""
    traffic, server = Traffic(door.place, role), door.engine(role).container
    traffic.empty(server, 1, lambda word: None, others=True)
    try:
        yield server
    finally:
        traffic.wait(server)
        traffic.release()


def test_a_rollout_takes_a_service_out_on_purpose(door: Door) -> None:
    with files.lock(door.root / ".stackctl" / "lock", "rollout"), taken_out(door, "coder"):
        assert missed(door) == ()
    assert missed(door) == ()


def test_one_that_a_killed_rollout_left_outside_is_told(door: Door) -> None:
    """The same in the gateway, but nobody is at work on it any more."""
    with taken_out(door, "coder") as server:
        assert missed(door) == (server,)


def test_another_one_is_told_during_a_rollout(door: Door) -> None:
    with files.lock(door.root / ".stackctl" / "lock", "rollout"), taken_out(door, "coder"):
        main = f"main/{door.engine('main').container}"
        door.admin(f"set server {main} state drain")
        try:
            assert missed(door) == (door.engine("main").container,)
        finally:
            door.admin(f"set server {main} state ready")


def reload(door: Door) -> str:
    """As a renewal of the certificate does it: what is kept from requests after it."""
    door.place.loaded.unlink()
    assert apply.refresh(door.root, Docker())
    # of whatever comes next, a restart included, nothing is kept
    assert (door.place.conf / render.HELD).read_text(encoding="utf-8") == ""
    return door.admin(f"show map {render.HELD_THERE}")


@pytest.mark.parametrize("verb", ["rollout", "tune coder"])
def test_a_reload_meanwhile_forgets_nothing(door: Door, verb: str) -> None:
    with files.lock(door.root / ".stackctl" / "lock", verb), taken_out(door, "coder"):
        assert "coder down" in reload(door)


def test_a_reload_forgets_what_a_killed_rollout_left(door: Door) -> None:
    with taken_out(door, "coder"):
        assert reload(door).strip() == ""


class Counted(Docker):
    asked = 0

    def services(
        self, project: str = "", folder: Path | None = None
    ) -> tuple[tuple[Service, Container], ...]:
        self.asked += 1
        return super().services(project, folder)


def test_docker_is_asked_once_for_the_gateway_and_what_is_behind_it(door: Door) -> None:
    docker = Counted()
    assert apply.refresh(door.root, docker)
    assert docker.asked == 1
