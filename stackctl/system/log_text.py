"""A container's log, of any size, condensed to the parts that can say something. Pure.

Engines say where a model went when they load it, and why they failed at the end. So the begin, the
end and what follows each begin of a load are kept; 200 MB of requests in between are only searched
for such begins. Nothing is held but what is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: bytes kept of the begin, of the end, and after each begin of a load
HEAD = 1 << 20
TAIL = 1 << 19
WINDOW = 1 << 17
#: no line of use is longer; a progress bar without line breaks is
LONGEST_LINE = 4000
#: loads after which older windows are forgotten: only the last one counts
_MOST_WINDOWS = 4
#: what engines write when a load begins: llama.cpp, Ollama, vLLM, SGLang
_LOAD_BEGINS = (
    b"load_tensors: loading model",
    b"starting llama-server",
    b"Starting to load model",
    b"Load weight begin",
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def condense(chunks: Iterable[bytes]) -> str:
    """The telling parts as text: colours removed, undecodable bytes replaced, long lines cut."""
    head, tail = bytearray(), bytearray()
    windows: list[bytearray] = []
    for chunk in chunks:
        room = HEAD - len(head)
        head += chunk[:room]
        rest = chunk[room:] if room > 0 else chunk
        if rest:
            _collect(windows, tail, rest)
    parts = [bytes(head), *map(bytes, windows), bytes(tail[-TAIL:])]
    return clean(b"\n".join(part for part in parts if part))


def _collect(windows: list[bytearray], tail: bytearray, chunk: bytes) -> None:
    if windows and len(windows[-1]) < WINDOW:
        windows[-1] += chunk[: WINDOW - len(windows[-1])]
    # a begin may lie across two chunks
    searched = bytes(tail[-64:]) + chunk
    for marker in _LOAD_BEGINS:
        at = searched.rfind(marker)
        if at >= 0:
            line = searched.rfind(b"\n", 0, at) + 1
            windows.append(bytearray(searched[line : line + WINDOW]))
            del windows[:-_MOST_WINDOWS]
    tail += chunk[-TAIL:]
    if len(tail) > 2 * TAIL:
        del tail[:-TAIL]


def clean(raw: bytes) -> str:
    """Text that a parser can read line by line."""
    text = _COLOUR.sub("", raw.decode("utf-8", "replace")).replace("\r\n", "\n")
    if "\r" in text:
        # a progress bar draws over itself: its last state is the one that counts
        text = re.sub(r"[^\n]*\r(?=[^\n\r])", "", text)
    return re.sub(rf"([^\n]{{{LONGEST_LINE}}})[^\n]+", r"\1", text)
