"""Models in the stores of others: the Hub's cache, Ollama's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stackctl.models.formats import scan
from tests.unit.stackctl.models.formats_examples import language_model, ollama_model, snapshot


def test_the_snapshot_that_main_refers_to(tmp_path: Path) -> None:
    root = snapshot(tmp_path, "c0ffee")
    old = root / "snapshots/0ld"
    old.mkdir()
    (old / "config.json").write_text("{")
    for path in (root, root / "snapshots"):
        assert scan(path) == ("config.json: not JSON: broken at 1 of 1",)
    (root / "refs").mkdir()
    (root / "refs/main").write_text("c0ffee\n")
    for path in (root, root / "snapshots", root / "snapshots/c0ffee", tmp_path):
        assert scan(path) == ()
    (root / "refs/main").write_text("not-there")
    assert len(scan(root)) == 1


def test_a_blob_that_is_gone(tmp_path: Path) -> None:
    root = snapshot(tmp_path, "c0ffee")
    (root / "snapshots/c0ffee/model-00001-of-00002.safetensors").resolve().unlink()
    problems = scan(root)
    assert problems == (
        "model-00001-of-00002.safetensors: cannot be read: No such file or directory",
    )


def test_a_snapshot_of_files(tmp_path: Path) -> None:
    """As on a file system without links."""
    inside = language_model(tmp_path / "models--org--tiny/snapshots/c0ffee")
    assert scan(inside.parent) == ()
    (inside / "config.json").write_bytes(b"")
    assert scan(inside.parent) == ("config.json: empty",)


def test_a_cache_without_a_snapshot(tmp_path: Path) -> None:
    snapshots = tmp_path / "models--org--tiny/snapshots"
    snapshots.mkdir(parents=True)
    assert scan(snapshots) == ("snapshots: no snapshot in it",)


def test_a_folder_that_only_has_the_name(tmp_path: Path) -> None:
    model = language_model(tmp_path / "models--mine")
    (model / "config.json").write_bytes(b"")
    assert scan(model) == ("config.json: empty",)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return ollama_model(tmp_path / "ollama", tmp_path)


def blobs(manifest: Path) -> list[Path]:
    """Configuration, weights, template."""
    content: dict[str, Any] = json.loads(manifest.read_text())
    store = manifest.parents[4] / "blobs"
    layers = [content["config"], *content["layers"]]
    return [store / layer["digest"].replace(":", "-") for layer in layers]


def test_ollama(manifest: Path) -> None:
    assert scan(manifest) == ()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_blob_of_ollama_that_is_missing_or_cut_off(manifest: Path, number: int) -> None:
    blob = blobs(manifest)[number]
    data = blob.read_bytes()
    blob.write_bytes(data[:-1])
    assert scan(manifest) == (f"{blob.name}: {len(data) - 1} bytes, not {len(data)}",)
    blob.unlink()
    assert scan(manifest) == (f"{blob.name}: named by latest, but not there",)


def test_weights_of_ollama_that_are_none(manifest: Path) -> None:
    blob = blobs(manifest)[1]
    blob.write_bytes(b"\1" * blob.stat().st_size)
    assert scan(manifest) == (f"{blob.name}.gguf: not a GGUF file: its first bytes are wrong",)


def test_a_store_below_another_folder_of_that_name(manifest: Path, tmp_path: Path) -> None:
    inner = tmp_path / "manifests"
    shutil.move(tmp_path / "ollama", inner / "ollama")
    assert scan(inner / manifest.relative_to(tmp_path)) == ()
    (inner / "m.gguf").write_bytes(b"x")
    assert "not a GGUF file" in scan(inner / "m.gguf")[0]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"layers": [3]}', '{"layers": [{"digest": "x"}]}', "[" * 100_000],
)
def test_what_is_no_manifest(manifest: Path, content: str) -> None:
    manifest.write_text(content)
    assert scan(manifest) == ("latest: not a manifest",)


@pytest.mark.parametrize("digest", ["../../../x", "a\0b", "", "\ud800", "x" * 5000])
def test_a_digest_that_leads_anywhere(manifest: Path, digest: str) -> None:
    content = {"layers": [{"digest": digest, "size": 3}]}
    manifest.write_text(json.dumps(content))
    scan(manifest)
