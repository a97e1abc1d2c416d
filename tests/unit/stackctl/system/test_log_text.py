"""Large, cut and garbled logs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.engines import ENGINES
from stackctl.engines.explain import explain
from stackctl.model import Explanation, GpuProof, Progress, Unavailable
from stackctl.system.log_text import HEAD, LONGEST_LINE, TAIL, condense
from tests.unit.stackctl.box import log

REQUEST = b"srv  update_slots: all slots are idle, 127.0.0.1 POST /v1/chat/completions 200\n"
LOAD = log("llama-cpp-20b-good").encode()
OVERFLOW = log("llama-cpp-20b-overflow").encode()


def requests(mib: int) -> Iterator[bytes]:
    body = REQUEST * (65536 // len(REQUEST))
    for _ in range(mib * 16):
        yield body


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def test_a_short_log_is_kept_whole() -> None:
    assert condense(pieces(LOAD, 7)) == LOAD.decode()


def test_of_a_large_log_the_begin_stays() -> None:
    proof = ENGINES["llama-cpp"].prove(condense([LOAD, *requests(8)]), {})
    assert isinstance(proof, GpuProof)
    assert proof.layers == (25, 25)


def test_a_load_in_the_middle_is_the_one_that_counts() -> None:
    text = condense([LOAD, *requests(4), OVERFLOW, *requests(4)])
    proof = ENGINES["llama-cpp"].prove(text, {})
    alone = ENGINES["llama-cpp"].prove(OVERFLOW.decode(), {})
    assert isinstance(proof, GpuProof)
    assert proof == alone


@pytest.mark.parametrize("size", [1000, 4096, 65536])
def test_a_load_cut_into_chunks_is_found(size: int) -> None:
    data = b"".join([LOAD, *requests(2), OVERFLOW, *requests(2)])
    assert "CPU_Mapped model buffer size =   404.47 MiB" in condense(pieces(data, size))


def test_the_end_stays() -> None:
    text = condense([LOAD, *requests(4), b"main: exiting due to model loading error\n"])
    assert text.endswith("main: exiting due to model loading error\n")


def test_memory_stays_bounded() -> None:
    tracemalloc.start()
    try:
        text = condense(requests(32))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(text) <= HEAD + TAIL + 2
    assert peak < 16 << 20


def test_a_line_without_end_is_cut() -> None:
    assert len(condense([b"x" * 3_000_000])) <= 2 * (LONGEST_LINE + 1)


def test_colours_carriage_returns_and_other_languages() -> None:
    raw = "\x1b[36m(Worker_TP0)\x1b[0m 모델 로딩\r\nshards: 10%\rshards: 50%\rshards: 90%\nfin\n"
    assert condense([raw.encode()]) == "(Worker_TP0) 모델 로딩\nshards: 90%\nfin\n"


SNIPPETS = st.sampled_from(
    [
        "load_tensors: ", "offloaded 25/25 layers to GPU", "model buffer size = ", "1e400 MiB",
        " CUDA0 ", "99999999999999 MiB", "KV buffer size =   1.00 MiB", "\n", "\r", "\x1b[31m",
        "Model loading took 12.5 GiB", "GPU KV cache size: 1,2,3 tokens", "n_vocab = 0",
        "n_embd = 0", "layers.model= layers.offload=",
        "whisper_model_load: CUDA0 total size = . MB",
        "모델", "\x00", "Load weight end. mem usage=. GB", "max_total_num_tokens=1, context_len=",
        "Allocated 1.2.3 GiB for max tokens in paged KV cache (0)", "shards: 999% Completed",
        "model buffer size = 1.2.3 MiB", "Available KV cache memory: -1 GiB",
    ]
)  # fmt: skip
GARBAGE = st.one_of(
    st.binary(max_size=400), st.lists(SNIPPETS, max_size=30).map(lambda p: "".join(p).encode())
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["data", "models", "id", "devices", "size", "size_vram", "type", "name",
                         "default_generation_settings", "n_ctx", "context_length", "choices",
                         "message", "content", "max_model_len", "text", "prompt_id", "system",
                         "version", "build_info"]),
        inner, max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=150, deadline=None)
@given(chunks=st.lists(GARBAGE, max_size=4), body=JSON)
def test_no_log_and_no_answer_makes_an_engine_raise(
    name: str, chunks: list[bytes], body: object
) -> None:
    engine = ENGINES[name]
    text = condense(chunks)
    documents = dict.fromkeys((engine.ready_path, *engine.documents), body)
    assert isinstance(engine.prove(text, documents), (GpuProof, Unavailable))
    progress = engine.progress(text)
    assert isinstance(progress, Progress)
    assert progress.percent is None or 0 <= progress.percent <= 100
    assert all(isinstance(found, Explanation) for found in explain(text, engine.failures))
    engine.served(documents)
    engine.read_answer(body)
