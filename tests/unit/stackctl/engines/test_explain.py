"""Of all that a dying engine writes, the root cause is shown; the unknown is shown as such."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.catalogue import masked
from stackctl.engines import ENGINES
from stackctl.engines.explain import explain, unknown
from tests.unit.stackctl.box import log

CORE = "(APIServer pid=1) "
LAST = CORE + "RuntimeError: Engine core initialization failed. See root cause above.\n"


def known(name: str, *lines: str) -> list[str]:
    return [found.cause for found in explain("\n".join(lines), ENGINES[name].failures)]


def test_a_cause_comes_before_what_follows_from_it_even_if_it_is_written_later() -> None:
    causes = known(
        "vllm",
        "(Worker_TP1 pid=3) RuntimeError: NCCL error: unhandled system error",
        "(Worker_TP0 pid=2) NCCL WARN Error: failed to extend /dev/shm/nccl-aB3 to 33030532 bytes, "
        "error: No space left on device",
        LAST,
    )
    assert "shared memory" in causes[0]
    assert "cannot talk" in causes[1]
    assert len(causes) == 2


def test_of_two_causes_the_first_counts() -> None:
    causes = known(
        "vllm",
        "torch.OutOfMemoryError: CUDA out of memory.",
        "OSError: [Errno 98] Address already in use",
    )
    assert "free memory" in causes[0]


def test_a_pointer_that_carries_its_cause_is_the_cause() -> None:
    line = "RuntimeError: Worker failed with error 'CUDA out of memory. Tried', please check above"
    assert "free memory" in known("vllm", line)[0]


def test_an_inspection_that_failed_is_explained_by_its_cause() -> None:
    causes = known(
        "vllm",
        "ValueError: invalid literal for int() with base 10: 'GPU-1c6f0000-0000-4000-8000'",
        "ValueError: Model architectures ['GptOssForCausalLM'] failed to be inspected.",
    )
    assert "cannot read UUIDs" in causes[0]
    assert len(causes) == 1


def test_where_only_pointers_are_known_the_first_error_is_shown() -> None:
    found = explain(
        "INFO loading\n"
        "(EngineCore pid=19) ERROR 11-21 04:10:50 [core.py:1510] EngineCore failed to start.\n"
        "(EngineCore pid=19) ERROR 11-21 04:10:50 [core.py:1510] Traceback (most recent call last):"
        '\n(EngineCore pid=19) ERROR 11-21 04:10:50 [core.py:1510]   File "core.py", line 3, in x\n'
        "(EngineCore pid=19) ERROR 11-21 04:10:50 [core.py:1510]     y()\n"
        "(EngineCore pid=19) ERROR 11-21 04:10:50 [core.py:1510] KeyError: 'layers.0.sinks'\n"
        + LAST,
        ENGINES["vllm"].failures,
    )
    assert len(found) == 1
    assert "KeyError: 'layers.0.sinks'" in found[0].line
    assert "unknown" in found[0].cause


@pytest.mark.parametrize("name", ["vllm-kv-too-small", "vllm-0.32-cpu-shm", "sglang-no-room"])
def test_no_pointer_beside_a_cause(name: str) -> None:
    found = explain(log(name), ENGINES[name.split("-")[0]].failures)
    assert not any("further up" in hit.cause for hit in found)


def test_an_unknown_failure_is_the_innermost_exception() -> None:
    seen = unknown(log("transformers-recorded-no-model"))
    assert seen
    lines = seen.line.splitlines()
    assert any(line.startswith("huggingface_hub.errors.LocalEntryNotFoundError") for line in lines)
    assert 1 < len(lines) <= 5
    assert "unknown" in seen.cause


def test_the_root_of_three_processes_tracebacks_is_found() -> None:
    found = explain(log("vllm-tp2-worker-died"), ENGINES["vllm"].failures)
    assert "failed to extend /dev/shm" in found[0].line
    assert "shared memory" in found[0].cause


def test_an_unknown_root_of_three_processes_tracebacks_is_shown() -> None:
    (found,) = explain(log("vllm-tp2-unknown-error"), ENGINES["vllm"].failures)
    assert "unknown" in found.cause
    lines = found.line.splitlines()
    assert "load_weights" in lines[0]
    assert lines[1:] == ["    param = params_dict[name]", "KeyError: 'layers.11.attn.sinks'"]


def test_the_code_in_a_traceback_is_no_line_of_the_log() -> None:
    (found,) = explain(
        'Traceback (most recent call last):\n  File "x.py", line 1, in x\n'
        '    raise RuntimeError(f"NCCL error: {text}")\n'
        "RuntimeError: NCCL error: unhandled system error\n",
        ENGINES["vllm"].failures,
    )
    assert found.line == "RuntimeError: NCCL error: unhandled system error"


def test_a_traceback_that_only_points_is_passed_over() -> None:
    seen = unknown(
        "Traceback (most recent call last):\n"
        '  File "a.py", line 1, in <module>\n'
        "torch.multiprocessing.spawn.ProcessRaisedException: process 0 failed\n"
        "INFO:     Shutting down\n"
        "Traceback (most recent call last):\n"
        '  File "b.py", line 1, in <module>\n'
        "INFO:     another process\n"
        "zmq.error.ZMQError: Too many open files\n"
    )
    assert seen
    assert "ZMQError" in seen.line


@pytest.mark.parametrize(
    "line",
    [
        "0.00.037.318 E srv: something that nobody has seen",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "/app/ggml/src/ggml.c:3322: GGML_ASSERT(ne00 == ne10) failed",
        "Segmentation fault (core dumped)",
        "/entrypoint.sh: line 4: ffmpeg: command not found",
        'time=2026-11-21T01:02:03Z level=ERROR source=x.go:1 msg="odd"',
        "[TRT-LLM] [E] Failed to parse the arguments",
        "error: the file is odd",
        "panic: runtime error: index out of range [3]",
    ],
)
def test_an_unknown_error_without_a_traceback(line: str) -> None:
    seen = unknown(f"a\nb\nINFO all is well\n{line}\nafter it\nc\nd\n")
    assert seen
    assert seen.line.splitlines() == ["b", "INFO all is well", line, "after it", "c"]


@pytest.mark.parametrize("text", ["", "\n\n", "INFO all is well\n", LAST])
def test_a_log_without_an_error_has_no_unknown_failure(text: str) -> None:
    assert unknown(text) is None


def test_an_unknown_failure_is_sought_near_the_end() -> None:
    seen = unknown("ERROR an old one\n" + "INFO request\n" * 20000 + "ERROR the new one\n")
    assert seen
    assert "the new one" in seen.line
    assert "old" not in seen.line


@pytest.mark.parametrize(
    "secret",
    [
        "hf_AbCdEfGhIjKlMnOpQrSt",
        "Authorization: Bearer abc.def.ghi",
        "--api-key s3cr3t-word",
        "'api_key': ['s3cr3t-word']",
        "HF_TOKEN=s3cr3t-word",
        "https://user:s3cr3t@host/x",
        "https://host/x?X-Amz-Signature=s3cr3t&y=1",
        "sk-proj-AbCdEfGhIjKl",
    ],
)
def test_secrets_are_masked(secret: str) -> None:
    seen = unknown(f"before {secret}\nValueError: x {secret} y ERROR\n")
    assert seen
    assert "***" in seen.line
    for word in ("AbCdEf", "s3cr3t", "abc.def"):
        assert word not in seen.line
    found = explain(f"CUDA out of memory {secret}", ENGINES["vllm"].failures)
    assert "***" in found[0].line


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 131072, tokenizer='openai/gpt-oss-20b', token_ids: [1]",
        "Unexpected token 12606 while expecting start token 200006",
        "load_tensors: token embedding on the host",
        "ValueError: https://host/path?x=1 and port 8000",
    ],
)
def test_words_are_not_taken_for_secrets(text: str) -> None:
    assert masked(text) == text


@given(st.text(max_size=500), st.sampled_from(sorted(ENGINES)))
def test_no_log_raises(text: str, engine: str) -> None:
    for noise in (text, "Traceback (most recent call last):\n" + text, text + LAST):
        unknown(noise)
        explain(noise, ENGINES[engine].failures)
