"""`stackctl lint` as it is typed: exit codes, files, JSON, our own stack."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from stackctl import cli, settings
from stackctl.__main__ import main
from stackctl.commands import plan, vllm_flags
from tests.unit.stackctl.lint.linting import GOLDEN

BROKEN = "services:\n  a:\n    image: ollama/ollama:0.32.15\n    runtime: nvidia\n"


@pytest.fixture(autouse=True)
def nobody_asks_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image may be on this machine; a unit test starts no container."""
    monkeypatch.setattr(vllm_flags, "ask", lambda _: {})


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "compose.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    return path


ENGINES = ("ollama", "vllm", "sglang", "tensorrt-llm", "llama-cpp", "transformers")
PROFILES = sorted(p.stem for p in (settings.find_root() / "env" / "hardware").glob("*.env"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("profile", PROFILES)
def test_our_own_stack_is_clean_with_every_engine(
    profile: str,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = settings.find_root()
    for role in ("MAIN", "CODER"):
        monkeypatch.setenv(f"{role}_ENGINE", engine)
    monkeypatch.setattr(plan, "load", lambda: settings.load(root, profile))
    assert cli.run(["lint"]) == 0
    assert "nothing to complain about" in capsys.readouterr().out


def test_errors_make_it_1_and_fix_makes_it_0(compose: Path) -> None:
    assert cli.run(["lint", "compose.yaml"]) == 1
    assert compose.read_text(encoding="utf-8") == BROKEN
    assert cli.run(["lint", "--fix", "compose.yaml"]) == 0
    first = compose.read_text(encoding="utf-8")
    assert "runtime" not in first
    assert cli.run(["lint", "--fix", "compose.yaml"]) == 0
    assert compose.read_text(encoding="utf-8") == first


def test_links_rights_and_line_ends_stay(compose: Path, tmp_path: Path) -> None:
    compose.write_bytes(BROKEN.replace("\n", "\r\n").encode())
    compose.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(compose)
    assert cli.run(["lint", "--fix", "link.yaml"]) == 0
    assert link.is_symlink()
    assert stat.S_IMODE(compose.stat().st_mode) == 0o640
    lines = compose.read_bytes().split(b"\n")[:-1]
    assert len(lines) > 4
    assert all(line.endswith(b"\r") for line in lines)
    assert not list(tmp_path.glob(".*"))


def test_json_has_place_reason_and_lines(compose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["lint", "--json", "compose.yaml"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    (error,) = [f for f in told["findings"] if f["severity"] == "error"]
    assert error["check"] == "gpu.runtime"
    assert error["subject"] == "compose.yaml:4"
    assert error["values"]["fixable"] is True
    assert "+     deploy:" in error["fix"]


def test_variables_come_from_env_files_and_the_file_beside(
    compose: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose.write_text("services: {a: {image: 'ollama/ollama:${V}'}}\n", encoding="utf-8")
    cli.run(["lint", "compose.yaml"])
    assert "image.tag" not in capsys.readouterr().out
    (tmp_path / ".env").write_text("V=latest\n", encoding="utf-8")
    cli.run(["lint", "compose.yaml"])
    assert "image.tag" in capsys.readouterr().out
    (tmp_path / "own.env").write_text("V=0.32.15\n", encoding="utf-8")
    cli.run(["lint", "--env-file", "own.env", "compose.yaml"])
    assert "image.tag" not in capsys.readouterr().out


def test_a_command_is_printed_as_it_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["lint", "--command", "vllm serve openai/gpt-oss-20b --swap-space 4"]) == 1
    out = capsys.readouterr().out
    assert out.endswith("\nvllm serve openai/gpt-oss-20b --max-model-len 131072\n")
    assert "vLLM's flags were checked by" in out


@pytest.mark.parametrize(
    "words",
    [
        ["missing.yaml"],
        ["."],
        ["--env-file", "missing.env", "compose.yaml"],
        ["--command", "ls", "compose.yaml"],
        ["--command", "ls"],
        ["latin.yaml"],
    ],
)
def test_bad_usage_is_2_and_one_line(
    words: list[str], compose: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    assert main(["lint", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 2


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["lint", "--list"]) == 0
    assert "gpu.runtime" in capsys.readouterr().out
    assert cli.run(["lint", "--list", "--json"]) == 0
    assert {"id", "title"} == set(json.loads(capsys.readouterr().out)[0])


def test_several_files_are_told_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(GOLDEN / name) for name in ("ollama-first.yml", "ollama-last.yml")]
    assert cli.run(["lint", *names]) == 1
    out = capsys.readouterr().out
    assert out.index("ollama-first.yml:3") < out.index("ollama-last.yml:")
