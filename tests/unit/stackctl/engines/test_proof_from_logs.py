"""What each engine's log proves, from logs as the engines write them (tests/golden/logs)."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.engines import ENGINES, ggml
from stackctl.model import GpuProof, Unavailable
from tests.unit.stackctl.box import log

GIB = 1 << 30


def prove(name: str, engine: str = "", **documents: Any) -> GpuProof:
    engine = engine or next(e for e in ENGINES if name.startswith(e))
    proof = ENGINES[engine].prove(log(name), documents)
    assert isinstance(proof, GpuProof), proof
    return proof


@pytest.mark.parametrize(
    ("name", "layers", "device", "host", "devices"),
    [
        ("llama-cpp-20b-good", (25, 25), 12036.68, 1104.61, ("CUDA0",)),
        ("llama-cpp-20b-fit-pass", (25, 25), 12036.68, 1104.61, ("CUDA0",)),
        ("llama-cpp-120b-good", (37, 37), 61223.83, 1104.61, ("CUDA0", "CUDA1")),
        ("llama-cpp-20b-overflow", (25, 25), 3379.2, 19 * 404.47 + 1104.61, ("CUDA0",)),
        ("llama-cpp-20b-partial", (17, 25), 12036.68, 1104.61, ("CUDA0",)),
        ("llama-cpp-20b-zero-layers", (0, 25), 0, 13141.29, ()),
        ("llama-cpp-20b-cpu", None, 0, 13141.29 + 9683.44, ()),
        ("llama-cpp-vulkan", (25, 25), 12036.68, 1104.61, ("Vulkan0",)),
        ("llama-cpp-rpc", (25, 25), 12036.68, 1104.61, ("RPC0[127.0.0.1:50052]",)),
        ("ollama-good", (25, 25), 12036.68, 1104.61, ("CUDA0",)),
        ("ollama-second-load", (25, 25), 12036.68, 1104.61, ("CUDA0",)),
        ("ollama-cpu", None, 0, 13141.29 + 9683.44, ()),
        ("vllm-good", None, 30.4321 * 1024, 0, ("CUDA0",)),
        ("vllm-tp2-good", None, 2 * 30.4321 * 1024, 0, ("CUDA0", "CUDA1")),
        ("vllm-cpu", None, 0, 1, ()),
        ("vllm-cpu-offload", None, 30.4321 * 1024, 10240, ("CUDA0",)),
        ("vllm-0.32-cpu", None, 0, 1, ()),
        ("vllm-0.32-cpu-tp2", None, 0, 1, ()),
        ("sglang-good", None, 60.91 * 1024, 0, ("CUDA0",)),
        ("sglang-tp2-good", None, 2 * 30.62 * 1024, 0, ("CUDA0", "CUDA1")),
        ("sglang-tp2-eagle3-good", None, 2 * 31.6 * 1024, 0, ("CUDA0", "CUDA1")),
        ("sglang-cpu", None, 0, 12.84 * 1024, ()),
        ("tensorrt-llm-good", None, 63.52 * 1024, 0, ("CUDA0",)),
        ("tensorrt-llm-context-cut", None, 63.52 * 1024, 0, ("CUDA0",)),
        ("tensorrt-llm-tp2-good", None, 2 * 32.41 * 1024, 0, ("CUDA0", "CUDA1")),
        ("whisper-cuda", None, 3094.36, 0, ("CUDA0",)),
        ("whisper-cpu", None, 0, 3094.36, ()),
    ],
)
def test_buffers_of_the_last_load(
    name: str,
    layers: tuple[int, int] | None,
    device: float,
    host: float,
    devices: tuple[str, ...],
) -> None:
    proof = prove(name)
    assert proof.layers == layers
    assert proof.mib("model", host=False) == pytest.approx(device)
    assert proof.mib("model", host=True) == pytest.approx(host)
    assert proof.devices == devices
    assert proof.evidence


def test_both_kv_caches_of_gpt_oss_count_and_the_fit_pass_does_not() -> None:
    assert prove("llama-cpp-20b-fit-pass").mib("KV", host=False) == 3072 + 18
    assert prove("llama-cpp-kv-on-host").mib("KV", host=True) == 3072 + 18


def test_evidence_has_no_time_stamps() -> None:
    assert prove("llama-cpp-20b-good").evidence[0] == (
        "load_tensors: offloaded 25/25 layers to GPU"
    )


def test_the_host_may_hold_the_embedding_and_hardly_more() -> None:
    bf16 = prove("llama-cpp-20b-good").host_allowance_mib
    q8 = prove("llama-cpp-20b-one-overflows").host_allowance_mib
    assert 1104.61 < bf16 < 1104.61 + 50
    assert 586.82 < q8 < 586.82 + 50
    assert prove("llama-cpp-20b-one-overflows").mib("model", host=True) > q8


@pytest.mark.parametrize(
    ("text", "allowance"),
    [
        ("", ggml.EMBEDDING_MIB),
        ("n_vocab = 1048576\nn_embd = 100\n", 100 * 2 * 1.02 + 1),
        ("n_vocab = 1048576\nn_embd = 100\n- type  f32:  219 tensors", 100 * 4 * 1.02 + 1),
        (
            "n_vocab = 1048576\nn_embd = 100\n- type  f32: 1 tensors\n- type q4_K: 9 tensors",
            109.375,
        ),
    ],
)
def test_allowance_by_the_data_type_of_the_file(text: str, allowance: float) -> None:
    assert ggml.host_allowance_mib(text) == pytest.approx(allowance)


@pytest.mark.parametrize(
    ("name", "caches"),
    [
        ("vllm-good", {"CUDA0": 9.87}),
        ("vllm-tp2-good", {"CUDA0": 9.87, "CUDA1": 9.87}),
        ("sglang-good", {"CUDA0": 8.41}),
        ("sglang-tp2-good", {"CUDA0": 33.96, "CUDA1": 33.96}),
        # the small cache that TensorRT-LLM measures with is gone by then
        ("tensorrt-llm-good", {"CUDA0": 11.2}),
        ("tensorrt-llm-tp2-good", {"CUDA0": 36.2, "CUDA1": 36.2}),
    ],
)
def test_the_kv_cache_of_each_gpu(name: str, caches: dict[str, float]) -> None:
    found: dict[str, float] = {}
    for buffer in prove(name).buffers:
        if buffer.kind == "KV":
            found[buffer.device] = found.get(buffer.device, 0) + buffer.mib / 1024
    assert found == pytest.approx(caches)


def test_vllm_ranks_are_told_apart_whatever_their_order() -> None:
    text = log("vllm-tp2-good").replace("(Worker_TP1 pid=279) INFO 11-21 01:03:02", "(moved")
    line = "(Worker_TP1 pid=279) INFO 11-21 01:03:02 [gpu_model_runner.py:2338] Model loading "
    proof = ENGINES["vllm"].prove(line + "took 9.5 GiB memory and 1.0 seconds\n" + text, {})
    assert isinstance(proof, GpuProof)
    # a line that names no worker beside those that do: then they are counted
    assert [b.device for b in proof.buffers if b.kind == "model"] == ["CUDA0", "CUDA1", "CUDA2"]
    swapped = log("vllm-tp2-good").replace("30.4321", "10.5", 1)
    swapped = swapped.replace("Worker_TP0", "Worker_TPx").replace("Worker_TP1", "Worker_TP0")
    proof = ENGINES["vllm"].prove(swapped.replace("Worker_TPx", "Worker_TP1"), {})
    assert isinstance(proof, GpuProof)
    assert {b.device: b.mib / 1024 for b in proof.buffers if b.kind == "model"} == pytest.approx(
        {"CUDA1": 10.5, "CUDA0": 30.4321}
    )


def test_a_log_of_tensorrt_llm_that_tells_only_of_the_cache() -> None:
    text = "[TensorRT-LLM][INFO] [MemUsageChange] Allocated 78.30 GiB for max tokens in paged KV "
    proof = ENGINES["tensorrt-llm"].prove(text + "cache (3731744).\n", {})
    assert isinstance(proof, GpuProof)
    assert proof.devices == ("CUDA0",)
    assert proof.mib("KV", host=False) == pytest.approx(78.3 * 1024)


def test_transformers_asks_for_the_driver() -> None:
    proof = ENGINES["transformers"].prove(log("transformers-5.19-serve"), {})
    assert isinstance(proof, Unavailable)
    assert proof.code == "ask-driver"


@pytest.mark.parametrize(
    "engine", ["llama-cpp", "ollama", "vllm", "whisper", "sglang", "tensorrt-llm"]
)
def test_a_log_without_the_lines_proves_nothing(engine: str) -> None:
    proof = ENGINES[engine].prove("listening on http://0.0.0.0:8000", {})
    assert isinstance(proof, Unavailable)
    assert proof.code == "no-proof"


def test_ollama_without_a_loaded_model_says_so_whatever_its_log_tells() -> None:
    for name in ("ollama-unloaded", "ollama-idle"):
        proof = ENGINES["ollama"].prove(log(name), {"/api/ps": {"models": []}})
        assert isinstance(proof, Unavailable)
        assert proof.code == "not-loaded"


@pytest.mark.parametrize(
    ("name", "layers", "vram", "host_mib"),
    [
        ("ollama-old-go-engine", (25, 25), 14 * GIB, 0),
        ("ollama-old-offload", (23, 25), 12 * GIB, 2048),
        ("ollama-idle", None, 14 * GIB, 0),  # log rotated away
    ],
)
def test_ollama_without_buffer_lines_is_judged_by_api_ps(
    name: str, layers: tuple[int, int] | None, vram: int, host_mib: int
) -> None:
    running = {"models": [{"name": "gpt-oss:20b", "size": 14 * GIB, "size_vram": vram}]}
    proof = ENGINES["ollama"].prove(log(name), {"/api/ps": running})
    assert isinstance(proof, GpuProof)
    assert proof.layers == layers
    assert proof.mib("model", host=False) == vram / (1 << 20)
    assert proof.mib("model", host=True) == host_mib
    assert any("/api/ps" in line for line in proof.evidence)


@pytest.mark.parametrize(
    ("device", "host"),
    [
        ({"name": "cuda:0 Quadro RTX 8000 : cudaMallocAsync", "type": "cuda", "index": 0}, 0.0),
        ({"name": "cpu", "type": "cpu", "index": None}, 1.0),
    ],
)
def test_comfyui_by_its_own_device(device: dict[str, Any], host: float) -> None:
    proof = ENGINES["comfyui"].prove("", {"/system_stats": {"devices": [device]}})
    assert isinstance(proof, GpuProof)
    assert proof.mib("model", host=True) == host
    assert device["name"] in proof.evidence[0]


@pytest.mark.parametrize("stats", [None, {}, {"devices": []}, "Not Found", {"devices": [{}]}])
def test_comfyui_without_statistics_proves_nothing(stats: Any) -> None:
    proof = ENGINES["comfyui"].prove("", {"/system_stats": stats} if stats is not None else {})
    assert isinstance(proof, Unavailable)
