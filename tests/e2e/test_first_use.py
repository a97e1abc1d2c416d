"""The first quarter of an hour with this project: make up, ask each service, verify, make down."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clone import Clone
from tests.integration.stack.box import ROLES

pytestmark = [pytest.mark.docker, pytest.mark.stack]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
PICTURE = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 255},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "e2e"}},
}


def curl(*words: str) -> bytes:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--max-time", "60", *words],
        capture_output=True,
        check=False,
        timeout=70,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def post(url: str, body: dict[str, Any]) -> Any:
    header = "Content-Type: application/json"
    return json.loads(curl("--header", header, "--data", json.dumps(body), url))


def chat(clone: Clone, role: str, **body: Any) -> Any:
    question = {"role": "user", "content": "How is the weather in Paris?"}
    url = f"{clone.box.url(role)}/v1/chat/completions"
    return post(url, {"messages": [question], "temperature": 0, **body})["choices"][0]


def test_make_up_says_what_runs_where(clone: Clone) -> None:
    up, _ = clone.timed("up")
    assert up.code == 0, up.text
    for role in (*ROLES, "gateway_http"):
        assert clone.box.url(role) in up.out
    assert "SIMULATED GPU" in up.out
    assert clone.box.containers() == dict.fromkeys([*ROLES, "gateway"], "running")
    # a second one has nothing to set up and nothing to start
    again, seconds = clone.timed("up")
    assert again.code == 0, again.text
    assert "set-up: nothing to do" in again.out
    assert seconds < 20


@pytest.mark.parametrize(("role", "model"), [("main", "gpt-oss-120b"), ("coder", "gpt-oss-20b")])
def test_language_models_answer(up: Clone, role: str, model: str) -> None:
    choice = chat(up, role, model=model)
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"].startswith(f"Greetings from {model}, a rigged test model.")


@pytest.mark.parametrize("role", ["main", "coder"])
def test_language_models_call_tools(up: Clone, role: str) -> None:
    choice = chat(up, role, tools=[WEATHER])
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}


def test_speech_becomes_text(up: Clone) -> None:
    clip = up.folder / "models" / "sim" / "whisper" / "clip.wav"
    url = f"{up.box.url('audio')}/v1/audio/transcriptions"
    answer = json.loads(curl("--form", f"file=@{clip}", url))
    assert answer["text"].strip() == "hello from tiny whisper"


def test_a_prompt_becomes_a_picture(up: Clone) -> None:
    base = up.box.url("image")
    job = post(f"{base}/prompt", {"prompt": PICTURE, "client_id": "e2e"})["prompt_id"]
    deadline = time.monotonic() + 20
    while not (history := json.loads(curl(f"{base}/history/{job}"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (image,) = history[job]["outputs"]["2"]["images"]
    query = f"filename={image['filename']}&subfolder={image['subfolder']}&type={image['type']}"
    assert curl(f"{base}/view?{query}").startswith(b"\x89PNG\r\n\x1a\n")
    saved = Path(up.folder, "models", "sim", "comfyui-output", image["filename"])
    assert saved.is_file()


def test_one_door_for_all_of_them(up: Clone) -> None:
    door = up.box.url("gateway_http")
    key = json.loads(up.stackctl("keys", "add", "alice", "--json").out)["key"]
    mine = f"Authorization: Bearer {key}"
    names = {m["id"] for m in json.loads(curl("--header", mine, f"{door}/v1/models"))["data"]}
    assert {"gpt-oss-120b", "gpt-oss-20b", "whisper-1"} <= names
    for model in ("gpt-oss-120b", "gpt-oss-20b"):
        body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "model": model})
        said = json.loads(curl("--header", mine, "--data", body, f"{door}/v1/chat/completions"))
        assert f"Greetings from {model}" in said["choices"][0]["message"]["content"]
    clip = up.folder / "models" / "sim" / "whisper" / "clip.wav"
    form = ("--form", "model=whisper-1", "--form", f"file=@{clip}")
    heard = json.loads(curl("--header", mine, *form, f"{door}/v1/audio/transcriptions"))
    assert heard["text"].strip() == "hello from tiny whisper"
    closed = ("--output", "/dev/null", "--write-out", "%{http_code}")
    url = f"{door}/v1/models"
    assert subprocess.run(["curl", "-s", *closed, url], capture_output=True).stdout == b"401"


def test_verify_status_and_logs(up: Clone) -> None:
    verify = up.make("verify")
    assert verify.code == 0, verify.text
    assert "all fine" in verify.out
    status = up.make("status")
    assert status.code == 0, status.text
    assert "gpt-oss-120b" in status.out
    logs = up.make("logs")
    assert logs.code == 0, logs.text
    assert all(f"{role}-1 " in logs.out for role in (*ROLES, "gateway"))


def test_make_down_leaves_the_models(up: Clone) -> None:
    down = up.make("down")
    assert down.code == 0, down.text
    assert down.out == "removed: audio, coder, gateway, image, main\n"
    assert up.box.containers() == {}
    assert (up.folder / "models" / "sim" / "llama-cpp" / "gpt-oss-120b.gguf").is_file()
    assert up.make("verify").code != 0
