"""Small whole models of every format, for tests that damage them."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np

Entry = tuple[str, list[int], int]


def entries(**tensors: Entry) -> dict[str, Any]:
    """A header: dtype, shape and bytes of each tensor, one behind the other."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return header


def safetensors_of(path: Path, header: Any, data: int) -> Path:
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + b"\1" * data)
    return path


def safetensors(path: Path, size: int = 4096, name: str = "w") -> Path:
    return safetensors_of(path, entries(**{name: ("F32", [size // 4], size)}), size)


def gguf_file(path: Path, tokens: int = 3, last: str = "z") -> Path:
    """As the reference writer makes it."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_token_list([*(f"t{n}" for n in range(1, tokens)), last])
    writer.add_token_types([1] * tokens)
    writer.add_token_merges([f"a{n} b" for n in range(tokens)])
    writer.add_bos_token_id(1)
    rng = np.random.default_rng(0)
    writer.add_tensor("a", rng.standard_normal((64, 96)).astype(np.float32))
    writer.add_tensor("b", rng.standard_normal((33, 7)).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def language_model(folder: Path) -> Path:
    """A folder as the Hub has it: two shards, index, configuration, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    mapped = {}
    for number, tensor in enumerate(("a", "b"), 1):
        shard = safetensors(folder / f"model-{number:05}-of-00002.safetensors", name=tensor)
        mapped[tensor] = shard.name
    index = {"metadata": {"total_size": 8192}, "weight_map": mapped}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"architectures": ["GptOssForCausalLM"]}')
    (folder / "generation_config.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {}}}')
    (folder / "README.md").write_text("")
    return folder


def snapshot(hub: Path, commit: str) -> Path:
    """A language model in the Hub's cache: links into its blobs."""
    whole = language_model(hub / "whole")
    root = hub / "models--org--tiny"
    inside = root / "snapshots" / commit
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    inside.mkdir(parents=True)
    for file in whole.iterdir():
        blob = root / "blobs" / f"{commit}{file.name.encode().hex()}"
        file.rename(blob)
        (inside / file.name).symlink_to(Path("../../blobs") / blob.name)
    whole.rmdir()
    return root


def ollama_model(store: Path, scratch: Path) -> Path:
    """A manifest in Ollama's store with its blobs."""
    (store / "blobs").mkdir(parents=True)
    weights = gguf_file(scratch / "m.gguf").read_bytes()

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (store / "blobs" / f"sha256-{digest}").write_bytes(data)
        kind = f"application/vnd.ollama.image.{kind}"
        return {"digest": f"sha256:{digest}", "size": len(data), "mediaType": kind}

    manifest = store / "manifests/registry.ollama.ai/library/tiny/latest"
    manifest.parent.mkdir(parents=True)
    layers = [blob(weights, "model"), blob(b"{{ .Prompt }}", "template")]
    content = {"schemaVersion": 2, "config": blob(b"{}", "config"), "layers": layers}
    manifest.write_text(json.dumps(content))
    return manifest
