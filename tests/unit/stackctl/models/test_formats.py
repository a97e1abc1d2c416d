"""Weight files by themselves, whole and broken."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpusim.rigged import whisper
from stackctl.models.formats import scan, structure
from stackctl.models.gguf import BadHeader, needed_bytes
from tests.unit.stackctl.models.formats_examples import (
    entries,
    gguf_file,
    safetensors,
    safetensors_of,
)


@pytest.mark.parametrize("tokens", [3, 5000])
def test_whole_gguf(tmp_path: Path, tokens: int) -> None:
    assert scan(gguf_file(tmp_path / "model.gguf", tokens)) == ()


@pytest.mark.parametrize("tokens", [3, 5000])
def test_gguf_cut_off(tmp_path: Path, tokens: int) -> None:
    model = gguf_file(tmp_path / "model.gguf", tokens)
    data = model.read_bytes()
    for kept in (0.999, 0.5, 0.1, 0.01):
        model.write_bytes(data[: int(len(data) * kept)])
        (problem,) = scan(model)
        assert "promises" in problem or "cut off" in problem


def test_the_last_byte_of_a_tensor_counts(tmp_path: Path) -> None:
    """The reference writer pads the end; what is padding may be missing, what is weight may not."""
    model = gguf_file(tmp_path / "model.gguf")
    with model.open("rb") as file:
        file.seek(4)
        needed = needed_bytes(file)
    data = model.read_bytes()
    model.write_bytes(data[:needed])
    assert scan(model) == ()
    model.write_bytes(data[: needed - 1])
    assert scan(model) == (f"model.gguf: {needed - 1} bytes, its header promises {needed}",)


@pytest.mark.parametrize("kind", [4, 8, 9])
def test_a_vocabulary_is_not_left_by_a_text_that_looks_like_its_end(
    tmp_path: Path, kind: int
) -> None:
    decoy = struct.pack("<Q", 11) + b"tokenizer.x" + struct.pack("<I", kind)
    model = gguf_file(tmp_path / "model.gguf", 5000, decoy.decode())
    assert scan(model) == ()
    model.write_bytes(model.read_bytes()[:-100])
    assert "its header promises" in scan(model)[0]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <HTML>not found", "a web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"PK\3\4" + b"x" * 100, "first bytes are wrong"),
        (b"GGUF" + struct.pack("<IQQ", 9, 1, 1), "version 9"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "tensors"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77), "type 77"),
    ],
)
def test_what_is_no_gguf(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    (problem,) = scan(path)
    assert text in problem


def _tensors(*places: tuple[int, int, int]) -> bytes:
    """A GGUF file of one-dimensional tensors: weights, type, offset of each."""
    infos = b"".join(
        struct.pack("<QB", 1, 97 + n) + struct.pack("<IQIQ", 1, weights, kind, offset)
        for n, (weights, kind, offset) in enumerate(places)
    )
    return (b"GGUF" + struct.pack("<IQQ", 3, len(places), 0) + infos).ljust(8192, b"\1")


@pytest.mark.parametrize(
    ("places", "text"),
    [
        (((32, 0, 0), (32, 0, 128)), ""),
        (((32, 999, 0), (32, 0, 0)), ""),  # a type from the future is not judged
        (((64, 0, 0), (32, 0, 128)), "two tensors at 128"),
        (((32, 0, 4),), "of type 0 at 4"),
        (((33, 8, 0),), "33 weights of type 8"),
    ],
)
def test_gguf_tensors_that_contradict_each_other(
    tmp_path: Path, places: tuple[tuple[int, int, int], ...], text: str
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(_tensors(*places))
    problems = scan(path)
    assert text in problems[0] if text else problems == ()


def test_gguf_with_a_vocabulary_alone(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    assert scan(path) == ()


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


def test_every_type_of_safetensors(tmp_path: Path) -> None:
    sizes = {
        "BOOL": 32, "F4": 16, "F6_E2M3": 24, "F6_E3M2": 24, "U8": 32, "I8": 32, "F8_E4M3": 32,
        "F8_E5M2": 32, "F8_E8M0": 32, "F8_E4M3FNUZ": 32, "I16": 64, "BF16": 64, "F16": 64,
        "U32": 128, "F32": 128, "C64": 256, "I64": 256, "F64": 256, "F3_OF_TOMORROW": 12,
    }  # fmt: skip
    header = entries(**{name: (name, [4, 8], size) for name, size in sizes.items()})
    path = safetensors_of(tmp_path / "m.safetensors", header, sum(sizes.values()))
    assert scan(path) == ()


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (entries(), 0),
        (entries(scalar=("F32", [], 4), none=("F32", [0, 9], 0), v=("U8", [3], 3)), 7),
        ({"w": entries(w=("U8", [2], 2))["w"]}, 2),
    ],
)
def test_unusual_safetensors_that_are_whole(tmp_path: Path, header: object, data: int) -> None:
    assert scan(safetensors_of(tmp_path / "m.safetensors", header, data)) == ()


@pytest.mark.parametrize(
    "header",
    [
        entries(w=("F32", [2], 4)),
        entries(w=("F4", [3], 1), v=("U8", [3], 3)),
        {"w": {"dtype": "U8", "shape": [3], "data_offsets": [1, 4]}},
        {**entries(w=("U8", [3], 3)), "v": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}},
        {"w": {"dtype": "U8", "shape": [-4, -1], "data_offsets": [0, 4]}},
        {"w": {"dtype": "U8", "shape": [4], "data_offsets": [4]}},
        {"w": {"dtype": "U8", "shape": [4], "data_offsets": ["0", "4"]}},
        {"w": {"dtype": "U8", "shape": [1] * 1000, "data_offsets": [0, 1]}},
        {"w": {"dtype": [], "shape": [4], "data_offsets": [0, 4]}},
        {"w": 4},
        [],
        4,
    ],
)
def test_safetensors_that_contradict_themselves(tmp_path: Path, header: object) -> None:
    (problem,) = scan(safetensors_of(tmp_path / "m.safetensors", header, 4))
    assert "header is damaged" in problem


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


def test_a_large_hole_behind_a_small_one(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with path.open("wb") as file:
        for at, length in ((0, 4096), (1 << 15, 4096), (1 << 20, 4096)):
            file.seek(at)
            file.write(b"\1" * length)
    assert "were never written" in structure(path)[0]
    with path.open("r+b") as file:
        file.truncate((1 << 15) + 4096)
    assert structure(path) == ()


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whisper") / "m.bin"
    whisper.write(path)
    return path.read_bytes()


def test_whisper(tmp_path: Path, heard: bytes) -> None:
    path = tmp_path / "ggml-tiny.bin"
    path.write_bytes(heard)
    assert scan(path) == ()
    last = heard.rindex(b"decoder.ln.weight") - 16
    for kept, text in (
        (len(heard) - 1, "its header promises"),
        (last, "165 tensors, its header promises 167"),
        (last + 5, "its header promises"),
        (20, "cut off"),
        (60_000, "cut off"),
    ):
        path.write_bytes(heard[:kept])
        assert text in scan(path)[0]
    path.write_bytes(heard[:last] + b"\xff" * (len(heard) - last))
    assert "damaged" in scan(path)[0]
    path.write_bytes(b"x" * 100)
    assert "first bytes are wrong" in scan(path)[0]


def test_other_ggml_models_are_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "ggml-silero.bin"
    path.write_bytes(b"lmgg" + struct.pack("<I", 10) + b"silero-16k" + b"\1" * 100)
    assert scan(path) == ()


def test_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", b"x" * 1000)
    assert scan(path) == ()
    path.write_bytes(path.read_bytes()[:-30])
    assert "cut off" in scan(path)[0]
    path.write_bytes(b"\x80\x02 an old pickle")
    assert scan(path) == ()


def test_a_file_before_it_has_its_name(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "0f3a.incomplete")
    assert structure(path, "original/model.safetensors") == ()
    path.write_bytes(path.read_bytes()[:-1])
    (problem,) = structure(path, "original/model.safetensors")
    assert problem.startswith("original/model.safetensors: ")
    assert structure(path) == structure(path, "README.md") == ()


def test_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in scan(tmp_path / "none.gguf")[0]
    assert "cannot be read" in structure(tmp_path / "none.gguf")[0]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_a_bad_header(data: bytes) -> None:
    with suppress(BadHeader):
        assert needed_bytes(io.BytesIO(data)) >= 0


def test_the_shards_of_an_index_prove_their_size_themselves(tmp_path: Path) -> None:
    """A wrong total size is a publisher's, as Edge0-AI/Edge0#104."""
    safetensors(tmp_path / "m.safetensors")
    index = {"metadata": {"total_size": 1}, "weight_map": {"w": "m.safetensors"}}
    (tmp_path / "m.safetensors.index.json").write_text(json.dumps(index))
    assert scan(tmp_path) == ()
