"""The role as Compose brings it up: its container reaches engines by their names, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gpusim.rigged import toolless
from tests.integration.emulation.service import PATIENCE, ask
from tests.integration.images.engine_container import docker, engine
from tests.integration.stack.box import free_ports

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[3]
FILES = ("env/images.env", "env/hardware/sim.env")


def compose(project: str, port: int, *words: str) -> subprocess.CompletedProcess[str]:
    files = [part for file in FILES for part in ("--env-file", file)]
    given = {"COMPOSE_PROJECT_NAME": project, "COMPOSE_PROFILES": "tools", "TOOLS_PORT": str(port)}
    return subprocess.run(
        ["docker", "compose", *files, "--file", "compose/compose.yaml", *words],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def role() -> Iterator[tuple[str, str]]:
    """The container's name, and its URL."""
    project, (port,) = f"stackctl-test-{uuid.uuid4().hex[:8]}", free_ports(1)
    try:
        done = compose(project, port, "up", "--detach", "--wait", "--no-build")
        assert done.returncode == 0, done.stderr
        yield f"{project}-tools-1", f"http://127.0.0.1:{port}"
    finally:
        compose(project, port, "down", "--timeout", "2")


def test_it_may_do_little(role: tuple[str, str]) -> None:
    name, _ = role
    (about,) = json.loads(docker("inspect", name))
    host = about["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert about["Config"]["User"] == "65534:65534"
    assert not host["DeviceRequests"]
    assert about["State"]["Health"]["Status"] == "healthy"


def test_it_reaches_an_engine_by_its_name(role: tuple[str, str], tmp_path: Path) -> None:
    name, url = role
    toolless.write(tmp_path / "toolless.gguf")
    tmp_path.chmod(0o755)
    network = ("--network", f"{name.removesuffix('-tools-1')}_default", "--network-alias", "fake")
    where = ("--host", "0.0.0.0", "--port", "8000", "--model", "/models/toolless.gguf")
    with engine("sim-llama-cpp", *where, models=tmp_path, options=network) as llama:
        llama.wait_for("/health")
        (choice,) = ask(url).json()["choices"]
        assert choice["finish_reason"] == "tool_calls"
        assert requests.get(f"{url}/fake/health", timeout=PATIENCE).json() == {"status": "ok"}
    answer = ask(url)
    assert answer.status_code == 502
    assert "the engine fake cannot be reached" in answer.json()["error"]["message"]
    lines = [json.loads(line) for line in docker("logs", name).splitlines()]
    assert [line["outcome"] for line in lines] == ["calls", "failed"]
    assert "Paris" not in docker("logs", name)


def test_a_wrong_setting_is_a_sentence() -> None:
    done = subprocess.run(
        [
            *(
                "docker",
                "run",
                "--rm",
                "--env",
                "EMULATION_RETRIES=many",
                "--env",
                "PYTHONPATH=/app",
            ),
            *("--volume", f"{ROOT}/stackctl/emulation:/app/stackctl/emulation:ro"),
            *("stackctl/tools:1", "python", "-m", "uvicorn", "stackctl.emulation.app:app"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "EMULATION_RETRIES is 'many': it has to be a number from 0 to 10" in done.stderr
    assert "Traceback" not in done.stderr
