"""compose/engines/*.yaml without Compose: what a container is given and its engine is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from gpusim.rigged.gpt_oss import CONTEXT, NAME

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "models/sim"


def options(engine: str, gpus: int) -> list[str]:
    """Of `docker run`, instead of the service's environment, volumes and entrypoint."""
    settings = [part for pair in _environment(engine, gpus) for part in ("--env", pair)]
    scripts = f"{ROOT / 'healthchecks'}:/healthchecks:ro"
    program = _service(engine)["entrypoint"][0]
    return [*settings, "--volume", scripts, "--shm-size", "1g", "--entrypoint", program]


def arguments(engine: str) -> list[str]:
    """The command as it stands in the file."""
    return [text.replace("$$", "$") for text in _service(engine)["entrypoint"][1:]]


def words(engine: str, program: str, folder: Path) -> list[str]:
    """The arguments that the engine's program gets from that command, asked of a real shell."""
    (folder / program).write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (folder / program).chmod(0o755)
    environment = dict(pair.split("=", 1) for pair in _environment(engine, 2))
    done = subprocess.run(
        ["/bin/sh", *arguments(engine)],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.splitlines()


def _environment(engine: str, gpus: int) -> list[str]:
    fixed = {key: str(value) for key, value in _service(engine).get("environment", {}).items()}
    role = {"STACK_MODEL": NAME, "STACK_CONTEXT": str(CONTEXT), "STACK_GPUS": str(gpus)}
    return [f"{key}={value}" for key, value in {**fixed, **role}.items()]


def _service(engine: str) -> dict[str, Any]:
    text = (ROOT / f"compose/engines/{engine}.yaml").read_text(encoding="utf-8")
    service: dict[str, Any] = yaml.safe_load(text)["services"]["engine"]
    return service
