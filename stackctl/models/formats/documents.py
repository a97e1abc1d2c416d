"""The JSON files of a model folder."""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO

#: those that engines read. Others are not judged: samples with one JSON per line, settings with
#: comments and the like are fine where they are
_READ = {
    "added_tokens.json", "chat_template.json", "config.json", "dtypes.json", "model_index.json",
    "modules.json", "params.json", "special_tokens_map.json", "tekken.json", "tokenizer.json",
    "vocab.json",
}  # fmt: skip
_CONFIG = "_config.json"
_INDEX = re.compile(r"\.(safetensors|bin)\.index(\.[^.]+)?\.json$")
#: parsing costs 10 ms per MB
_PARSED = 1 << 20
#: that of 100,000 tensors has 10 MB
_PARSED_INDEX = 1 << 26
_ENDS = 1 << 12
_PAIRS = {b"{": b"}", b"[": b"]"}


def is_document(name: str) -> bool:
    return name in _READ or name.endswith(_CONFIG) or bool(index_of(name))


def index_of(name: str) -> str:
    """Of which kind of shards a file is the index: safetensors or bin; empty if it is none."""
    found = _INDEX.search(name)
    return found[1] if found else ""


def examine(file: BinaryIO, size: int, name: str) -> tuple[str, Any]:
    """What is wrong with a document, and what it says if that was read."""
    if size > (_PARSED_INDEX if index_of(name) else _PARSED):
        return _ends(file, size), None
    try:
        return "", json.loads(file.read(size))
    except (ValueError, RecursionError) as error:
        where = getattr(error, "pos", None)
        return "not JSON" if where is None else f"not JSON: broken at {where} of {size}", None


def _ends(file: BinaryIO, size: int) -> str:
    first = file.read(_ENDS).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    file.seek(size - _ENDS)
    last = file.read(_ENDS).rstrip()[-1:]
    if first not in _PAIRS:
        return "not JSON: its beginning is wrong"
    return "" if last == _PAIRS[first] else "not JSON: it has no end"
