"""The stand-in for ComfyUI, on a simulated GPU and without."""

import pytest
import requests

from tests.integration.images.engine_container import docker, engine, stop_seconds

pytestmark = pytest.mark.docker

CLI_ARGS = ("--env", "CLI_ARGS=--listen 0.0.0.0 --port 8000 --disable-auto-launch")


@pytest.mark.parametrize("gpus", [(), (2,)], ids=["cpu", "gpu"])
def test_says_which_device_it_has(gpus: tuple[int, ...]) -> None:
    with engine("sim-comfyui", gpus=gpus, options=CLI_ARGS) as container:
        container.wait_for("/system_stats")
        stats = requests.get(f"{container.url}/system_stats", timeout=5).json()
        (device,) = stats["devices"]
        assert "stand-in" in stats["system"]["comfyui_version"]
        assert "NOT ComfyUI" in container.log()
        if gpus:
            query = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")
            total = int(docker("exec", container.name, "nvidia-smi", *query))
            assert (device["type"], device["index"]) == ("cuda", 0)
            assert device["vram_total"] == total * 1024 * 1024
            assert 0 < device["vram_free"] < device["vram_total"]
            assert f"Device: {device['name']}" in container.log()
        else:
            assert (device["type"], device["index"], device["name"]) == ("cpu", None, "cpu")
            assert "Device: cpu" in container.log()
        assert stop_seconds(container) < 8  # killed after 10


def test_its_process_holds_memory_of_the_gpu() -> None:
    with engine("sim-comfyui", gpus=[1], options=CLI_ARGS) as container:
        container.wait_for("/system_stats")
        held = container.wait_for_gpu_memory(48, 1)
        assert set(held) == {1}
        assert 48 <= held[1] < 200
