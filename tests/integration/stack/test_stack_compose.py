"""stackctl beside Docker's own tools: plain Compose, several projects, JSON for programs."""

from __future__ import annotations

import json

import pytest

from tests.integration.stack.box import ROLES, Box, run

pytestmark = [pytest.mark.docker, pytest.mark.stack]


def hook_is_missing() -> str:
    """Why this daemon cannot give GPUs by `driver: nvidia`; empty if it can."""
    tried = run(
        ["docker", "run", "--rm", "--network", "none", "--gpus", "all", "debian:forky-slim", "true"]
    )
    return tried.err.strip() if "could not select device driver" in tried.err else ""


def up_and_down_by_compose(box: Box, *more_files: str) -> None:
    """The command that compose.yaml names, and then stackctl on what it did not start."""
    compose = box.compose(*more_files)
    up = run([*compose, "up", "--detach", "--wait"], env=box.environ)
    assert up.code == 0, up.text
    assert box.containers() == dict.fromkeys(ROLES, "running")
    verdict = box.verify("--answers")
    assert verdict.code == 0, verdict.problems
    down = run([*compose, "down"], env=box.environ)
    assert down.code == 0, down.text
    assert box.containers() == {}


def test_docker_compose_alone(fresh: Box) -> None:
    if reason := hook_is_missing():
        print(reason)
        pytest.skip(f"the daemon was started before the hook was there: {reason}")
    up_and_down_by_compose(fresh)


def test_docker_compose_with_the_placement_that_stackctl_wrote(fresh: Box) -> None:
    assert fresh.stackctl("up", "audio").code == 0
    assert fresh.stackctl("down").code == 0
    up_and_down_by_compose(fresh, ".stackctl/placement.yaml")


def test_down_and_verify(fresh: Box) -> None:
    assert fresh.stackctl("up", "audio", "image").code == 0
    assert fresh.verify().code == 0
    one = fresh.stackctl("down", "audio")
    assert (one.code, one.out) == (0, "removed: audio\n")
    assert fresh.containers() == {"image": "running"}
    rest = fresh.stackctl("down")
    assert (rest.code, rest.out) == (0, "removed: image\n")
    assert fresh.containers() == {}
    verdict = fresh.verify()
    assert verdict.code == 1
    assert verdict.problems == {("service.running", "error", "stack")}
    finding = verdict.get("service.running", "stack")
    assert finding["summary"] == "no container of the stack exists"
    assert finding["fix"] == "make up"
    again = fresh.stackctl("down")
    assert (again.code, again.out) == (0, "nothing to do: no container of the stack exists\n")


def test_a_stopped_service(stack: Box) -> None:
    run(["docker", "stop", stack.container("image")])
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == {("service.running", "error", "image")}
    finding = verdict.get("service.running", "image")
    assert stack.follow(finding["fix"]).code == 0
    assert stack.verify().code == 0


def test_up_again_changes_nothing(stack: Box) -> None:
    before = {role: stack.inspect(role)["State"]["StartedAt"] for role in ROLES}
    assert stack.stackctl("up").code == 0
    assert {role: stack.inspect(role)["State"]["StartedAt"] for role in ROLES} == before


def test_only_one_project_of_several(stack: Box) -> None:
    named = stack.stackctl("verify", "--project", stack.project, env={"COMPOSE_PROJECT_NAME": ""})
    assert named.code == 0, named.text
    other = stack.project + "-nowhere"
    assert stack.verify("--project", other).problems == {("service.running", "error", "stack")}
    status = json.loads(stack.stackctl("status", "--json", "--project", other).out)
    assert status["services"] == []
    down = stack.stackctl("down", "--project", other)
    assert (down.code, down.out) == (0, "nothing to do: no container of the stack exists\n")
    assert stack.stackctl("logs", "--project", other).code == 1
    assert stack.containers() == dict.fromkeys(ROLES, "running")
    # without a name and without COMPOSE_PROJECT_NAME it is everything, so at least these
    everything = stack.stackctl("status", "--json", env={"COMPOSE_PROJECT_NAME": ""})
    projects = [s["container"]["project"] for s in json.loads(everything.out)["services"]]
    assert projects.count(stack.project) == len(ROLES)


def test_json_for_programs(stack: Box) -> None:
    status = json.loads(stack.stackctl("status", "--json").out)
    assert status["simulated"] is True
    assert status["error"] is None
    assert len(status["driver"]["gpus"]) == 4
    by_role = {service["role"]: service for service in status["services"]}
    assert set(by_role) == set(ROLES)
    assert by_role["coder"]["container"]["url"] == stack.url("coder")
    assert by_role["main"]["context"] == 131072
    verify = json.loads(stack.stackctl("verify", "--json", "--answers").out)
    assert verify["ok"] is True
    assert verify["simulated"] is True
    answers = {
        f["subject"]: f["summary"] for f in verify["findings"] if f["check"] == "service.answer"
    }
    assert set(answers) == set(ROLES)
    assert "Greetings from gpt-oss-120b" in answers["main"]
