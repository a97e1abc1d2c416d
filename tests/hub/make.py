"""Small models that are valid, and the same from the same seed; sizes are bytes on disk."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

_PIECE = 1 << 20
_ALIGN = 32
#: a safetensors header padded to this, so that sizes come out exact
_HEADER = 1024
_TENSORS = 4


def safetensors(path: Path, size: int, *, seed: int = 0, sparse: bool = False) -> list[str]:
    """One shard of exactly `size` bytes (even, from 1 100); returns its tensors' names."""
    data = size - 8 - _HEADER
    if data < 2 * _TENSORS or data % 2:
        raise ValueError(f"a shard of {size} bytes: must be even and at least 1100")
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    names, begin = [], 0
    for number in range(_TENSORS):
        end = data if number == _TENSORS - 1 else begin + data // _TENSORS // 2 * 2
        names.append(f"model.layers.{seed}.part{number}.weight")
        header[names[-1]] = {
            "dtype": "BF16",
            "shape": [(end - begin) // 2],
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode().ljust(_HEADER)
    _write(path, struct.pack("<Q", _HEADER) + text, size, seed, sparse)
    return names


def gguf(path: Path, size: int, *, seed: int = 0, sparse: bool = False) -> None:
    """GGUF 3 with two F16 tensors, of exactly `size` bytes (a multiple of 32, from 512)."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def tensor(name: str, elements: int, offset: int) -> bytes:
        return text(name) + struct.pack("<IQIQ", 1, elements, 1, offset)

    def head(first: int, second: int) -> bytes:
        keys = (
            text("general.architecture") + struct.pack("<I", 8) + text("llama"),
            text("general.name") + struct.pack("<I", 8) + text(f"made-{seed}"),
            text("general.alignment") + struct.pack("<II", 4, _ALIGN),
        )
        raw = b"GGUF" + struct.pack("<IQQ", 3, 2, len(keys)) + b"".join(keys)
        raw += tensor("token_embd.weight", first // 2, 0)
        raw += tensor("output.weight", second // 2, first)
        return raw + bytes(-len(raw) % _ALIGN)

    data = size - len(head(0, 0))
    if data < 2 * _ALIGN or size % _ALIGN:
        raise ValueError(f"a GGUF of {size} bytes: must be a multiple of 32 and at least 512")
    first = data // 2 // _ALIGN * _ALIGN
    _write(path, head(first, data - first), size, seed, sparse)


def model(folder: Path, size: int, *, shards: int = 2, seed: int = 0, sparse: bool = False) -> Path:
    """A Hugging Face model whose weights are `size` bytes in all; `sparse` only in name."""
    folder.mkdir(parents=True, exist_ok=True)
    each = size // shards // 2 * 2
    weights: dict[str, str] = {}
    for number in range(1, shards + 1):
        name = f"model-{number:05}-of-{shards:05}.safetensors"
        this = each if number < shards else (size - each * (shards - 1)) // 2 * 2
        tensors = safetensors(folder / name, this, seed=seed * 1000 + number, sparse=sparse)
        weights |= dict.fromkeys(tensors, name)
    total = size // 2 * 2 - shards * (8 + _HEADER)
    index = {"metadata": {"total_size": total}, "weight_map": weights}
    _json(folder / "model.safetensors.index.json", index)
    _json(folder / "config.json", _CONFIG)
    _json(folder / "generation_config.json", {"eos_token_id": 0})
    _json(folder / "tokenizer.json", _TOKENIZER)
    _json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    return folder


def many(folder: Path, count: int = 10_000, size: int = 64, *, seed: int = 0) -> Path:
    """`count` files of `size` bytes, a hundred to a folder."""
    rng = random.Random(seed)
    for number in range(count):
        place = folder / f"part-{number // 100:04}"
        if number % 100 == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"piece-{number:06}.txt").write_bytes(rng.randbytes(size))
    return folder


#: names that a path, a URL or a shell may take for something else
NAMES = (
    "README.md",
    "模型/権重 一.bin",
    "modèle/é-e\u0301.txt",
    "emoji/🦙.json",
    "with space/and+plus.txt",
    "percent/%41%2F.txt",
    "query/what?.txt",
    "hash/#1.txt",
    "quotes/'single' \"double\".txt",
    "deep/a/b/c/d/e/f/g.txt",
    "dash/-rf",
)


def odd_names(folder: Path, size: int = 64, *, seed: int = 0) -> Path:
    """A tree of `NAMES`."""
    rng = random.Random(seed)
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(rng.randbytes(size))
    return folder


def _write(path: Path, head: bytes, size: int, seed: int, sparse: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng, left = random.Random(seed), size - len(head)
    with path.open("wb") as file:
        file.write(head)
        while left and not sparse:
            piece = min(left, _PIECE)
            file.write(rng.randbytes(piece))
            left -= piece
        file.truncate(size)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "max_position_embeddings": 512,
    "torch_dtype": "bfloat16",
    "vocab_size": 2,
}
_TOKENIZER: dict[str, object] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"},
}
