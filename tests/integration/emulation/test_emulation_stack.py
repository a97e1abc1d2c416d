"""A whole stack whose coder has no tool calls: the gateway's clients get them all the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpusim.rigged import toolless
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import REPOSITORY, Box, box, free_ports, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
PORTS = (
    *("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT"),
    "TOOLS_PORT",
)
SETTINGS: dict[str, str | int] = {
    "CODER_TOOLS": "emulated",
    "CODER_MODEL": toolless.NAME,
    "CODER_SOURCE": f"file:llama-cpp/{toolless.NAME}.gguf",
    "CODER_CONTEXT": 4096,
}


@dataclass
class Stack:
    box: Box
    key: str
    ports: dict[str, int]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("emulation")) as made:
        # the role mounts its code from the clone
        ours = Path("stackctl/emulation")
        shutil.copytree(REPOSITORY / ours, made.home / ours)
        toolless.write(made.home / f"models/sim/llama-cpp/{toolless.NAME}.gguf")
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        made.settings(COMPOSE_PROFILES="coder,gateway,tools", **ports, **SETTINGS)
        up = made.stackctl("up")
        assert up.code == 0, up.text
        added = made.stackctl("keys", "add", "prove", "--json")
        assert added.code == 0, added.text
        yield Stack(made, json.loads(added.out)["key"], ports)


@pytest.mark.parametrize("way", [("engine",), ("gateway", "--key-env", "A_KEY")])
def test_every_case_passes(stack: Stack, way: tuple[str, ...]) -> None:
    words = ("prove", "tools", "coder", "--times", "2", "--json", "--through", *way)
    done = stack.box.stackctl(*words, env={"A_KEY": stack.key})
    assert done.code == 0, done.text
    (told,) = json.loads(done.out)["tools"]
    passed = {case["case"]: case["passed"] for case in told["cases"]}
    assert passed.pop("responses") == 0  # not offered
    assert set(passed.values()) == {2}


def test_without_its_service_a_role_is_out_of_reach_and_verify_says_why(stack: Stack) -> None:
    assert stack.box.verify().problems <= {("model.unsure", "warning", "coder")}
    stack.box.docker("rm", "--force", stack.box.container("tools"))
    try:
        found = stack.box.verify("coder").get("tools.emulated", "coder")
        assert found["severity"] == "error"
        assert "stackctl up tools" in found["fix"]
        refused = stack.box.stackctl("up", "coder")
        assert (refused.code, "nothing was changed" in refused.out) == (1, True), refused.text
        assert "tools.emulated" in refused.out
    finally:
        again = stack.box.stackctl("up", "tools")
    assert again.code == 0, again.text
    assert stack.box.verify("coder").code == 0
