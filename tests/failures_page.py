"""Writes the failures into docs/troubleshooting.md, from the catalogue:
`python -m tests.failures_page`. What stands above the mark is written by hand and kept."""

from __future__ import annotations

import re
from pathlib import Path

from stackctl.catalogue import (
    CONDITIONS,
    CREATE,
    DRIVER,
    KERNEL,
    PROGRAMS,
    PULL,
    REQUESTS,
    STALLED,
)
from stackctl.engines import ENGINES
from stackctl.engines.failures import (
    comfyui,
    cuda,
    ggml,
    hub,
    ollama,
    pointers,
    pytorch,
    sglang,
    tensorrt_llm,
    transformers,
    vllm,
)
from stackctl.model import Failure, Where

PAGE = Path(__file__).parent.parent / "docs" / "troubleshooting.md"
MARK = (
    "<!-- below: written by `python -m tests.failures_page` from stackctl/catalogue and "
    "stackctl/engines; checks belong above -->\n"
)
_HEAD = """\
## Failures, by id

Everything that stackctl knows to go wrong with such a box: how it shows, where, why, and what to
type. A finding has its id as `values.failure` in `--json`. Of all that a dying engine writes, the
finding has the line nearest to the root cause; lines that only point at another one never are the
answer. An error that is not below is shown with the lines around it, and called unknown.

*shows* is a regular expression for one line, or a condition. In commands ROLE is the role (main,
coder …), N the number of the GPU.
"""
#: an entry that several tables share is told in the first of them
_SECTIONS: tuple[tuple[str, tuple[Failure, ...]], ...] = (
    ("The image is not to be had", PULL),
    ("The container is not created or not started", CREATE),
    ("The driver, in the container and on the host", DRIVER),
    ("The kernel log", KERNEL),
    ("Programs on the host", PROGRAMS),
    ("Loading stands still", STALLED),
    ("Requests", REQUESTS),
    ("Seen by a check", CONDITIONS),
    ("CUDA, in every engine's log", cuda.FAILURES),
    ("Weights, the Hub, the disk", hub.FAILURES),
    ("Engines on PyTorch", pytorch.FAILURES),
    ("llama.cpp, and Ollama with it", tuple(f for f in ggml.LLAMA if f not in pointers.LLAMA)),
    ("Ollama", tuple(f for f in ollama.FAILURES if f not in pointers.LLAMA)),
    ("whisper.cpp", ggml.WHISPER),
    ("ComfyUI", comfyui.FAILURES),
    ("vLLM", tuple(f for f in vllm.FAILURES if f not in pointers.VLLM)),
    ("SGLang", tuple(f for f in sglang.FAILURES if f not in pointers.SGLANG)),
    ("TensorRT-LLM", tuple(f for f in tensorrt_llm.FAILURES if f not in pointers.TENSORRT_LLM)),
    ("transformers", transformers.FAILURES),
    ("Pointers: lines that are never the answer", pointers.POINTERS),
)


def page() -> str:
    """The whole page: what was written by hand, and the failures after it."""
    by_hand, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE} has lost its mark: {MARK}"
    return f"{by_hand}{MARK}\n{_failures()}"


def _failures() -> str:
    told: set[str] = set()
    parts = []
    for title, failures in _SECTIONS:
        own = [failure for failure in failures if failure.id not in told]
        told.update(failure.id for failure in own)
        parts.append(f"## {title}\n")
        parts += [_entry(failure) for failure in own]
    contents = "".join(f"- [{title}](#{_anchor(title)})\n" for title, _ in _SECTIONS)
    return "\n".join([_HEAD, contents, *parts])


def _anchor(title: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _entry(failure: Failure) -> str:
    where = "; ".join(_place(place, failure) for place in failure.where)
    return (
        f"### {failure.id}\n\n"
        f"- shows: {_code(failure.pattern) if failure.pattern else failure.shows}\n"
        f"- where: {where}\n"
        f"- cause ({failure.sure}): {failure.cause}\n"
        f"- fix: {failure.fix}\n"
        f"- source: {failure.source}\n"
    )


def _place(place: Where, failure: Failure) -> str:
    if place is Where.CHECK:
        return f"the finding `{failure.check}`"
    if place is not Where.LOG:
        return place
    titles = [e.title for e in ENGINES.values() if any(f.id == failure.id for f in e.failures)]
    return f"{place}: {'any engine' if len(titles) == len(ENGINES) else ', '.join(titles)}"


def _code(pattern: str) -> str:
    """A pattern as Markdown code, which may itself contain backticks."""
    return f"`` {pattern} ``" if "`" in pattern else f"`{pattern}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
