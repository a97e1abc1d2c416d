"""The real llama-server, on simulated GPUs and without."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests

from gpusim.rigged.catalogue import LANGUAGE_MODELS, write_all
from gpusim.rigged.shape import Shape
from tests.integration.images.engine_container import Engine, docker, engine, stop_seconds

pytestmark = pytest.mark.docker

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
LARGE, SMALL = LANGUAGE_MODELS


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    folder.chmod(0o755)
    write_all(folder)
    return folder


def llama(shape: Shape, models: Path, *gpus: int) -> AbstractContextManager[Engine]:
    return engine(
        "sim-llama-cpp",
        *("--host", "0.0.0.0", "--port", "8000", "--model", f"/models/llama-cpp/{shape.name}.gguf"),
        *("--ctx-size", "131072", "--parallel", "1", "--n-gpu-layers", "999"),
        *("--log-verbosity", "4"),
        gpus=gpus,
        models=models,
    )


@pytest.fixture(scope="module")
def on_two_gpus(models: Path) -> Iterator[Engine]:
    with llama(LARGE, models, 0, 1) as container:
        container.wait_for("/health")
        yield container


def buffers(log: str) -> dict[tuple[str, str], float]:
    """(device, kind) to MiB."""
    found = re.findall(r": +(\S+) (model|KV) buffer size = +([\d.]+) MiB", log)
    return {(device, kind): float(size) for device, kind, size in found}


def test_all_layers_and_the_whole_cache_are_on_both_gpus(on_two_gpus: Engine) -> None:
    log = on_two_gpus.log()
    assert "offloaded 37/37 layers to GPU" in log
    assert "n_ctx_seq             = 131072" in log
    sizes = buffers(log)
    first, second = "RPC0[127.0.0.1:50052]", "RPC0[127.0.0.1:50053]"
    assert sizes[first, "model"] > 3
    assert sizes[second, "model"] > 3
    cache = (sizes[first, "KV"] + sizes[second, "KV"]) * 1024 * 1024
    assert cache == LARGE.kv_cache_bytes()
    assert sizes["CPU_Mapped", "model"] < 1, "only the token embedding may stay on the host"


def test_the_driver_sees_its_memory_on_these_gpus_only(on_two_gpus: Engine) -> None:
    held = on_two_gpus.wait_for_gpu_memory(130, 2)
    assert set(held) == {0, 1}
    assert all(130 <= mib < 400 for mib in held.values()), held


def test_answers_its_sentence(on_two_gpus: Engine) -> None:
    choice = on_two_gpus.chat(messages=[{"role": "user", "content": "Who are you?"}])
    assert choice["message"]["content"] == LARGE.sentence
    assert choice["finish_reason"] == "stop"


def test_calls_the_tool_and_then_uses_its_result(on_two_gpus: Engine) -> None:
    question = {"role": "user", "content": "How is the weather in Paris?"}
    choice = on_two_gpus.chat(messages=[question], tools=TOOLS)
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert call["function"]["arguments"].replace(" ", "") == '{"city":"Paris"}'
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    choice = on_two_gpus.chat(messages=[question, choice["message"], result], tools=TOOLS)
    assert choice["message"]["content"] == LARGE.sentence


@pytest.mark.parametrize("gpus", [(), (2,)], ids=["cpu", "gpu"])
def test_small_model(models: Path, gpus: tuple[int, ...]) -> None:
    with llama(SMALL, models, *gpus) as container:
        container.wait_for("/health")
        log = container.log()
        if gpus:
            assert "offloaded 25/25 layers to GPU" in log
            assert ("RPC0[127.0.0.1:50052]", "KV") in buffers(log)
        else:
            assert "no usable GPU found, --gpu-layers option will be ignored" in log
            assert "layers to GPU" not in log
            assert {device for device, kind in buffers(log) if kind == "KV"} == {"CPU"}
        choice = container.chat(messages=[{"role": "user", "content": "Who are you?"}])
        assert choice["message"]["content"] == SMALL.sentence
        assert stop_seconds(container) < 8  # killed after 10


def test_a_lost_gpu_ends_the_engine(models: Path) -> None:
    with llama(SMALL, models, 0) as container:
        container.wait_for("/health")
        kill = (
            "for f in $(grep -l ^/usr/libexec/.*rpc-server /proc/[0-9]*/cmdline);"
            " do p=${f#/proc/}; kill -9 ${p%%/*}; done"
        )
        docker("exec", container.name, "sh", "-c", kill, check=False)
        with pytest.raises((requests.ConnectionError, AssertionError)):
            container.chat(messages=[{"role": "user", "content": "Who are you?"}])
        running, code = container.state()
        assert not running
        assert code != 0


def test_a_missing_model_is_the_engines_own_error(models: Path) -> None:
    with engine(
        "sim-llama-cpp",
        "--port",
        "8000",
        "--model",
        "/models/missing.gguf",
        gpus=[0],
        models=models,
    ) as container:
        docker("wait", container.name)
        assert container.state() == (False, 1)
        assert "failed to open GGUF file '/models/missing.gguf'" in container.log()
