"""What is made is valid, of the size asked for, and the same again."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from gguf import GGUFReader

from tests.hub import make


def header(path: Path) -> dict[str, dict[str, list[int]]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        found: dict[str, dict[str, list[int]]] = json.loads(file.read(length))
    found.pop("__metadata__")
    return found


@pytest.mark.parametrize("sparse", [False, True])
def test_model(tmp_path: Path, sparse: bool) -> None:
    folder = make.model(tmp_path / "one", 100_001, shards=3, sparse=sparse)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    shards = sorted(folder.glob("model-*-of-00003.safetensors"))
    assert sum(shard.stat().st_size for shard in shards) == 100_000
    total = 0
    for shard in shards:
        found = header(shard)
        assert sorted(found) == sorted(n for n, f in index["weight_map"].items() if f == shard.name)
        spans = sorted(tensor["data_offsets"] for tensor in found.values())
        assert [first for first, _ in spans] == [0, *(last for _, last in spans[:-1])]
        assert all(
            t["shape"][0] * 2 == t["data_offsets"][1] - t["data_offsets"][0] for t in found.values()
        )
        assert shard.stat().st_size == 8 + 1024 + spans[-1][1]
        total += spans[-1][1]
    assert total == index["metadata"]["total_size"]


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    made = [
        make.model(tmp_path / name, 50_000, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, second, third = (sorted(p.read_bytes() for p in folder.iterdir()) for folder in made)
    assert first == second != third


@pytest.mark.parametrize("size", [512, 100_000])
def test_gguf(tmp_path: Path, size: int) -> None:
    path = tmp_path / "m.gguf"
    make.gguf(path, size)
    assert path.stat().st_size == size
    tensors = GGUFReader(path).tensors
    assert [tensor.name for tensor in tensors] == ["token_embd.weight", "output.weight"]
    assert tensors[-1].data_offset + tensors[-1].n_bytes == size


def test_sparse_is_large_only_in_name(tmp_path: Path) -> None:
    make.gguf(tmp_path / "m.gguf", 40 << 30, sparse=True)
    make.model(tmp_path / "m", 80 << 30, shards=2, sparse=True)
    for path in (tmp_path / "m.gguf", *tmp_path.glob("m/model-*")):
        assert path.stat().st_size == 40 << 30
        assert path.stat().st_blocks < 100


def test_sizes_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        make.safetensors(tmp_path / "s", 2001)
    with pytest.raises(ValueError, match="multiple of 32"):
        make.gguf(tmp_path / "g", 1000)


def test_many_and_odd_names(tmp_path: Path) -> None:
    folder = make.many(tmp_path / "many", 250, 10)
    assert len(list(folder.rglob("*.txt"))) == 250
    make.odd_names(tmp_path / "odd")
    assert all((tmp_path / "odd" / name).is_file() for name in make.NAMES)
