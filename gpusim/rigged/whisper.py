"""A whisper.cpp model file that hears the same words in every sound.

The encoder adds zero. In the decoder the position alone decides: position p holds direction p, the
token that has to come next there holds the same direction, and tied embeddings turn that into the
largest logit. The directions are cosines: orthogonal, and unharmed by layer normalisation.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

TRANSCRIPT = " hello from tiny whisper"

# The English vocabulary's size decides which ids the special tokens have.
VOCABULARY = 51864
END_OF_TEXT, FIRST_TIME, TWO_SECONDS = 50256, 50363, 50363 + 100
WIDTH, HEADS = 64, 1
# Four of each is what "tiny" has; with two, whisper.cpp takes the model for a distilled one.
LAYERS = 4
AUDIO_CONTEXT, TEXT_CONTEXT = 1500, 448
MELS, FFT_BINS = 80, 201
HALF_PRECISION = 1
MAGIC = 0x67676D6C


def write(path: Path) -> None:
    words = [b" " + word.encode() for word in TRANSCRIPT.split()]
    with path.open("wb") as file:
        _integers(
            file, MAGIC, VOCABULARY,
            AUDIO_CONTEXT, WIDTH, HEADS, LAYERS,
            TEXT_CONTEXT, WIDTH, HEADS, LAYERS,
            MELS, HALF_PRECISION,
        )  # fmt: skip
        _integers(file, MELS, FFT_BINS)
        file.write(np.full((MELS, FFT_BINS), 0.01, np.float32).tobytes())
        vocabulary = [bytes([byte]) for byte in range(256)] + words
        _integers(file, len(vocabulary))
        for token in vocabulary:
            _integers(file, len(token))
            file.write(token)
        for name, values in _tensors(len(words)):
            _tensor(file, name, values)


def _integers(file: BinaryIO, *values: int) -> None:
    file.write(struct.pack(f"<{len(values)}i", *values))


def _tensor(file: BinaryIO, name: str, values: Array) -> None:
    # whisper.cpp wants biases and positions at full precision, whatever the file type says
    half = values.ndim > 1 and not name.endswith(("bias", "positional_embedding"))
    _integers(file, values.ndim, len(name), int(half), *reversed(values.shape))
    file.write(name.encode())
    file.write(values.astype(np.float16 if half else np.float32).tobytes())


def _tensors(words: int) -> Iterator[tuple[str, Array]]:
    zeros = _zeros
    yield "encoder.positional_embedding", zeros(AUDIO_CONTEXT, WIDTH)
    yield "encoder.conv1.weight", zeros(WIDTH, MELS, 3)
    yield "encoder.conv1.bias", zeros(WIDTH, 1)
    yield "encoder.conv2.weight", zeros(WIDTH, WIDTH, 3)
    yield "encoder.conv2.bias", zeros(WIDTH, 1)
    for layer in range(LAYERS):
        yield from _block(f"encoder.blocks.{layer}", ("attn",))
    yield "encoder.ln_post.weight", np.ones(WIDTH, np.float32)
    yield "encoder.ln_post.bias", zeros(WIDTH)

    spoken = [256 + word for word in range(words)]
    sequence = [FIRST_TIME, *spoken, TWO_SECONDS, END_OF_TEXT]
    embedding, positions = zeros(VOCABULARY, WIDTH), zeros(TEXT_CONTEXT, WIDTH)
    for position, token in enumerate(sequence):
        embedding[token] = _direction(position)
        # outweighs the embedding of whichever token stands there
        positions[position:] = 12 * _direction(position)
    # the closing time is forbidden to a client that wants no times: end there, at second choice
    positions[len(sequence) - 2] += 6 * _direction(len(sequence) - 1)
    yield "decoder.positional_embedding", positions
    yield "decoder.token_embedding.weight", embedding
    for layer in range(LAYERS):
        yield from _block(f"decoder.blocks.{layer}", ("attn", "cross_attn"))
    yield "decoder.ln.weight", np.ones(WIDTH, np.float32)
    yield "decoder.ln.bias", zeros(WIDTH)


def _direction(number: int) -> Array:
    steps = (np.arange(WIDTH) + 0.5) / WIDTH
    return np.cos(np.pi * (number + 1) * steps).astype(np.float32)


def _block(name: str, attentions: tuple[str, ...]) -> Iterator[tuple[str, Array]]:
    for attention in attentions:
        yield from _norm(f"{name}.{attention}_ln")
        for part in ("query", "key", "value", "out"):
            yield f"{name}.{attention}.{part}.weight", _zeros(WIDTH, WIDTH)
            if part != "key":
                yield f"{name}.{attention}.{part}.bias", _zeros(WIDTH)
    yield from _norm(f"{name}.mlp_ln")
    yield f"{name}.mlp.0.weight", _zeros(4 * WIDTH, WIDTH)
    yield f"{name}.mlp.0.bias", _zeros(4 * WIDTH)
    yield f"{name}.mlp.2.weight", _zeros(WIDTH, 4 * WIDTH)
    yield f"{name}.mlp.2.bias", _zeros(WIDTH)


def _norm(name: str) -> Iterator[tuple[str, Array]]:
    yield f"{name}.weight", np.ones(WIDTH, np.float32)
    yield f"{name}.bias", _zeros(WIDTH)


def _zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)
