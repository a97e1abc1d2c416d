"""safetensors: 8 bytes of length, a header in JSON, then the tensors without gaps.

The rules are those of the safetensors crate (`Metadata::validate`), which refuses what breaks them.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

#: the crate refuses larger headers
_LONGEST = 100_000_000
#: the product of more could take for ever
_MOST_DIMENSIONS = 64
#: bits of one number (`Dtype::bitsize`); a type that is not here is not judged
_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8,
    "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


def examine(file: BinaryIO, size: int) -> tuple[str, frozenset[str]]:
    """What is wrong with a file, and the names of its tensors as far as they can be read."""
    raw = file.read(8)
    if len(raw) < 8:
        return "shorter than a header", frozenset()
    (length,) = struct.unpack("<Q", raw)
    if length > _LONGEST or 8 + length > size:
        return "its header is longer than the file: broken off, or not safetensors", frozenset()
    try:
        header = json.loads(file.read(length).decode())
        header.pop("__metadata__", None)
        problem = _tensors(header, size - 8 - length, 8 + length)
    # what is not a number, a list or a dict where it should be shows itself in these
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return "its header is damaged", frozenset()
    return problem, frozenset(header)


def _tensors(header: dict[str, Any], data: int, before: int) -> str:
    """The first tensor that contradicts the others, its own shape or the size of the file."""
    places = sorted((*entry["data_offsets"], name) for name, entry in header.items())
    end = 0
    for begin, stop, name in places:
        if begin != end or stop < begin:
            return f"its header is damaged: tensor {name!r} is at {begin}, not at {end}"
        end = stop
        entry = header[name]
        shape, bits = entry["shape"], _BITS.get(entry["dtype"], 0)
        if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
            raise ValueError
        if bits and math.prod(shape) * bits != 8 * (stop - begin):
            kind = f"{entry['dtype']} {shape}"
            return f"its header is damaged: tensor {name!r} is {kind} in {stop - begin} bytes"
    return "" if end == data else f"{before + data} bytes, its header promises {before + end}"
