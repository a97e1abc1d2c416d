"""The list tells the worst of every model, and all that lies beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stackctl.commands.models import overview as module
from stackctl.commands.models.adopt import adopt
from stackctl.commands.models.overview import overview
from stackctl.commands.models.shelf import Shelf
from tests.unit.stackctl.commands.models import lying
from tests.unit.stackctl.commands.models.lying import shelf

__all__ = ["shelf"]

Said = pytest.CaptureFixture[str]


def row(said: str, name: str) -> str:
    return next(line for line in said.splitlines() if line.startswith(name))


def listed(capsys: Said) -> str:
    capsys.readouterr()
    assert overview() == 0
    return capsys.readouterr().out


def test_an_empty_folder_and_none_at_all(shelf: Shelf, capsys: Said) -> None:
    assert "no model is locked" in listed(capsys)
    shutil.rmtree(shelf.store.folder)
    assert "this folder is not there" in listed(capsys)
    assert overview(as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["models"] == []


def test_every_state_in_a_word(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    snapshot = lying.cache(shelf)
    path = lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["huggingface"])
    adopt(["llama-cpp"])
    lying.stack(monkeypatch, lying.service(shelf, "main", "vllm", "org/tiny"))
    said = listed(capsys)
    assert row(said, "hf:org/tiny").endswith("just now    main")
    assert row(said, "file:llama-cpp/own.gguf").endswith("just now *  -")
    lying.flip(path)
    assert "changed since: 1 file" in row(listed(capsys), "file:")
    adopt(["llama-cpp"])
    assert "WRONG: 1 file" in row(listed(capsys), "file:")
    (snapshot / "config.json").unlink()
    assert "incomplete: 7 of 8 files" in row(listed(capsys), "hf:")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (59, "just now"), (61, "1 min ago"), (7300, "2 h ago"), (1e6, "11 d ago")],
)
def test_age(seconds: float, text: str) -> None:
    assert module._ago(seconds) == text


def test_without_docker_the_users_are_unknown(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    lying.unresolved(monkeypatch)
    said = listed(capsys)
    assert row(said, "file:").endswith("unknown")
    assert "no such program" in said
    assert overview(as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["used_by"] is None


def test_what_is_in_no_lock_and_what_is_left_over(shelf: Shelf, capsys: Said) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    lying.cache(shelf)
    adopt(["huggingface"])
    for folder in (shelf.store.parts, shelf.store.quarantine):
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(bytes(100_000))
    said = listed(capsys)
    assert "llama-cpp/own.gguf" in said.partition("not locked")[2]
    assert "models--org--tiny" not in said.partition("not locked")[2]
    assert "unfinished downloads: " in said
    assert "in 1 file" in said
    overview(as_json=True)
    body = json.loads(capsys.readouterr().out)
    assert body["unlocked"] == [{"path": "llama-cpp/own.gguf", "size": 51_200}]
    assert body["unfinished"] >= 100_000
    assert body["free"] > 0


def test_a_role_that_names_nothing_uses_its_engines_folder(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    at = lying.gguf(shelf, "comfyui/unet/x.gguf")
    assert isinstance(at, Path)
    adopt(["comfyui"])
    lying.stack(monkeypatch, lying.service(shelf, "image", "comfyui"))
    assert row(listed(capsys), "file:comfyui").endswith("image")
