"""The legacy ggml format, as whisper.cpp still reads it: one tensor behind the other."""

from __future__ import annotations

import math
import struct
from typing import BinaryIO

from stackctl.models.gguf import TENSORS

MAGIC = struct.pack("<I", 0x67676D6C)
#: what whisper.cpp's models of all sizes have; another model of this format is not judged
_VOCABULARIES = range(50_000, 60_000)
_MELS = (80, 128)
_MOST_LAYERS = 100
#: mel filters and vocabulary lie within
_LONGEST_HEAD = 1 << 22
#: lengths, four dimensions and a name lie within
_LONGEST_TENSOR_HEAD = 256
_CUT = "it is cut off in its header"


def examine(file: BinaryIO, size: int) -> str:
    """What is wrong with a model of whisper.cpp; `file` stands at its beginning."""
    head = file.read(_LONGEST_HEAD)
    if len(head) < 48:
        return _CUT
    numbers = struct.unpack_from("<11i", head, 4)
    vocabulary, listeners, writers, mels = numbers[0], numbers[4], numbers[8], numbers[9]
    layers_known = 0 < listeners < _MOST_LAYERS and 0 < writers < _MOST_LAYERS
    if vocabulary not in _VOCABULARIES or mels not in _MELS or not layers_known:
        return ""
    try:
        at = _behind_vocabulary(head)
    except (struct.error, IndexError):
        return _CUT if size <= _LONGEST_HEAD else "its header is damaged"
    count = 0
    while at < size:
        file.seek(at)
        end = _tensor_end(file.read(_LONGEST_TENSOR_HEAD), at)
        if not end:
            return f"its header is damaged at {at}"
        if end > size:
            return f"{size} bytes, its header promises {end} or more"
        at, count = end, count + 1
    wanted = 11 + 15 * listeners + 24 * writers
    return f"{count} tensors, its header promises {wanted}" if count < wanted else ""


def _behind_vocabulary(head: bytes) -> int:
    filters, bins = struct.unpack_from("<2I", head, 48)
    at: int = 56 + 4 * filters * bins
    (tokens,) = struct.unpack_from("<I", head, at)
    at += 4
    length = struct.Struct("<I").unpack_from
    for _ in range(tokens):
        at += 4 + length(head, at)[0]
    if at > len(head):
        raise IndexError
    return at


def _tensor_end(head: bytes, at: int) -> int:
    """Where the tensor that begins at `at` ends; 0 if that is none."""
    if len(head) < 12:
        return at + 12
    dimensions, letters, kind = struct.unpack_from("<3i", head)
    if not (0 < dimensions <= 4 and 0 < letters < 128 and kind in TENSORS):
        return 0
    before: int = 12 + 4 * dimensions + letters
    if len(head) < before:
        return at + before
    sizes = struct.unpack_from(f"<{dimensions}i", head, 12)
    if min(sizes) <= 0:
        return 0
    block, size = TENSORS[kind]
    end: int = at + before + math.prod(sizes) // block * size
    return end
