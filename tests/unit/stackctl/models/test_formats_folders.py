"""Folders with models: shards, documents, leftovers."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import BinaryIO

import pytest

from stackctl.models.formats import disk, scan, structure
from tests.unit.stackctl.models.formats_examples import gguf_file, language_model, safetensors

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return language_model(tmp_path / "model")


def test_whole(model: Path) -> None:
    assert scan(model) == ()
    assert scan(model.parent) == ()


def test_a_missing_shard(model: Path) -> None:
    (model / SECOND).unlink()
    assert scan(model) == (f"{SECOND}: named by {INDEX}, but not there",)
    (model / FIRST).unlink()
    assert len(scan(model)) == 2
    (model / FIRST).symlink_to("gone")
    assert f"{FIRST}: cannot be read: No such file or directory" in scan(model)


def test_a_shard_that_we_may_not_read_is_not_judged(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by its index: as root, to whom nobody forbids anything, by a stand-in."""
    opened = disk.open_regular

    def forbidden(path: Path) -> BinaryIO | None:
        if path.name == SECOND:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path)

    monkeypatch.setattr(disk, "open_regular", forbidden)
    assert scan(model) == ()


def test_a_missing_shard_without_an_index(model: Path) -> None:
    (model / INDEX).unlink()
    assert scan(model) == ()
    (model / FIRST).unlink()
    assert scan(model) == (f"{FIRST}: one of 2 shards, but not there",)


def test_sets_that_count_from_zero_or_are_large(tmp_path: Path) -> None:
    for number in (0, 1):
        safetensors(tmp_path / f"m-0000{number}-of-00002.safetensors")
    assert scan(tmp_path) == ()
    safetensors(tmp_path / "k-1-of-61.safetensors")
    problems = scan(tmp_path)
    assert problems[0] == "k-2-of-61.safetensors: one of 61 shards, but not there"
    assert problems[-1] == "k-*: 40 more shards are not there"


def test_a_set_of_gguf_files_is_judged_from_its_first(tmp_path: Path) -> None:
    first = gguf_file(tmp_path / "m-00001-of-00002.gguf")
    assert scan(first) == ("m-00002-of-00002.gguf: one of 2 shards, but not there",)
    second = tmp_path / "m-00002-of-00002.gguf"
    second.write_bytes(first.read_bytes()[:-500])
    (problem,) = scan(first)
    assert problem.startswith("m-00002-of-00002.gguf: ")
    shutil.copy(first, second)
    (tmp_path / "other-00001-of-00009.gguf").write_bytes(b"")
    assert scan(first) == ()


def test_shards_that_are_not_those_of_the_index(model: Path) -> None:
    first = (model / FIRST).read_bytes()
    shutil.copy(model / SECOND, model / FIRST)
    (problem,) = scan(model)
    assert problem == f"{FIRST}: 1 tensors that {INDEX} maps to it are not in it ('a')"
    (model / SECOND).write_bytes(first)
    assert len(scan(model)) == 2


def test_what_a_publisher_left_out_is_not_damage(model: Path) -> None:
    """One of 1199 tensors of nightmedia/Qwen3.8-27B-Brainwaves is nowhere; engines load it."""
    content = json.loads((model / INDEX).read_text())
    content["weight_map"]["mtp.fc.weight"] = SECOND
    del content["weight_map"]["a"]
    (model / INDEX).write_text(json.dumps(content))
    assert scan(model) == ()


def test_weights_of_which_only_a_part_was_wanted(model: Path) -> None:
    """The index stays where files were left out; what nobody asked for is not missing."""
    (model / "original").mkdir()
    for name in ("pytorch_model.bin.index.json", f"original/{INDEX}"):
        kind = name.split(".")[1]
        shards = {"a": f"x-00001-of-00002.{kind}", "b": f"x-00002-of-00002.{kind}"}
        (model / name).write_text(json.dumps({"weight_map": shards}))
    assert scan(model) == ()
    safetensors(model / "original/x-00001-of-00002.safetensors", name="a")
    missing = "original/x-00002-of-00002.safetensors"
    assert scan(model) == (f"{missing}: named by {INDEX}, but not there",)


def test_a_pytorch_index(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert len(scan(tmp_path)) == 2
    (tmp_path / "pytorch_model-1.bin").write_bytes(b"x")
    assert len(scan(tmp_path)) == 1


@pytest.mark.parametrize("content", ["[]", '{"weight_map": 3}', '{"weight_map": ["a"]}', "null"])
def test_what_is_no_index(model: Path, content: str) -> None:
    (model / INDEX).write_text(content)
    expected = () if content == "null" else (f"{INDEX}: not an index of shards",)
    assert scan(model) == expected


def test_an_index_that_points_anywhere(model: Path) -> None:
    weird = {"a": "../../x", "b": "a\0b", "c": "\ud800", "d": 7, "e": FIRST}
    (model / INDEX).write_text(json.dumps({"weight_map": weird}))
    assert len(scan(model)) == 5


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("config.json", '{"architectures": [', "not JSON: broken at"),
        ("config.json", "", "empty"),
        ("generation_config.json", "\0" * 50, "not JSON"),
        ("tokenizer.json", '{"model": {"vocab": {"a', "not JSON"),
        ("tokenizer.json", "version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("tokenizer.model", "version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("merges.txt", "<html>", "web page"),
        ("config.json", "[" * 100_000, "not JSON"),
    ],
)
def test_broken_documents(model: Path, name: str, content: str, text: str) -> None:
    (model / name).write_text(content)
    (problem,) = scan(model)
    assert problem.startswith(f"{name}: ")
    assert text in problem


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("samples.json", '{"a": 1}\n{"a": 2}\n'),
        ("tsconfig.json", "// with comments"),
        ("notes.txt", ""),
        ("config.json", '\ufeff{"a": NaN}'),
    ],
)
def test_documents_that_are_fine(model: Path, name: str, content: str) -> None:
    (model / name).write_text(content, encoding="utf-8")
    assert scan(model) == ()


def test_a_large_document_is_judged_by_its_ends(model: Path) -> None:
    path = model / "tokenizer.json"
    whole = ' \n{"vocab": "' + "x" * (1 << 21) + '"}\n\n'
    path.write_text(whole)
    assert scan(model) == ()
    path.write_text(whole[:-4])
    assert scan(model) == ("tokenizer.json: not JSON: it has no end",)
    path.write_text("\0" + whole)
    assert scan(model) == ("tokenizer.json: not JSON: its beginning is wrong",)
    with path.open("r+b") as file:
        file.write(b"{")
        file.truncate(1 << 12)
        file.seek(1 << 22)
        file.write(b"}")
    assert "never written" in scan(model)[0]


TOKENIZERS = ("tokenizer.model", "vocab.json", "tekken.json", "qwen.tiktoken", "tokenization_x.py")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_language_model_needs_some_vocabulary(model: Path, name: str) -> None:
    (model / "tokenizer.json").unlink()
    assert scan(model) == ("tokenizer.json: not there, nor any other vocabulary",)
    (model / name).write_text("{}")
    assert scan(model) == ()


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": ["WhisperForConditionalGeneration"]},
        {"architectures": ["LlamaForCausalLMEagle3"]},
        {"architectures": "GptOssForCausalLM"},
        {"architectures": [None]},
        {"_class_name": "UNet2DConditionModel"},
        {},
        [],
    ],
)
def test_other_models_need_none(model: Path, config: object) -> None:
    (model / "tokenizer.json").unlink()
    (model / "config.json").write_text(json.dumps(config))
    assert scan(model) == ()


def test_a_folder_of_independent_models(tmp_path: Path) -> None:
    """ComfyUI's: one bad file is named with its folder, and nothing else is asked for."""
    for name in ("checkpoints/a", "vae/b", "loras/c"):
        (tmp_path / name).parent.mkdir()
        safetensors(tmp_path / f"{name}.safetensors")
    (tmp_path / "checkpoints/put_checkpoints_here").touch()
    assert scan(tmp_path) == ()
    (tmp_path / "vae/b.safetensors").write_bytes(b"<!doctype html>")
    assert scan(tmp_path) == ("vae/b.safetensors: a web page, not a model",)


def test_what_broken_downloads_left(model: Path) -> None:
    for name in (f"{FIRST}.part", "config.json.crdownload", f"{SECOND}.incomplete"):
        (model / name).touch()
    assert scan(model) == ()
    (model / "x.gguf.part").touch()
    assert scan(model) == ("x.gguf.part: a download that was broken off",)
    (model / "x.gguf.part").unlink()
    (model / f"{FIRST}.aria2").touch()
    assert scan(model) == (f"{FIRST}: aria2 has not finished it, {FIRST}.aria2 is still there",)


def test_hidden_folders_are_the_tools_own(model: Path) -> None:
    hidden = model / ".cache/huggingface/download"
    hidden.mkdir(parents=True)
    (hidden / "x.incomplete").touch()
    (hidden / "x.gguf").touch()
    (model / "._model.safetensors").write_bytes(b"\0\5\x16\7")
    assert scan(model) == ()


def test_structure_of_a_document(model: Path) -> None:
    assert structure(model / INDEX) == ()
    (model / "config.json").write_text("{")
    assert structure(model / "config.json", "config.json")
