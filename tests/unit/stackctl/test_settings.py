"""Env files and the environment: layers, precedence, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from stackctl import settings
from stackctl.model import StackError
from tests.unit.stackctl.box import ROOT


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("engines", "roles"):
        (tmp_path / "compose" / folder).mkdir(parents=True)
    for name in ("base", "ollama", "vllm"):
        (tmp_path / "compose/engines" / f"{name}.yaml").touch()
    for name in ("main", "coder"):
        (tmp_path / "compose/roles" / f"{name}.yaml").touch()
    (tmp_path / "compose/compose.yaml").touch()
    (tmp_path / "env/hardware").mkdir(parents=True)
    (tmp_path / "env/images.env").write_text("OLLAMA_IMAGE=ollama/ollama:1\n")
    (tmp_path / "env/hardware/box.env").write_text(
        "COMPOSE_PROFILES=main\nMAIN_ENGINE=ollama\nMAIN_PORT=8001\nMAIN_CONTEXT=8192\n"
    )
    for key in list(os.environ):
        if key.startswith(("MAIN_", "CODER_", "BIND_", "MODELS_", "OLLAMA_")):
            monkeypatch.delenv(key)
    return tmp_path


def own(clone: Path, text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    (clone / "env/stack.env").write_bytes(data)


def test_layers_the_later_wins(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load(clone, "box").values["MAIN_CONTEXT"] == "8192"
    own(clone, "MAIN_CONTEXT=4096\nMODELS_DIR=/srv/models\nCOMPOSE_PROFILES=main,coder\n")
    config = settings.load(clone, "box")
    assert config.values["MAIN_CONTEXT"] == "4096"
    assert config.values["OLLAMA_IMAGE"] == "ollama/ollama:1"
    assert config.models_dir == Path("/srv/models")
    assert [p.name for p in config.env_files] == ["images.env", "box.env", "stack.env"]
    assert config.environ["COMPOSE_PROFILES"] == "main,coder"
    monkeypatch.setenv("MAIN_CONTEXT", "2048")
    monkeypatch.setenv("COMPOSE_PROFILES", "coder")
    config = settings.load(clone, "box")
    assert config.values["MAIN_CONTEXT"] == "2048"
    assert config.environ["COMPOSE_PROFILES"] == "coder"


def test_places(clone: Path) -> None:
    config = settings.load(clone, "box")
    assert config.compose_file == clone / "compose/compose.yaml"
    assert config.state == clone / ".stackctl"
    assert config.models_dir == clone / "models"  # relative to the file that Compose reads it in


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("MAIN_PORT=80a", "not a port"),
        ("MAIN_PORT=0", "not a port"),
        ("MAIN_PORT=65536", "not a port"),
        ("MAIN_PORT=", "not a port"),
        ("MAIN_CONTEXT=128k", "not a number"),
        ("MAIN_CONTEXT=0", "not a number"),
        ("MAIN_VRAM_MIB=-1", "not a number"),
        ("BIND_ADDRESS=localhost", "not an IP address"),
        ("BIND_ADDRESS=192.168.1.256", "not an IP address"),
        ("MODELS_DIR=$HOME/models", "'$'"),
        ("MODELS_DIR=a$$b", "'$'"),
        ("this is no setting at all", "cannot be read"),
    ],
)
def test_a_bad_line_is_named_with_its_number(clone: Path, line: str, message: str) -> None:
    own(clone, f"# mine\n\n{line}\n")
    with pytest.raises(StackError) as caught:
        settings.load(clone, "box")
    assert message in caught.value.message
    assert "env/stack.env:3: " in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.fix


def test_a_byte_order_mark_does_not_hide_the_first_line(clone: Path) -> None:
    own(clone, b"\xef\xbb\xbfMAIN_PORT=80a\r\n")
    with pytest.raises(StackError, match=r"env/stack\.env:1: MAIN_PORT=80a: not a port"):
        settings.load(clone, "box")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("MAIN_PORT", "80a", "not a port"),
        ("CODER_PORT", "0", "not a port"),  # in no file
        ("CODER_CONTEXT", "128k", "not a number"),
        ("BIND_ADDRESS", "localhost", "not an IP address"),
        ("CODER_ENGINE", "nosuch", "no such engine"),
        ("COMPOSE_PROFILES", "main,nosuch", "'nosuch', which is no role"),
    ],
)
def test_a_bad_value_in_the_environment(
    clone: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, message: str
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(StackError) as caught:
        settings.load(clone, "box")
    assert message in caught.value.message
    assert caught.value.exit_code == 2


def test_foreign_variables_of_the_environment_are_none_of_our_business(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_PORT", "tcp://10.0.0.1:443")
    monkeypatch.setenv("MAIN_MENU", "$x")
    assert "KUBERNETES_PORT" not in settings.load(clone, "box").values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COMPOSE_PROFILES=main,nosuch", "'nosuch', which is no role"),
        ("MAIN_ENGINE=sglang", "MAIN_ENGINE=sglang: there is no such engine"),
        ("MAIN_ENGINE=base", "no such engine"),
    ],
)
def test_unknown_names(clone: Path, text: str, message: str) -> None:
    own(clone, text)
    with pytest.raises(StackError, match=r"no such|no role") as caught:
        settings.load(clone, "box")
    assert message in caught.value.message
    assert "ollama, vllm" in caught.value.fix or "coder, main" in caught.value.fix


def test_unknown_profile(clone: Path) -> None:
    with pytest.raises(StackError, match=r"there is no env/hardware/h100\.env") as caught:
        settings.load(clone, "h100")
    assert caught.value.fix == "choose one of: box"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfMAIN_PORT=9001\r\nMAIN_CONTEXT=4096\r\n",
        b"export MAIN_PORT=9001\nMAIN_CONTEXT='4096' # tokens\n",
        b'MAIN_PORT = "9001"\nMAIN_CONTEXT=4096',
        "# 한국어 주석\nMAIN_PORT=9001\nMAIN_CONTEXT=4096\n".encode(),
    ],
)
def test_forms_that_are_fine(clone: Path, data: bytes) -> None:
    own(clone, data)
    values = settings.load(clone, "box").values
    assert (values["MAIN_PORT"], values["MAIN_CONTEXT"]) == ("9001", "4096")


def test_another_encoding_is_explained(clone: Path) -> None:
    own(clone, "MODELS_DIR=/srv/모델".encode("cp949"))
    with pytest.raises(StackError, match="cannot be read") as caught:
        settings.load(clone, "box")
    assert "UTF-8" in caught.value.fix


def test_a_missing_file(clone: Path) -> None:
    (clone / "env/images.env").unlink()
    with pytest.raises(StackError, match=r"images\.env: no such file"):
        settings.load(clone, "box")


def test_chosen_profile(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.chosen_profile(clone) == ""
    own(clone, "STACKCTL_PROFILE=mine\n")
    assert settings.chosen_profile(clone) == "mine"
    monkeypatch.setenv("STACKCTL_PROFILE", "other")
    assert settings.chosen_profile(clone) == "other"


def test_the_clone_is_found(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.find_root() == ROOT
    monkeypatch.setenv("STACKCTL_HOME", str(clone))
    assert settings.find_root() == clone
    monkeypatch.setenv("STACKCTL_HOME", str(clone / "env"))
    with pytest.raises(StackError, match="STACKCTL_HOME") as caught:
        settings.find_root()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("profile", [p.stem for p in (ROOT / "env/hardware").glob("*.env")])
def test_every_profile_of_this_repository_loads(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in list(os.environ):
        if key.startswith(("MAIN_", "CODER_", "AUDIO_", "IMAGE_", "BIND_", "MODELS_")):
            monkeypatch.delenv(key)
    values = settings.load(ROOT, profile).values
    assert values["COMPOSE_PROFILES"]
    assert int(values["HARDWARE_GPU_COUNT"]) >= 0


def test_every_knob_of_the_example_is_used_and_valid(clone: Path) -> None:
    example = (ROOT / "env/stack.env.example").read_text()
    lines = [x.removeprefix("#") for x in example.splitlines() if x.startswith("#") and "=" in x]
    own(clone, "\n".join(lines))
    knobs = settings.read_env(clone / "env/stack.env")
    assert len(knobs) >= 10
    sources = [*(ROOT / "compose").rglob("*.yaml"), *(ROOT / "setup").glob("*.sh")]
    text = "".join(p.read_text() for p in sources)
    text += (ROOT / "stackctl/settings.py").read_text()
    assert [k for k in knobs if k not in text] == []


@pytest.mark.docker
@pytest.mark.skipif(not shutil.which("docker"), reason="no docker command here")
@pytest.mark.parametrize("path", sorted((ROOT / "env").rglob("*.env*")), ids=lambda p: p.name)
def test_compose_reads_the_files_as_we_do(path: Path) -> None:
    command = ["docker", "compose", "--env-file", str(path), "-f", "-", "config", "--environment"]
    done = subprocess.run(
        command,
        input="services: {x: {image: x}}",
        env={k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    theirs = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    ours = {k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None}
    assert settings.read_env(path) == ours
    assert {k: theirs.get(k) for k in ours} == ours
