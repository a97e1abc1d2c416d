"""The stand-in's API in the words of ComfyUI 0.3.64; no container and no GPU is needed for that."""

import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

STANDIN = Path(__file__).resolve().parents[3] / "compose/images/sim-comfyui/standin"
Json = dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comfyui")


@pytest.fixture(scope="module")
def url(base: Path) -> Iterator[str]:
    port = free_port()
    options = ["--port", str(port), "--base-directory", str(base), "--disable-auto-launch"]
    process = subprocess.Popen(
        [sys.executable, "-B", STANDIN, *options],
        # no nvidia-smi here: it computes on the CPU
        env={"PATH": "/nowhere"},
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                requests.get(f"{address}/system_stats", timeout=1)
                break
            except requests.ConnectionError:
                assert process.poll() is None, "the stand-in ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        code = process.wait(timeout=5)
    assert code == 0


def graph(**changes: Any) -> Json:
    image = {"width": 6, "height": 4, "batch_size": 1, "color": 0xFF8000} | changes
    return {
        "1": {"class_type": "EmptyImage", "inputs": image},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "t"}},
    }


def post(url: str, prompt: Any) -> requests.Response:
    return requests.post(f"{url}/prompt", json={"client_id": "c", "prompt": prompt}, timeout=5)


def result(url: str, prompt: Json) -> Json:
    """Queues a prompt and waits for its entry in the history."""
    answer = post(url, prompt)
    assert answer.status_code == 200, answer.text
    prompt_id = answer.json()["prompt_id"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        history = requests.get(f"{url}/history/{prompt_id}", timeout=5).json()
        if history:
            entry: Json = history[prompt_id]
            return entry
        time.sleep(0.02)
    raise AssertionError("the prompt was not done in 5 s")


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and raw rows of an 8-bit RGB picture; checks every checksum on the way."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, header = 8, b"", b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + body)
        data += body if kind == b"IDAT" else b""
        header = body if kind == b"IHDR" else header
        at += 12 + length
    width, height = struct.unpack(">2I", header[:8])
    return width, height, zlib.decompress(data)


def test_makes_a_real_picture(url: str) -> None:
    entry = result(url, graph())
    assert entry["status"]["status_str"] == "success"
    assert entry["status"]["completed"] is True
    (image,) = entry["outputs"]["2"]["images"]
    assert image["type"] == "output"
    answer = requests.get(f"{url}/view", params=image, timeout=5)
    assert answer.headers["Content-Type"] == "image/png"
    assert pixels(answer.content) == (6, 4, (b"\0" + b"\xff\x80\x00" * 6) * 4)


def test_the_same_prompt_comes_from_the_cache(url: str) -> None:
    prompt = graph(color=1)
    first, second = result(url, prompt), result(url, prompt)
    assert first["outputs"] == second["outputs"]
    assert result(url, graph(color=2))["outputs"] != first["outputs"]


def test_a_batch_is_that_many_pictures(url: str) -> None:
    images = result(url, graph(batch_size=3, color=3))["outputs"]["2"]["images"]
    assert len({image["filename"] for image in images}) == 3


def loads(checkpoint: str) -> Json:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "2": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1},
        },
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0], "vae": ["1", 2]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "t"}},
    }


def change(prompt: Json, node: str, key: str, value: Any) -> Json:
    prompt[node]["inputs"][key] = value
    return prompt


def without(prompt: Json, node: str, key: str) -> Json:
    del prompt[node]["inputs"][key]
    return prompt


INVALID: dict[str, tuple[Callable[[], Any], str]] = {
    "no prompt": (lambda: None, "no_prompt"),
    "unknown node": (lambda: {"1": {"class_type": "Nope", "inputs": {}}}, "invalid_prompt"),
    "no class": (lambda: {"1": {"inputs": {}}}, "invalid_prompt"),
    "no output": (lambda: {"1": graph()["1"]}, "prompt_no_outputs"),
}
INVALID_NODES: dict[str, tuple[Callable[[], Json], str, str, str]] = {
    "missing model": (
        lambda: loads("sd15.safetensors"),
        *("1", "value_not_in_list", "ckpt_name: 'sd15.safetensors' not in []"),
    ),
    "missing input": (
        lambda: without(graph(), "2", "images"),
        *("2", "required_input_missing", "images"),
    ),
    "too small": (lambda: graph(width=0), "1", "value_smaller_than_min", "width"),
    "too big": (lambda: graph(width=99999), "1", "value_bigger_than_max", "width"),
    "not a number": (
        lambda: graph(width="wide"),
        *("1", "invalid_input_type", "width, wide, invalid literal"),
    ),
    "wrong type": (
        lambda: change(loads("x"), "4", "images", ["2", 0]),
        *("4", "return_type_mismatch", "images, received_type(LATENT) mismatch input_type(IMAGE)"),
    ),
    "bad link": (
        lambda: change(graph(), "2", "images", ["9", 0]),
        *("2", "bad_linked_input", "images"),
    ),
}


@pytest.mark.parametrize("case", INVALID.values(), ids=list(INVALID))
def test_refuses_a_prompt(url: str, case: tuple[Callable[[], Any], str]) -> None:
    make, kind = case
    answer = post(url, make())
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == kind


@pytest.mark.parametrize("case", INVALID_NODES.values(), ids=list(INVALID_NODES))
def test_refuses_a_node(url: str, case: tuple[Callable[[], Json], str, str, str]) -> None:
    make, node, kind, details = case
    answer = post(url, make())
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "prompt_outputs_failed_validation"
    (error,) = answer.json()["node_errors"][node]["errors"]
    assert error["type"] == kind
    assert error["details"].startswith(details)


def test_does_not_pretend_to_run_a_model(url: str, base: Path) -> None:
    checkpoint = base / "models/checkpoints/some.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    try:
        assert requests.get(f"{url}/models/checkpoints", timeout=5).json() == ["some.safetensors"]
        entry = result(url, loads("some.safetensors"))
    finally:
        checkpoint.unlink()
    assert entry["status"]["status_str"] == "error"
    kind, error = entry["status"]["messages"][-1]
    assert kind == "execution_error"
    assert "stand-in" in error["exception_message"]


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_what_a_monitor_asks(url: str, prefix: str) -> None:
    def get(path: str) -> Any:
        return requests.get(f"{url}{prefix}{path}", timeout=5).json()

    stats = get("/system_stats")
    assert stats["devices"][0]["type"] == "cpu"
    assert "stand-in" in stats["system"]["comfyui_version"]
    assert get("/queue") == {"queue_running": [], "queue_pending": []}
    assert get("/prompt") == {"exec_info": {"queue_remaining": 0}}
    assert "checkpoints" in get("/models")
    assert get("/models/checkpoints") == []
    assert get("/history/none") == {}
    assert get("/object_info")["SaveImage"]["output_node"] is True
    assert set(get("/object_info/EmptyImage")) == {"EmptyImage"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 404),
        ("/models/nothing", 404),
        ("/view", 404),
        ("/view?filename=missing.png", 404),
        ("/view?filename=../secret", 400),
        ("/view?filename=x&type=etc", 400),
        ("/view?filename=x&subfolder=../..", 403),
    ],
)
def test_what_is_not_there(url: str, path: str, status: int) -> None:
    assert requests.get(url + path, timeout=5).status_code == status
