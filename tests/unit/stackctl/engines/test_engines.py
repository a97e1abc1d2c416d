"""Progress, what is served, explanations, and that code, Compose and pins agree."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
import yaml

from stackctl.engines import ENGINES, explain
from stackctl.model import Served, Unavailable
from stackctl.settings import read_env
from tests.unit.stackctl.box import ROOT, log

FRAGMENTS = {p.stem: p for p in (ROOT / "compose/engines").glob("*.yaml") if p.stem != "base"}


def fragment(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FRAGMENTS[name].read_text())["services"]["engine"]
    return loaded


def test_every_engine_has_a_fragment_and_every_fragment_an_engine() -> None:
    assert set(ENGINES) == set(FRAGMENTS)
    assert all(name == engine.name for name, engine in ENGINES.items())


@pytest.mark.parametrize("name", ENGINES)
def test_fragment_names_engine_image_and_health_check(name: str) -> None:
    raw = fragment(name)
    assert raw["labels"]["stackctl.engine"] == name
    assert raw["healthcheck"]["test"][-1] == ENGINES[name].ready_path
    assert {"interval", "timeout", "retries", "start_period"} <= set(raw["healthcheck"])
    assert raw["extends"] == {"file": "base.yaml", "service": "engine"}
    knob = name.upper().replace("-", "_") + "_IMAGE"
    assert raw["image"].startswith("${" + knob + ":?")
    image = read_env(ROOT / "env/images.env")[knob]
    assert ":" in image.rsplit("/", 1)[-1]
    assert not image.endswith(":latest")


def test_no_pin_without_an_engine() -> None:
    stems = {name.upper().replace("-", "_") for name in ENGINES}
    pins = {knob for knob in read_env(ROOT / "env/images.env") if not knob.endswith("_CUDA")}
    assert pins == {stem + "_IMAGE" for stem in stems} | {"GATEWAY_IMAGE", "TOOLS_IMAGE"}


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_its_file_its_title_and_its_chapter(name: str) -> None:
    assert (ROOT / f"stackctl/engines/{name.replace('-', '_')}.py").is_file()
    lines = (ROOT / "docs/engines.md").read_text().splitlines()
    assert f"## {ENGINES[name].title}" in lines
    pin = read_env(ROOT / "env/images.env")[name.upper().replace("-", "_") + "_IMAGE"]
    assert any(f"`{pin}`" in line for line in lines)


@pytest.mark.parametrize("name", ENGINES)
def test_more_words_reach_every_engine(name: str) -> None:
    raw = fragment(name)
    command = json.dumps([raw.get("entrypoint", ""), raw.get("environment", "")])
    assert "$$STACK_ARGS" in command or "$IMAGE_ARGS" in command
    assert '\\"$$STACK_ARGS' not in command


def test_model_paths_lie_below_a_mount_of_the_fragment() -> None:
    for name, engine in ENGINES.items():
        if engine.model_path:
            targets = [v.rsplit("}", 1)[-1].split(":")[1] for v in fragment(name)["volumes"]]
            path = engine.model_path("a/b")
            assert any(path.startswith(t + "/") for t in targets), (name, path, targets)
            assert engine.source or engine.folder, name


@pytest.mark.parametrize(
    ("engine", "model", "path"),
    [
        ("llama-cpp", "gpt-oss-20b", "/models/llama-cpp/gpt-oss-20b.gguf"),
        ("whisper", "ggml-large-v3", "/models/whisper/ggml-large-v3.bin"),
        (
            "vllm",
            "openai/gpt-oss-20b",
            "/models/huggingface/hub/models--openai--gpt-oss-20b/snapshots",
        ),
        ("ollama", "gpt-oss:20b", "library/gpt-oss/20b"),
        ("ollama", "gpt-oss", "library/gpt-oss/latest"),
        ("ollama", "someone/model:q4", "registry.ollama.ai/someone/model/q4"),
        ("ollama", "hf.co/org/repo:Q8_0", "/manifests/hf.co/org/repo/Q8_0"),
    ],
)
def test_model_path(engine: str, model: str, path: str) -> None:
    of = ENGINES[engine].model_path
    assert of
    assert of(model).endswith(path)


@pytest.mark.parametrize(
    ("name", "stage", "percent"),
    [
        ("llama-cpp-loading", "loading weights", 39),
        ("llama-cpp-20b-good", "loaded", 100),
        ("llama-cpp-no-file", "starting", 0),
        ("ollama-idle", "server up", 0),
        ("ollama-loading", "loading weights", 0),
        ("ollama-good", "loaded", 100),
        ("vllm-loading", "loading weights", 35),
        ("vllm-compiling", "compiling", 80),
        ("vllm-kv-too-small", "compiling", 80),
        ("vllm-tp2-good", "loaded", 100),
        ("vllm-memory-taken", "starting", 0),
        ("whisper-loading", "loading weights", 50),
        ("whisper-cuda", "loaded", 100),
        ("comfyui-cuda", "loaded", 100),
        ("sglang-loading", "loading weights", 35),
        ("sglang-graphs-failed", "capturing CUDA graphs", 90),
        ("sglang-no-room", "weights loaded", 75),
        ("sglang-tp2-good", "loaded", 100),
        ("tensorrt-llm-loading", "loading weights", 40),
        ("tensorrt-llm-no-gpu", "starting", 0),
        ("tensorrt-llm-tp2-good", "loaded", 100),
        ("transformers-mxfp4-unpacked", "loading weights", 18),
        ("transformers-5.19-serve", "loaded", 100),
        ("vllm-0.32-cpu", "loaded", 100),
    ],
)
def test_progress(name: str, stage: str, percent: int) -> None:
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    progress = engine.progress(log(name))
    assert (progress.stage, progress.percent) == (stage, percent)


@pytest.mark.parametrize(
    "name",
    [
        "llama-cpp-20b-good",
        "vllm-good",
        "vllm-tp2-good",
        "vllm-0.32-cpu",
        "sglang-good",
        "sglang-tp2-good",
        "tensorrt-llm-good",
        "tensorrt-llm-tp2-good",
        "transformers-5.19-serve",
    ],
)
def test_progress_only_grows(name: str) -> None:
    lines = log(name).splitlines(keepends=True)
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    seen = [engine.progress("".join(lines[:n])).percent or 0 for n in range(len(lines))]
    assert seen == sorted(seen)
    assert 100 not in seen[:-2]


def test_progress_after_a_fit_pass_starts_with_the_weights() -> None:
    text = log("llama-cpp-20b-fit-pass")
    upto = text[: text.rindex("loading model tensors") + 30]
    assert ENGINES["llama-cpp"].progress(upto).stage == "loading weights"


def test_a_second_load_starts_again() -> None:
    text = log("ollama-good")
    again = text + "load_tensors: loading model tensors, this can take a while...\n"
    assert ENGINES["ollama"].progress(again).stage == "loading weights"


@pytest.mark.parametrize(
    ("name", "line", "cause"),
    [
        ("llama-cpp-no-file", "failed to open GGUF file", "not there"),
        ("llama-cpp-truncated", "not within the file bounds", "broke off"),
        ("llama-cpp-out-of-memory", "cudaMalloc failed", "not enough free memory"),
        ("ollama-cpu", "library=cpu", "runs on the CPU"),
        ("vllm-memory-taken", "Free memory on device cuda:0", "already holds memory"),
        ("vllm-kv-too-small", "maximum model length is 49376", "does not fit"),
        ("vllm-out-of-memory", "CUDA out of memory", "not enough free memory"),
        ("vllm-turing", "compute capability", "too old"),
        ("whisper-no-file", "failed to open '/models", "not there"),
        ("whisper-cpu", "failed to initialize CUDA", "CUDA cannot be used"),
        ("comfyui-no-gpu", "No CUDA GPUs", "sees no GPU"),
        ("vllm-0.32-cpu-shm", "Insufficient space in /dev/shm", "too little shared memory"),
        ("vllm-recorded-removed-flag", "--swap-space", "does not know the flag"),
        ("sglang-no-room", "Not enough memory", "no room for the KV cache"),
        ("sglang-graphs-failed", "Capture cuda graph failed", "left for the CUDA graphs"),
        ("sglang-expert-parallel", "Expert parallel is not", "cannot be spread"),
        ("tensorrt-llm-no-gpu", "No GPU devices", "sees no GPU"),
        ("tensorrt-llm-out-of-memory", "CUDA out of memory", "not enough free memory"),
        ("tensorrt-llm-flag", "No such option: --tp-size", "underscores"),
        ("transformers-recorded-no-model", "We couldn't connect", "not on the disk"),
        ("transformers-recorded-flag", "No such option", "does not know the flag"),
        ("transformers-mxfp4-unpacked", "MXFP4 quantization requires", "unpacked to bfloat16"),
    ],
)
def test_the_root_cause_is_explained(name: str, line: str, cause: str) -> None:
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    found = explain.explain(log(name), engine.failures)
    assert line in found[0].line
    assert cause in found[0].cause
    assert found[0].fix


@pytest.mark.parametrize(
    "name",
    [
        "llama-cpp-20b-good",
        "llama-cpp-120b-good",
        "ollama-good",
        "vllm-tp2-good",
        "vllm-0.32-cpu",
        "whisper-cuda",
        "comfyui-cuda",
        "sglang-good",
        "sglang-tp2-good",
        "sglang-tp2-eagle3-good",
        "tensorrt-llm-good",
        "tensorrt-llm-tp2-good",
        "transformers-5.19-serve",
    ],
)
def test_a_good_log_explains_nothing(name: str) -> None:
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    assert explain.explain(log(name), engine.failures) == ()


MODELS = {"object": "list", "data": [{"id": "gpt-oss-20b", "max_model_len": 131072}]}


@pytest.mark.parametrize(
    ("engine", "documents", "served"),
    [
        (
            "llama-cpp",
            {"/v1/models": MODELS, "/props": {"default_generation_settings": {"n_ctx": 2048}}},
            Served(("gpt-oss-20b",), 2048),
        ),
        ("llama-cpp", {"/v1/models": MODELS}, Served(("gpt-oss-20b",), None)),
        ("vllm", {"/v1/models": MODELS}, Served(("gpt-oss-20b",), 131072)),
        (
            "ollama",
            {
                "/v1/models": {"data": [{"id": "gpt-oss:20b"}]},
                "/api/ps": {"models": [{"name": "gpt-oss:20b", "context_length": 4096}]},
            },
            Served(("gpt-oss:20b",), 4096),
        ),
        (
            "ollama",
            {"/v1/models": {"data": [{"id": "qwen3:latest"}]}, "/api/ps": {"models": []}},
            Served(("qwen3:latest", "qwen3"), None),
        ),
        ("ollama", {"/v1/models": {"data": None}}, Served((), None)),
    ],
)
def test_served(engine: str, documents: dict[str, Any], served: Served) -> None:
    assert ENGINES[engine].served(documents) == served


@pytest.mark.parametrize("engine", ["llama-cpp", "vllm", "whisper", "comfyui"])
def test_what_is_not_told_is_unavailable(engine: str) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"/v1/models": "not JSON"},
        {"/v1/models": {"data": []}},
    )
    for documents in bodies:
        assert isinstance(ENGINES[engine].served(documents), Unavailable)


@pytest.mark.parametrize(
    ("engine", "body", "answer"),
    [
        ("vllm", {"choices": [{"message": {"content": " Paris. "}}]}, "Paris."),
        ("vllm", {"choices": [{"message": {"content": None, "reasoning": "Hm"}}]}, "Hm"),
        ("llama-cpp", {"choices": [{"message": {"content": "", "reasoning_content": "H"}}]}, "H"),
        ("whisper", {"text": " hello "}, "hello"),
        ("whisper", {"text": ""}, "(no speech in the clip)"),
        ("comfyui", {"prompt_id": "12ab", "number": 1}, "took the prompt 12ab"),
    ],
)
def test_answers(engine: str, body: Any, answer: str) -> None:
    assert ENGINES[engine].read_answer(body) == answer


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("body", ["", "Internal Server Error", {}, {"choices": []}, None, []])
def test_no_answer(engine: str, body: Any) -> None:
    assert isinstance(ENGINES[engine].read_answer(body), Unavailable)


def test_an_empty_completion_is_no_answer() -> None:
    empty = {"choices": [{"message": {"content": ""}}]}
    assert isinstance(ENGINES["vllm"].read_answer(empty), Unavailable)


def test_questions() -> None:
    for name in ("llama-cpp", "vllm", "ollama"):
        request = ENGINES[name].ask("the-model")
        assert request.json
        assert request.json["model"] == "the-model"
    clip = ENGINES["whisper"].ask("").file
    assert clip
    with wave.open(io.BytesIO(clip)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 16000)
    load = ENGINES["ollama"].load
    assert load
    assert load("m").json == {"model": "m", "keep_alive": -1}
