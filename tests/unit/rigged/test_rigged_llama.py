"""The GGUF files are judged without an engine: by their tables, and followed token by token."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from gpusim.rigged import automaton, llama
from gpusim.rigged.catalogue import LANGUAGE_MODELS, WRITERS
from gpusim.rigged.shape import Shape

MIB = 1024 * 1024


@pytest.fixture(params=LANGUAGE_MODELS, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest) -> Shape:
    assert isinstance(request.param, Shape)
    return request.param


def write(shape: Shape, folder: Path) -> Path:
    path = folder / "model.gguf"
    llama.write(path, shape)
    return path


def say(path: Path, last: str, steps: int = 40, forbidden: str | None = None) -> str:
    """Greedy decoding by hand: one-hot embedding, layers that add nothing, the output table."""
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    layers = [data for name, data in tensors.items() if "attn_output" in name or "ffn_down" in name]
    assert layers
    assert not any(data.any() for data in layers)
    tokens = read_tokens(path)
    embedding, output = tensors["token_embd.weight"], tensors["output.weight"]
    said, token = "", tokens.index(last)
    for _ in range(steps):
        logits = output @ embedding[token]
        if forbidden:
            logits[tokens.index(forbidden)] = -np.inf
        token = int(logits.argmax())
        if tokens[token] == automaton.END:
            return said
        said += tokens[token]
    return said


def read_tokens(path: Path) -> list[str]:
    field = gguf.GGUFReader(path).get_field("tokenizer.ggml.tokens")
    return [str(token) for token in field.contents()]


def test_has_the_layers_of_the_model_it_stands_for() -> None:
    assert {shape.name: shape.layers for shape in LANGUAGE_MODELS} == {
        "gpt-oss-120b": 36,
        "gpt-oss-20b": 24,
    }
    assert {f"llama-cpp/{shape.name}.gguf" for shape in LANGUAGE_MODELS} <= set(WRITERS)


def test_the_file_says_what_the_shape_says(shape: Shape, tmp_path: Path) -> None:
    reader = gguf.GGUFReader(write(shape, tmp_path))
    value = {name: field.contents() for name, field in reader.fields.items()}
    assert value["general.architecture"] == "llama"
    assert value["llama.block_count"] == shape.layers
    assert value["llama.context_length"] == 131072
    assert shape.name in value["general.name"]
    assert "rigged" in value["general.name"]
    blocks = {tensor.name.split(".")[1] for tensor in reader.tensors if tensor.name[:4] == "blk."}
    assert blocks == {str(layer) for layer in range(shape.layers)}


def test_the_whole_context_fits_into_little_memory(shape: Shape, tmp_path: Path) -> None:
    reader = gguf.GGUFReader(write(shape, tmp_path))
    rows = [
        int(tensor.shape[1])
        for tensor in reader.tensors
        if tensor.name.endswith(("attn_k.weight", "attn_v.weight"))
    ]
    cache = sum(rows) * 131072 * 2
    assert cache == shape.kv_cache_bytes()
    assert cache < (350 if shape.layers == 36 else 250) * MIB


def test_same_bytes_twice(shape: Shape, tmp_path: Path) -> None:
    first = write(shape, tmp_path).read_bytes()
    assert write(shape, tmp_path).read_bytes() == first


def test_says_its_sentence(shape: Shape, tmp_path: Path) -> None:
    path = write(shape, tmp_path)
    assert say(path, automaton.SAY) == shape.sentence
    assert say(path, "Z") == shape.sentence


def test_calls_the_tool(shape: Shape, tmp_path: Path) -> None:
    assert say(write(shape, tmp_path), automaton.CALL) == automaton.TOOL_CALL


def test_goes_round_when_it_may_not_end(shape: Shape, tmp_path: Path) -> None:
    path = write(shape, tmp_path)
    words = shape.sentence.count(" ") + 1
    assert say(path, automaton.SAY, words * 2, automaton.END) == shape.sentence * 2


@pytest.mark.parametrize("sentence", ["the end is the end", "I am one letter first"])
def test_refuses_a_sentence_it_cannot_say(sentence: str) -> None:
    with pytest.raises(ValueError, match="once only"):
        automaton.build(sentence)
