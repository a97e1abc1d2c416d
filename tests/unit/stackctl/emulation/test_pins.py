"""The packages of the container are those that are tested here."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[4]
REQUIREMENTS = ROOT / "compose/images/tools/requirements.txt"


def test_the_image_and_the_tests_have_the_same() -> None:
    lines = REQUIREMENTS.read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dev = dict(line.split("==") for line in project["optional-dependencies"]["dev"] if "==" in line)
    imported = {"httpx2", "jsonschema-rs", "starlette", "uvicorn"}
    assert {name: dev[name] for name in imported} == {name: pins[name] for name in imported}
    assert {name: version(name) for name in pins} == pins
