"""What is looked at before `up`: ports, room."""

from __future__ import annotations

from dataclasses import replace

from stackctl.checks import run
from stackctl.checks.host import CHECKS
from stackctl.model import Finding, Phase, Severity, Space
from tests.unit.stackctl.box import CODER, HEALTHY, MAIN


def problems(phase: Phase = Phase.PREFLIGHT, **changes: object) -> tuple[Finding, ...]:
    facts = replace(HEALTHY, planned=(MAIN, CODER), **changes)  # type: ignore[arg-type]
    return tuple(f for f in run(CHECKS, facts, phase) if f.severity is Severity.ERROR)


def test_nothing_is_wrong_with_a_healthy_box() -> None:
    assert problems() == ()


def test_a_port_that_another_program_has() -> None:
    (found,) = problems(port_holders={8001: "nginx (pid 812)"})
    assert (found.check, found.subject) == ("host.port", "main")
    assert "port 8001 is taken by nginx (pid 812)" in found.summary
    assert "MAIN_PORT" in found.fix


def test_a_port_that_our_own_container_has_is_no_obstacle() -> None:
    assert problems(port_holders={8001: "container stackctl-main-1"}) == ()


def test_two_roles_with_one_port() -> None:
    twin = replace(CODER, ports=MAIN.ports)
    facts = replace(HEALTHY, planned=(MAIN, twin))
    found = [f for f in run(CHECKS, facts, Phase.PREFLIGHT) if f.severity is Severity.ERROR]
    assert [f.subject for f in found] == ["coder"]
    assert "also given to main" in found[0].summary


def low(*space: Space) -> list[tuple[Severity, str]]:
    found = run(CHECKS, replace(HEALTHY, space=space), Phase.RUNNING)
    return [(f.severity, f.values["path"]) for f in found if f.check == "host.disk"]


def test_a_full_disk() -> None:
    (found,) = problems(space=(Space("/srv/docker", 100),))
    assert found.check == "host.disk"
    assert "100 MiB free at /srv/docker" in found.summary
    assert "/srv/docker" in found.fix


def test_a_full_disk_of_models_keeps_nothing_from_starting() -> None:
    models = Space("/srv/models", 0, models=True, device=7)
    assert problems(space=(models,)) == ()
    assert low(models) == [(Severity.WARNING, "/srv/models")]
    docker = Space("/srv/docker", 100, device=8)
    assert low(docker, models) == [(Severity.ERROR, docker.path), (Severity.WARNING, models.path)]
    # on one disk, one finding
    assert low(replace(docker, device=7), models) == [(Severity.ERROR, docker.path)]
