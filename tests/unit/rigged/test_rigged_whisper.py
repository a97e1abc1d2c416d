"""The whisper.cpp file is read back as whisper.cpp reads it, and its decoder followed by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpusim.rigged import whisper

HEADER = ("vocab", "audio_ctx", "audio_state", "audio_head", "audio_layer", "text_ctx",
          "text_state", "text_head", "text_layer", "mels", "ftype")  # fmt: skip


class Model:
    def __init__(self, path: Path) -> None:
        self._data, self._at = path.read_bytes(), 0
        assert self._integers(1) == (0x67676D6C,)
        self.header = dict(zip(HEADER, self._integers(len(HEADER)), strict=True))
        mels, bins = self._integers(2)
        self._take(4 * mels * bins)
        self.words = [self._take(self._integers(1)[0]) for _ in range(self._integers(1)[0])]
        self.tensors: dict[str, NDArray[np.float32]] = {}
        while self._at < len(self._data):
            dimensions, length, half = self._integers(3)
            shape = self._integers(dimensions)[::-1]
            name = self._take(length).decode()
            kind = np.dtype(np.float16 if half else np.float32)
            data = self._take(kind.itemsize * int(np.prod(shape)))
            self.tensors[name] = np.frombuffer(data, kind).reshape(shape).astype(np.float32)

    def _take(self, size: int) -> bytes:
        self._at += size
        assert self._at <= len(self._data)
        return self._data[self._at - size : self._at]

    def _integers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}i", self._take(4 * count))

    def hear(self, forbidden: frozenset[int] = frozenset()) -> list[int]:
        """Decodes from the start-of-transcript token; attention adds nothing, so it is left out."""
        embedding = self.tensors["decoder.token_embedding.weight"]
        positions = self.tensors["decoder.positional_embedding"]
        heard: list[int] = []
        token, position = 50257, 0
        if forbidden:  # a client that wants no times: one more token before the first word
            position, token = 1, 50362
        while token != whisper.END_OF_TEXT and len(heard) < 20:
            state = embedding[token] + positions[position]
            state = (state - state.mean()) / state.std()
            logits = embedding @ state
            logits[list(forbidden)] = -np.inf
            token = int(logits.argmax())
            heard.append(token)
            position += 1
        return heard


@pytest.fixture
def model(tmp_path: Path) -> Model:
    whisper.write(tmp_path / "model.bin")
    return Model(tmp_path / "model.bin")


def test_is_a_tiny_english_model(model: Model) -> None:
    assert model.header["vocab"] == 51864
    assert model.header["audio_ctx"] == 1500
    # whisper.cpp calls it "tiny" by the encoder, and "distilled" with fewer text layers
    assert model.header["audio_layer"] == 4
    assert model.header["text_layer"] == 4
    assert len([name for name in model.tensors if name.endswith("cross_attn.out.weight")]) == 4


def test_hears_the_transcript_with_times(model: Model) -> None:
    start, *spoken, stop, end = model.hear()
    assert (start, stop, end) == (50363, 50463, whisper.END_OF_TEXT)
    assert b"".join(model.words[token] for token in spoken).decode() == whisper.TRANSCRIPT


def test_hears_the_transcript_without_times(model: Model) -> None:
    *spoken, end = model.hear(frozenset(range(50363, 51864)))
    assert end == whisper.END_OF_TEXT
    assert b"".join(model.words[token] for token in spoken).decode() == whisper.TRANSCRIPT


def test_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("first", "second"):
        whisper.write(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
