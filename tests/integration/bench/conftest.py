"""The null server in a process of its own, and a folder in which `stackctl` keeps results."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.bench import server

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def null() -> Iterator[str]:
    """Its address; the path after it is what it does."""
    with subprocess.Popen(
        [sys.executable, "-m", server.__name__],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


Stackctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stackctl(tmp_path: Path) -> Stackctl:
    """Run it in a clone of its own, with no service of any project in sight."""
    home = tmp_path / "clone"
    shutil.copytree(ROOT / "compose", home / "compose")
    shutil.copytree(ROOT / "env", home / "env", ignore=shutil.ignore_patterns("stack.env"))

    def run(*words: str, key: str = "") -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "STACKCTL_HOME": str(home), "COMPOSE_PROJECT_NAME": "no-such"}
        return subprocess.run(
            [sys.executable, "-m", "stackctl", "bench", *words],
            cwd=ROOT,
            env=environ | ({"API_KEY": key} if key else {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
