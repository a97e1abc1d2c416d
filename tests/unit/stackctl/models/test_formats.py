"""Weight files, whole and broken."""

from __future__ import annotations

import io
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.models.formats import scan
from stackctl.models.gguf import BadHeader, needed_bytes


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A GGUF file of the reference writer."""
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_token_list(["a", "b", "c"])
    writer.add_token_types([1, 1, 3])
    rng = np.random.default_rng(0)
    writer.add_tensor("a", rng.standard_normal((64, 96)).astype(np.float32))
    writer.add_tensor("b", rng.standard_normal((33, 7)).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def safetensors(path: Path, size: int = 4096) -> Path:
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + b"\1" * size)
    return path


def test_whole_gguf(model: Path) -> None:
    assert scan(model) == ()


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01])
def test_gguf_cut_off(model: Path, kept: float) -> None:
    data = model.read_bytes()
    model.write_bytes(data[: int(len(data) * kept)])
    (problem,) = scan(model)
    assert "promises" in problem or "cut off" in problem


def test_the_last_byte_of_a_tensor_counts(model: Path) -> None:
    """The reference writer pads the end; what is padding may be missing, what is weight may not."""
    with model.open("rb") as file:
        file.seek(4)
        needed = needed_bytes(file)
    data = model.read_bytes()
    model.write_bytes(data[:needed])
    assert scan(model) == ()
    model.write_bytes(data[: needed - 1])
    assert scan(model) == (f"model.gguf: {needed - 1} bytes, its header promises {needed}",)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <HTML>not found", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"PK\3\4" + b"x" * 100, "first bytes are wrong"),
        (b"GGUF" + struct.pack("<IQQ", 9, 1, 1), "version 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "tensors"),
    ],
)
def test_what_is_no_gguf(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    (problem,) = scan(path)
    assert text in problem


def test_safetensors(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "model.safetensors")
    assert scan(path) == ()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert "promises" in scan(path)[0]
    path.write_bytes(whole + b"x")
    assert "promises" in scan(path)[0]
    path.write_bytes(b"\xff" * 100)
    assert "header is longer" in scan(path)[0]
    path.write_bytes(whole[:8] + b"{" + whole[9:20] + b"\0" * 5000)
    assert "header is damaged" in scan(path)[0]


def test_hole_that_a_broken_download_left(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "model.safetensors", 1 << 20)
    size = path.stat().st_size
    data = path.read_bytes()
    with path.open("wb") as file:
        file.write(data[: 1 << 18])
        file.truncate(size)
    (problem,) = scan(path)
    assert "were never written" in problem
    with path.open("r+b") as file:
        file.seek(size - 4096)
        file.write(b"\1" * 4096)
        os.fsync(file.fileno())
    assert "were never written" in scan(path)[0]


def test_folder_with_a_missing_shard(tmp_path: Path) -> None:
    safetensors(tmp_path / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert scan(tmp_path) == (
        "model-2.safetensors: named by model.safetensors.index.json, but not there",
    )
    safetensors(tmp_path / "model-2.safetensors")
    assert scan(tmp_path) == ()
    (tmp_path / "x.incomplete").touch()
    assert "broken off" in scan(tmp_path)[0]


def test_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in scan(tmp_path / "none.gguf")[0]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_a_bad_header(data: bytes) -> None:
    with suppress(BadHeader):
        assert needed_bytes(io.BytesIO(data)) >= 0
