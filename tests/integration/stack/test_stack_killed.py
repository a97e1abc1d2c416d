"""kill -9 of stackctl after each of its steps: the next run repairs what it left behind."""

from __future__ import annotations

import json
import sys

import pytest

from tests.integration.stack.box import PATIENCE, Box, run
from tests.integration.stack.watching import changed, forgotten, started

pytestmark = [pytest.mark.docker, pytest.mark.stack]

#: what every starting of a container goes through
STAGES = {"amid compose", "compose", "starting", "start", "GPU inside?", "loading", "proven"}


def tried(box: Box, prepare: str, killed: str, repair: str) -> set[str]:
    """All steps after which it was killed; the next run was green after each."""
    file = str(box.home.parent / "steps")
    how = {"prepare": prepare, "killed": killed.split(), "repair": repair.split(), "file": file}
    argv = box.argv(module=("tests.integration.stack.killed", json.dumps(how)))
    result = run(argv, env=box.environ, timeout=20 * PATIENCE)
    assert result.code == 0, result.text
    *tries, last = json.loads(result.out)
    for each in tries:
        assert each["code"] == 0, f"killed after {each['steps']}: {each['said']}"
    assert (last["steps"], last["code"]) == ([], 0), last["said"]
    return {each["steps"][-1] for each in tries}


def one(box: Box) -> str:
    """A command that fails if role coder has more than one container."""
    labels = (f"project={box.project}", "service=coder")
    wanted = " ".join(f"--filter label=com.docker.compose.{label}" for label in labels)
    return f"test $(docker ps --all --quiet {wanted} | wc -l) -le 1"


def test_at_every_step_of_up(fresh: Box) -> None:
    mine = f"--filter label=com.docker.compose.project={fresh.project}"
    nothing = (
        f"{one(fresh)}; docker ps --all --quiet {mine} | xargs -r docker rm --force; "
        f"docker network ls --quiet {mine} | xargs -r docker network rm; "
        f"rm -rf {fresh.home}/.stackctl"
    )
    steps = tried(fresh, nothing, "up coder", "up coder")
    assert steps >= STAGES | {"lock", "write placement.yaml", "write wanted"}
    assert fresh.verify().code == 0


def test_at_every_step_of_heal(stack: Box) -> None:
    before = started(stack)
    # what is killed was tried as well, and three times are the end
    again = f"{one(stack)}; rm -f {stack.home}/.stackctl/history*; {sys.executable} -m gpusim"
    again += f" fault cgroup-denied --container {stack.container('coder')}"
    with forgotten(stack):
        steps = tried(stack, again, "heal coder", "verify --heal")
    assert steps >= STAGES | {"lock", "write healing.yaml", "remember", "waiting for GPU memory"}
    assert changed(stack, before) == {"coder"}
