"""The examples of docs/engines.md: readable by dotenv and Compose, the right words at the end."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from stackctl.engines import ENGINES
from tests.unit.stackctl.box import ROOT

NAMES = {engine.title: name for name, engine in ENGINES.items()}
EXAMPLE = re.compile(r"`((?:MAIN|AUDIO|IMAGE)_ARGS)='([^']+)'`")
STAND_IN = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >"$WORDS"
env >"$WORDS.env"
"""


def examples() -> list[tuple[str, str, str]]:
    """Engine, knob and value of each example, by the chapter that it stands in."""
    found, engine = [], ""
    for line in (ROOT / "docs/engines.md").read_text().splitlines():
        if line.startswith("## "):
            engine = NAMES.get(line[3:], "")
        found += [(engine, knob, value) for knob, value in EXAMPLE.findall(line) if engine]
    return found


EXAMPLES = examples()


def test_every_engine_has_an_example() -> None:
    assert {engine for engine, _, _ in EXAMPLES} == set(ENGINES)


def test_no_example_stands_outside_the_pattern() -> None:
    text = (ROOT / "docs/engines.md").read_text()
    assert len(re.findall(r"_ARGS=", text)) == len(EXAMPLES)


@pytest.mark.parametrize(("engine", "knob", "value"), EXAMPLES)
def test_dotenv_reads_it_as_it_stands(engine: str, knob: str, value: str) -> None:
    assert dotenv_values(stream=io.StringIO(f"{knob}='{value}'\n")) == {knob: value}


@pytest.mark.parametrize(("engine", "knob", "value"), EXAMPLES)
def test_the_words_arrive(engine: str, knob: str, value: str, tmp_path: Path) -> None:
    """The fragment's own shell script, with stand-ins for the engine's programs."""
    if engine == "comfyui":
        pytest.skip("its image splits CLI_ARGS itself")
    words, environment = started(engine, value, tmp_path)
    if engine == "ollama":
        assert words == ["serve"]
        assert set(value.split()) <= environment
    else:
        assert words[-len(value.split()) :] == value.split()


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "comfyui"])
def test_no_words_are_no_words(engine: str, tmp_path: Path) -> None:
    words, _ = started(engine, "", tmp_path)
    assert words
    assert all(words)


def test_stars_and_brackets_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    words, _ = started("vllm", '--x *.yaml --y {"a":[1]}', tmp_path)
    assert words[-4:] == ["--x", "*.yaml", "--y", '{"a":[1]}']


def started(engine: str, value: str, folder: Path) -> tuple[list[str], set[str]]:
    """The words and the environment that the engine's program gets."""
    path = ROOT / f"compose/engines/{engine}.yaml"
    raw: dict[str, Any] = yaml.safe_load(path.read_text())["services"]["engine"]
    shell, option, script = raw["entrypoint"]
    script = script.replace("$$", "$").replace("/app/", f"{folder}/app/")
    programs = ["bin/vllm", "bin/python3", "bin/trtllm-serve", "bin/ollama", "bin/transformers"]
    for name in (*programs, "app/llama-server", "app/build/bin/whisper-server"):
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(STAND_IN)
        program.chmod(0o755)
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "WORDS": str(folder / "words"),
        "STACK_MODEL": "openai/gpt-oss-120b",
        "STACK_CONTEXT": "131072",
        "STACK_GPUS": "2",
        "STACK_ARGS": value,
    }
    subprocess.run([shell, option, script], env=environment, cwd=folder, check=True, timeout=20)
    return (
        (folder / "words").read_text().splitlines(),
        set((folder / "words.env").read_text().splitlines()),
    )


@pytest.mark.docker
@pytest.mark.skipif(not shutil.which("docker"), reason="no docker command here")
def test_compose_reads_them_as_they_stand(tmp_path: Path) -> None:
    """The longest example of each engine: with JSON, equals signs, paths."""
    kept = {k: v for k, v in os.environ.items() if not re.match("MAIN_|AUDIO_|IMAGE_|COMPOSE_", k)}
    by_length = sorted(EXAMPLES, key=lambda example: len(example[2]))
    longest = {(engine, knob): value for engine, knob, value in by_length}
    assert "{" in longest["vllm", "MAIN_ARGS"]
    for (engine, knob), value in longest.items():
        role = knob.removesuffix("_ARGS")
        mine = tmp_path / "stack.env"
        mine.write_text(f"{knob}='{value}'\n{role}_ENGINE={engine}\n")
        command = ["docker", "compose"]
        for file in (ROOT / "env/images.env", ROOT / "env/hardware/rtx8000x4.env", mine):
            command += ["--env-file", str(file)]
        command += ["-f", str(ROOT / "compose/compose.yaml"), "config", "--format", "json"]
        done = subprocess.run(
            command, env=kept, capture_output=True, text=True, check=True, timeout=60
        )
        environment = json.loads(done.stdout)["services"][role.lower()]["environment"]
        assert environment["STACK_ARGS"] == value
        if engine == "comfyui":
            assert environment["CLI_ARGS"].endswith(f"--disable-auto-launch {value}")
