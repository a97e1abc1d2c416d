"""Only what stackctl brought and nobody needs is removed; in doubt it stays."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from stackctl.commands.models.adopt import adopt
from stackctl.commands.models.prune import prune
from stackctl.commands.models.shelf import Shelf
from stackctl.model import StackError
from stackctl.system import terminal
from stackctl.system.docker import Docker
from tests.unit.stackctl.box import container
from tests.unit.stackctl.commands.models import lying
from tests.unit.stackctl.commands.models.lying import shelf

__all__ = ["shelf"]

Said = pytest.CaptureFixture[str]
LONG_AGO = time.time() - 1e6


def files(shelf: Shelf) -> set[str]:
    """All but what stackctl keeps for itself."""
    folder = shelf.store.folder
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
        if not path.is_relative_to(shelf.store.state) and path != shelf.store.lock_file
    }


def test_nothing_to_remove(shelf: Shelf, capsys: Said) -> None:
    assert prune() == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_model_with_its_blobs_and_receipts(shelf: Shelf, capsys: Said) -> None:
    lying.cache(shelf)
    adopt(["huggingface"])
    assert prune(yes=True) == 0
    assert files(shelf) == set()
    assert shelf.models == ()
    assert not (shelf.store.folder / "huggingface/hub").exists()
    assert (shelf.store.folder / "huggingface").is_dir()  # a container may have it mounted
    assert "freed" in capsys.readouterr().out


def test_what_is_needed_or_was_never_locked_stays(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    lying.cache(shelf)
    for name in ("own", "used", "foreign"):
        lying.gguf(shelf, f"llama-cpp/{name}.gguf")
    adopt(["huggingface"])
    adopt(["llama-cpp/own.gguf"])
    adopt(["llama-cpp/used.gguf"])
    lying.stack(
        monkeypatch,
        lying.service(shelf, "main", "vllm", "org/tiny"),
        lying.service(shelf, "coder", "llama-cpp", "used"),
    )
    before = files(shelf)
    assert prune(yes=True) == 0
    assert before - files(shelf) == {"llama-cpp/own.gguf"}
    assert len(shelf.models) == 2


def test_without_the_stack_nothing_is_known(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    lying.unresolved(monkeypatch)
    with pytest.raises(StackError):
        prune(yes=True)
    assert files(shelf) == {"llama-cpp/own.gguf"}


def test_all_roles_are_asked_for_those_that_do_not_run_as_well(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(config: object) -> object:
        asked.append(config.environ["COMPOSE_PROFILES"])  # type: ignore[attr-defined]
        raise StackError("enough")

    monkeypatch.setattr("stackctl.commands.plan.resolve", resolve)
    with pytest.raises(StackError):
        prune()
    assert asked == ["*"]


def test_a_running_container_keeps_its_model(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    used = lying.service(shelf, "main", "llama-cpp", "own")
    monkeypatch.setattr(Docker, "services", lambda _self: ((used, container(used)),))
    assert prune(yes=True) == 0
    assert "kept" in capsys.readouterr().out
    assert files(shelf) == {"llama-cpp/own.gguf"}


def test_it_asks(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    assert prune(dry_run=True) == 0
    assert "cannot be fetched again" in capsys.readouterr().out
    with pytest.raises(StackError, match="no terminal") as raised:
        prune()
    assert raised.value.exit_code == 1
    assert "--yes" in raised.value.fix
    monkeypatch.setattr(terminal, "interactive", lambda: True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, code in (("", 1), ("no", 1), ("y", 0)):
        monkeypatch.setattr("builtins.input", lambda _prompt, said=answer: said)
        assert files(shelf) == {"llama-cpp/own.gguf"}
        assert prune() == code
    assert files(shelf) == set()


def test_old_revisions_of_locked_models(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    old = lying.cache(shelf, commit="a" * 40, seed=1)
    new = lying.cache(shelf, commit="b" * 40, seed=2)
    lying.cache(shelf, "other/one", commit="c" * 40, seed=3)
    adopt(["huggingface/hub/models--org--tiny"])
    lying.stack(monkeypatch, lying.service(shelf, "main", "vllm", "org/tiny"))
    blobs = new.parents[1] / "blobs"
    shared = {path.resolve() for path in new.iterdir()}
    assert prune(yes=True) == 0
    assert "an old revision" in capsys.readouterr().out
    assert not old.exists()
    assert set(blobs.iterdir()) == shared
    assert (shelf.store.folder / "huggingface/hub/models--other--one/snapshots").is_dir()
    assert all(path.is_file() for path in new.iterdir())


def ollama(shelf: Shelf) -> Path:
    lying.manifest(shelf, "registry.ollama.ai/library/one/1", b"one", b"shared")
    lying.manifest(shelf, "registry.ollama.ai/library/two/1", b"two", b"shared")
    lying.manifest(shelf, "registry.ollama.ai/library/three/1", b"three", b"common")
    lying.manifest(shelf, "registry.ollama.ai/library/foreign/1", b"foreign", b"common")
    for name in ("one", "two", "three"):
        adopt([f"ollama/manifests/registry.ollama.ai/library/{name}/1"])
    return shelf.store.folder / "ollama/blobs"


def test_blobs_that_a_manifest_names_stay_locked_or_not(shelf: Shelf) -> None:
    blobs = ollama(shelf)
    assert prune(yes=True) == 0
    left = {path.read_bytes() for path in blobs.iterdir()}
    assert left == {b"foreign", b"common", b"{}"}
    assert {f for f in files(shelf) if "manifests" in f} == {
        "ollama/manifests/registry.ollama.ai/library/foreign/1"
    }


def test_blobs_that_nobody_names(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = ollama(shelf)
    lying.stack(
        monkeypatch, *(lying.service(shelf, n, "ollama", f"{n}:1") for n in ("one", "two", "three"))
    )
    lying.blob(shelf, b"fresh")
    free = blobs / str(lying.blob(shelf, b"free")["digest"]).replace(":", "-")
    partial = blobs / f"sha256-{'a' * 64}-partial"
    partial.write_bytes(b"x")
    for path in (free, partial):
        os.utime(path, (LONG_AGO, LONG_AGO))
    broken = shelf.store.folder / "ollama/manifests/registry.ollama.ai/library/odd/1"
    broken.parent.mkdir()
    broken.write_text("{")
    assert prune(yes=True) == 0
    assert free.exists()  # the broken manifest may name it
    shutil.rmtree(broken.parent)
    before = files(shelf)
    assert prune(yes=True) == 0
    assert before - files(shelf) == {str(free.relative_to(shelf.store.folder))}


def test_what_stackctl_kept_for_itself(shelf: Shelf) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    store = shelf.store
    for path in (
        store.parts / f"sha256-{'a' * 64}.part",
        store.quarantine / "llama-cpp/x.gguf.1",
        store.chains.folder / ("b" * 64),
    ):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    assert prune(yes=True) == 0
    assert not [path for path in store.state.rglob("*") if path.is_file() and path.stat().st_size]
    assert files(shelf) == {"llama-cpp/own.gguf"}


def test_no_link_leads_out_of_the_folder(shelf: Shelf, tmp_path: Path) -> None:
    path = lying.gguf(shelf, "llama-cpp/sub/own.gguf")
    adopt(["llama-cpp"])
    outside = tmp_path / "outside"
    path.parent.rename(outside)
    path.parent.symlink_to(outside)
    assert prune(yes=True) == 0
    assert (outside / "own.gguf").is_file()


def test_what_two_unneeded_models_share_goes_as_well(shelf: Shelf) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    digest = shelf.models[0].files[0].digest.hex
    (model,) = shelf.models
    adopt(["llama-cpp/own.gguf"], source=f"https://host/own.gguf#sha256={digest}")
    shelf.change(lambda models: (*models, model))
    assert len(shelf.models) == 2
    assert prune(yes=True) == 0
    assert files(shelf) == set()
