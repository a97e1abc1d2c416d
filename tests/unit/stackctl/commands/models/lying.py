"""Models as other tools leave them in a models' folder, and a shelf of that folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.commands import plan
from stackctl.commands.models import adopt, overview, prune
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Mount, Service, Stack, StackError
from stackctl.settings import Settings
from stackctl.system.docker import Docker
from tests.hub import make
from tests.unit.stackctl.box import CODER

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty models' folder of a box without a network and without a stack."""
    folder = tmp_path / "models"
    folder.mkdir()
    values = {"MODELS_DIR": str(folder), "HF_ENDPOINT": NOWHERE}
    made = Shelf(Settings(tmp_path, "simulation", (), values, {}))
    for verb in (adopt, overview, prune):
        monkeypatch.setattr(verb, "open_shelf", lambda: made)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(Docker, "services", lambda _self: ())
    stack(monkeypatch)
    return made


def stack(monkeypatch: pytest.MonkeyPatch, *services: Service) -> None:
    monkeypatch.setattr(plan, "resolve", lambda _config: Stack("stackctl", services))


def unresolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(_config: Settings) -> Stack:
        raise StackError("docker: no such program", fix="make setup")

    monkeypatch.setattr(plan, "resolve", resolve)


def service(shelf: Shelf, role: str, engine: str, model: str = "", *sources: str) -> Service:
    mounts = (Mount(str(shelf.store.folder), "/models", True),)
    return replace(
        CODER, name=role, role=role, engine=engine, model=model, sources=sources, mounts=mounts
    )


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def stated(folder: Path) -> dict[str, dict[str, object]]:
    """What the Hub would say of the files of a folder: trees/<commit>.json."""
    entries: dict[str, dict[str, object]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        entry: dict[str, object] = {"size": len(data), "blob_id": git_sha1(data)}
        if path.suffix == ".safetensors":
            sha256 = hashlib.sha256(data).hexdigest()
            entry = {"size": len(data), "blob_id": "f" * 40}
            entry |= {"lfs_sha256": sha256, "lfs_size": len(data)}
        entries[path.relative_to(folder).as_posix()] = entry
    return entries


def cache(
    shelf: Shelf, name: str = "org/tiny", commit: str = COMMIT, *, tree: bool = True, seed: int = 0
) -> Path:
    """A model as vLLM or `hf download` leave it in the cache; its snapshot."""
    hub = shelf.store.folder / "huggingface/hub"
    repository = hub / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    plain = shelf.store.folder.parent / f"plain-{commit}"
    make.model(plain, 200_000, seed=seed)
    (plain / "README.md").write_text(f"{commit}\n")
    entries = stated(plain)
    for text in ("blobs", "refs", "trees", f"snapshots/{commit}"):
        (repository / text).mkdir(parents=True, exist_ok=True)
    for origin, entry in entries.items():
        blob = str(entry.get("lfs_sha256") or entry["blob_id"])
        (repository / "blobs" / blob).write_bytes((plain / origin).read_bytes())
        (snapshot / origin).symlink_to(f"../../blobs/{blob}")
    (repository / "refs/main").write_text(commit)
    if tree:
        write_tree(repository / "trees" / f"{commit}.json", entries)
    return snapshot


def write_tree(path: Path, entries: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format_version": 1, "files": entries}))


def blob(shelf: Shelf, data: bytes) -> dict[str, object]:
    name = hashlib.sha256(data).hexdigest()
    path = shelf.store.folder / "ollama/blobs" / f"sha256-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"digest": f"sha256:{name}", "size": len(data), "mediaType": "x"}


def manifest(shelf: Shelf, path: str, *blobs: bytes) -> Path:
    """A model in Ollama's store, of these blobs."""
    layers = [blob(shelf, data) for data in blobs]
    at = shelf.store.folder / "ollama/manifests" / path
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(json.dumps({"config": blob(shelf, b"{}"), "layers": layers}))
    return at


def gguf(shelf: Shelf, path: str, *, seed: int = 0) -> Path:
    at = shelf.store.folder / path
    at.parent.mkdir(parents=True, exist_ok=True)
    make.gguf(at, 51_200, seed=seed)
    return at


def flip(path: Path, at: int = -10) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
