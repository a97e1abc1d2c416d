"""ComfyUI itself, from a checkout: COMFYUI_DIR, and COMFYUI_PYTHON if its Python is another one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stackctl.engines import ENGINES
from stackctl.model import GpuProof, Request
from stackctl.system import http
from tests.integration.stack.box import free_ports

CHECKOUT = os.environ.get("COMFYUI_DIR", "")
ENGINE = ENGINES["comfyui"]
START = 120.0

pytestmark = pytest.mark.skipif(not CHECKOUT, reason="COMFYUI_DIR is not set")


@pytest.fixture(scope="module")
def comfyui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address and its log; on the CPU, so that any machine will do."""
    (port,) = free_ports(1)
    log = tmp_path_factory.mktemp("comfyui") / "log"
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    options = ["--cpu", "--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python, "main.py", *options], cwd=CHECKOUT, stdout=out, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START
        while not isinstance(http.get(url, ENGINE.ready_path), tuple):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield url, log
    finally:
        process.terminate()
        process.wait(30)


def test_what_it_says_of_itself(comfyui: tuple[str, Path]) -> None:
    url, log = comfyui
    text = log.read_text()
    documents = {path: requests.get(url + path, timeout=10).json() for path in ENGINE.documents}
    proof = ENGINE.prove(text, documents)
    assert isinstance(proof, GpuProof)
    assert proof.devices == ()
    assert ENGINE.version(documents)
    assert ENGINE.progress(text).percent == 100


def test_it_takes_our_prompt(comfyui: tuple[str, Path]) -> None:
    url, _ = comfyui
    request: Request = ENGINE.ask("")
    reply = http.send(url, request, timeout=60)
    assert isinstance(reply, tuple)
    assert ENGINE.read_answer(reply[1]) == f"took the prompt {reply[1]['prompt_id']}"
