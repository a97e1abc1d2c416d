"""Whatever brought a model here: adopted, it is proven against what its publisher said."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from stackctl.commands.models.adopt import adopt
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Algorithm, Kind, LockedModel, StackError
from stackctl.models import source as sources
from stackctl.models.state import State, judge
from tests.hub import Hub, make
from tests.unit.stackctl.commands.models import lying
from tests.unit.stackctl.commands.models.lying import COMMIT, shelf

__all__ = ["shelf"]

Said = pytest.CaptureFixture[str]


def locked(shelf: Shelf) -> dict[str, LockedModel]:
    return {sources.spec(model.source): model for model in shelf.models}


def states(shelf: Shelf, model: LockedModel) -> set[State]:
    return {judge(file, shelf.store.stamp(file.path)) for file in model.files}


def test_a_cache_by_its_tree_without_a_network(shelf: Shelf, capsys: Said) -> None:
    lying.cache(shelf)
    assert adopt([str(shelf.store.folder)]) == 0
    (model,) = shelf.models
    assert model.source.kind is Kind.HUB
    assert model.source.name == "org/tiny"
    assert model.revision == COMMIT
    assert model.stated
    assert len(model.files) == 8
    assert all(f"snapshots/{COMMIT}/" in file.path for file in model.files)
    assert states(shelf, model) == {State.GOOD}
    assert {file.digest.algorithm for file in model.files} == set(Algorithm)
    assert "hf:org/tiny: 8 files, every hash is right" in capsys.readouterr().out


def test_a_cache_without_a_tree_by_the_names_of_its_blobs(shelf: Shelf) -> None:
    lying.cache(shelf, tree=False)
    assert adopt(["huggingface"]) == 0
    assert states(shelf, locked(shelf)["hf:org/tiny"]) == {State.GOOD}


@pytest.mark.parametrize("tree", [True, False])
def test_a_flipped_bit_in_a_cache_is_locked_as_wrong(
    shelf: Shelf, capsys: Said, tree: bool
) -> None:
    snapshot = lying.cache(shelf, tree=tree)
    lying.flip(snapshot / "model-00001-of-00002.safetensors")
    assert adopt([str(snapshot)]) == 1
    said = capsys.readouterr().out
    assert "error:" in said
    assert "model-00001-of-00002.safetensors: its sha256 is" in said
    assert "stackctl models repair hf:org/tiny" in said
    assert State.BAD in states(shelf, locked(shelf)["hf:org/tiny"])


def test_a_missing_shard_belongs_to_the_model_a_readme_does_not(shelf: Shelf, capsys: Said) -> None:
    snapshot = lying.cache(shelf)
    (snapshot / "model-00002-of-00002.safetensors").unlink()
    (snapshot / "README.md").unlink()
    assert adopt([str(snapshot)]) == 1
    model = locked(shelf)["hf:org/tiny"]
    assert {file.origin for file in model.files} & {"model-00002-of-00002.safetensors"}
    assert "README.md" not in {file.origin for file in model.files}
    assert "is not there" in capsys.readouterr().out


def test_a_link_out_of_the_folder_is_not_followed(shelf: Shelf, tmp_path: Path) -> None:
    snapshot = lying.cache(shelf)
    (tmp_path / "secret").write_text("x")
    (snapshot / "extra.json").symlink_to(tmp_path / "secret")
    assert adopt([str(snapshot)]) == 0
    assert not any("extra" in file.path for file in locked(shelf)["hf:org/tiny"].files)


def test_the_revision_that_a_branch_names(shelf: Shelf) -> None:
    lying.cache(shelf, commit="a" * 40, seed=1)
    lying.cache(shelf, commit="b" * 40, seed=2)
    refs = shelf.store.folder / "huggingface/hub/models--org--tiny/refs"
    (refs / "main").write_text("a" * 40)
    (refs / "v2").write_text("b" * 40)
    assert adopt(["huggingface"]) == 0
    assert locked(shelf)["hf:org/tiny"].revision == "a" * 40
    assert adopt([str(refs.parent / "snapshots" / ("b" * 40))]) == 0
    assert locked(shelf)["hf:org/tiny@v2"].revision == "b" * 40


def local(shelf: Shelf, *, tree: bool) -> Path:
    """What `hf download --local-dir` leaves of one file."""
    path = lying.gguf(shelf, "llama-cpp/x-Q4.gguf")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    state = path.parent / ".cache/huggingface"
    (state / "download").mkdir(parents=True)
    (state / "download/x-Q4.gguf.metadata").write_text(f"{COMMIT}\n{digest}\n1.0\n")
    if tree:
        size = path.stat().st_size
        large = {"size": size, "blob_id": "f" * 40, "lfs_sha256": digest, "lfs_size": size}
        other = {"size": 9, "blob_id": "e" * 40}
        entries = {"x-Q4.gguf": large, "x-Q8.gguf": other}
        lying.write_tree(state / "trees" / f"{COMMIT}.json", entries)
    return path


@pytest.mark.parametrize("tree", [True, False])
def test_a_local_dir_of_which_the_user_knows_the_name(shelf: Shelf, tree: bool) -> None:
    local(shelf, tree=tree)
    assert adopt(["llama-cpp/x-Q4.gguf"], source="hf:org/gg") == 0
    model = locked(shelf)["hf:org/gg/x-Q4.gguf"]
    assert model.revision == COMMIT
    assert [file.path for file in model.files] == ["llama-cpp/x-Q4.gguf"]
    assert states(shelf, model) == {State.GOOD}


def test_a_local_dir_without_a_name_keeps_the_hubs_hash(shelf: Shelf, capsys: Said) -> None:
    path = local(shelf, tree=False)
    lying.flip(path)
    assert adopt(["llama-cpp"]) == 1
    model = locked(shelf)["file:llama-cpp/x-Q4.gguf"]
    assert model.stated
    assert states(shelf, model) == {State.BAD}
    assert "--source hf:org/name" in capsys.readouterr().out


def test_an_ollama_store_without_the_daemon(shelf: Shelf, capsys: Said) -> None:
    lying.manifest(shelf, "registry.ollama.ai/library/tiny/1", b"weights", b"licence")
    lying.manifest(shelf, "hf.co/org/name/Q4", b"other", b"licence")
    assert adopt(["ollama"]) == 0
    models = locked(shelf)
    assert set(models) == {"ollama:tiny:1", "ollama:hf.co/org/name:Q4"}
    assert len(models["ollama:tiny:1"].files) == 4
    wrong = shelf.store.folder / "ollama/blobs" / f"sha256-{hashlib.sha256(b'other').hexdigest()}"
    wrong.write_bytes(b"OTHER")
    shutil.rmtree(shelf.store.state)
    shelf.store.lock_file.unlink()
    assert adopt(["ollama"]) == 1
    assert "repair ollama:hf.co/org/name:Q4" in capsys.readouterr().out
    assert states(shelf, locked(shelf)["ollama:tiny:1"]) == {State.GOOD}


def test_a_broken_manifest_is_none(shelf: Shelf) -> None:
    path = lying.manifest(shelf, "registry.ollama.ai/library/tiny/1", b"weights")
    for text in ("", "[]", '{"layers": [{"digest": "../x", "size": 1}]}', "\xff"):
        path.write_text(text, "latin-1")
        with pytest.raises(StackError, match="no model in it"):
            adopt(["ollama"])


def test_a_file_of_nobody_is_taken_as_it_is(shelf: Shelf, capsys: Said) -> None:
    path = lying.gguf(shelf, "llama-cpp/own.gguf")
    assert adopt([str(path)]) == 0
    model = locked(shelf)["file:llama-cpp/own.gguf"]
    assert not model.stated
    assert model.files[0].digest.hex == hashlib.sha256(path.read_bytes()).hexdigest()
    assert states(shelf, model) == {State.GOOD}
    assert "nobody vouches" in capsys.readouterr().out


def test_a_broken_file_of_nobody_is_not_made_the_truth(shelf: Shelf, capsys: Said) -> None:
    path = lying.gguf(shelf, "llama-cpp/own.gguf")
    path.write_bytes(path.read_bytes()[:-100])
    assert adopt([str(path)]) == 1
    assert shelf.models == ()
    assert "was not adopted" in capsys.readouterr().out


def test_what_is_locked_is_left_and_a_change_of_it_is_told(shelf: Shelf, capsys: Said) -> None:
    path = lying.gguf(shelf, "llama-cpp/own.gguf")
    adopt(["llama-cpp"])
    before = shelf.store.read_lock()
    assert adopt(["llama-cpp"]) == 0
    assert shelf.store.read_lock() == before
    assert "in the lock already" in capsys.readouterr().out
    lying.flip(path)
    assert adopt(["llama-cpp"]) == 1
    assert "its sha256 is" in capsys.readouterr().out
    # unless its owner names it: then the change was meant
    assert adopt(["llama-cpp/own.gguf"]) == 0
    assert "changed since it was adopted" in capsys.readouterr().out
    assert states(shelf, locked(shelf)["file:llama-cpp/own.gguf"]) == {State.GOOD}


def test_zeros_that_a_copy_left_out(shelf: Shelf, capsys: Said) -> None:
    at = shelf.store.folder / "llama-cpp/own.gguf"
    at.parent.mkdir()
    make.gguf(at, 1 << 20, sparse=True)
    assert adopt(["llama-cpp"]) == 1
    assert "if these zeros are meant: stackctl models adopt" in capsys.readouterr().out
    digest = hashlib.sha256(at.read_bytes()).hexdigest()
    assert adopt([str(at)], source=f"https://host/own.gguf#sha256={digest}") == 0
    assert adopt([str(at)], source="file:llama-cpp/own.gguf") == 0


def test_what_has_gone_from_a_locked_model_is_told_once(shelf: Shelf, capsys: Said) -> None:
    snapshot = lying.cache(shelf)
    adopt([str(snapshot)])
    (snapshot / "config.json").unlink()
    capsys.readouterr()
    assert adopt([str(snapshot)]) == 1
    assert capsys.readouterr().out.count("config.json") == 1


def test_a_url_with_its_hash(shelf: Shelf) -> None:
    path = lying.gguf(shelf, "llama-cpp/own.gguf")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert adopt([str(path)], source=f"https://host/dir/x.gguf#sha256={digest}") == 0
    wrong = f"https://host/dir/y.gguf#sha256={'0' * 64}"
    other = lying.gguf(shelf, "llama-cpp/other.gguf", seed=2)
    assert adopt([str(other)], source=wrong) == 1


def test_the_hub_is_asked_for_what_nobody_kept(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published/org/gg"
    published.mkdir(parents=True)
    make.gguf(published / "x-Q4.gguf", 51_200)
    make.gguf(published / "x-Q8.gguf", 102_400, seed=3)
    lying.gguf(shelf, "llama-cpp/renamed.gguf")
    lying.gguf(shelf, "llama-cpp/own.gguf", seed=3)
    with Hub(tmp_path / "published") as hub:
        endpoints = type(shelf.endpoints)(hub.url)
        monkeypatch.setattr(shelf, "endpoints", endpoints, raising=False)
        # by its size
        assert adopt(["llama-cpp/renamed.gguf"], source="hf:org/gg") == 0
        assert adopt(["llama-cpp/own.gguf"], source="hf:org/gg/x-Q4.gguf") == 1
    model = locked(shelf)["hf:org/gg/x-Q4.gguf"]
    assert model.stated
    assert len(model.revision) == 40


def test_without_the_hub_there_is_another_way(shelf: Shelf) -> None:
    lying.gguf(shelf, "llama-cpp/own.gguf")
    with pytest.raises(StackError) as raised:
        adopt(["llama-cpp/own.gguf"], source="hf:org/gg")
    assert "--source file:llama-cpp/own.gguf" in raised.value.fix


def test_a_dry_run_changes_nothing(shelf: Shelf, capsys: Said) -> None:
    lying.cache(shelf)
    before = {path: path.lstat() for path in shelf.store.folder.rglob("*")}
    assert adopt(["huggingface"], dry_run=True) == 0
    assert {path: path.lstat() for path in shelf.store.folder.rglob("*")}.keys() == before.keys()
    said = capsys.readouterr().out
    assert "hf:org/tiny" in said
    assert "nothing was done" in said


def test_what_the_stack_needs(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    lying.cache(shelf)
    lying.gguf(shelf, "llama-cpp/own.gguf")
    lying.gguf(shelf, "llama-cpp/other.gguf", seed=2)
    lying.gguf(shelf, "llama-cpp/foreign.gguf", seed=3)
    lying.manifest(shelf, "registry.ollama.ai/library/tiny/1", b"weights")
    path = shelf.store.folder / "llama-cpp/own.gguf"
    lying.stack(
        monkeypatch,
        lying.service(shelf, "main", "vllm", "org/tiny"),
        lying.service(shelf, "coder", "llama-cpp", "own", f"file:{path}"),
        lying.service(shelf, "third", "llama-cpp", "other"),
        lying.service(shelf, "fourth", "ollama", "tiny:1"),
    )
    assert adopt([]) == 0
    wanted = {"hf:org/tiny", "file:llama-cpp/own.gguf", "file:llama-cpp/other.gguf"}
    assert set(locked(shelf)) == {*wanted, "ollama:tiny:1"}
    capsys.readouterr()
    assert adopt([]) == 0
    assert "all models that the stack names are in the lock" in capsys.readouterr().out


def test_what_the_stack_needs_and_is_not_here(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    lying.stack(monkeypatch, lying.service(shelf, "main", "vllm", "org/tiny"))
    assert adopt([]) == 1
    assert "stackctl models pull main" in capsys.readouterr().out


def test_shards_are_one_model(shelf: Shelf) -> None:
    for number in (1, 2, 3):
        lying.gguf(shelf, f"llama-cpp/x-0000{number}-of-00003.gguf", seed=number)
    assert adopt(["llama-cpp"]) == 0
    (model,) = shelf.models
    assert len(model.files) == 3
