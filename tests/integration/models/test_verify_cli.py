"""`stackctl models verify` and the gate of `up`, as a user types them, over a real pull."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, make

ROOT = Path(__file__).parents[3]
#: seconds for any one command
PATIENCE = 60
#: what `stackctl` is, with slices small enough for a small model
SMALL = (
    "import sys; from stackctl.commands.models import reading; from stackctl.system import sha256; "
    "sha256.RANGE = 1 << 16; reading._SLICE = 1 << 18; reading._SECONDS = 0; "
    "from stackctl.__main__ import main; sys.exit(main())"
)


class Box:
    """A models' folder with hf:acme/tiny in it, which the role main serves."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.models = folder / "models"
        self.models.mkdir()
        self.env = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "MODELS_DIR": str(self.models),
            "COMPOSE_PROFILES": "main",
            "COMPOSE_PROJECT_NAME": "verify-models-test",
            "MAIN_ENGINE": "vllm",
            "MAIN_MODEL": "acme/tiny",
            "MAIN_SOURCE": "",
        }
        code, out = self.run("models", "pull", "hf:acme/tiny")
        assert code == 0, out
        (self.snapshot,) = self.models.glob("huggingface/hub/models--acme--tiny/snapshots/*")
        self.shard = self.snapshot / "model-00001-of-00002.safetensors"

    def start(self, *words: str, small: bool = False) -> subprocess.Popen[str]:
        argv = [sys.executable, *(["-c", SMALL] if small else ["-m", "stackctl"]), *words]
        return subprocess.Popen(
            argv, cwd=ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *words: str, small: bool = False) -> tuple[int, str]:
        process = self.start(*words, small=small)
        try:
            out, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return process.returncode, out

    def flip(self) -> None:
        before = self.shard.stat()
        with self.shard.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
        os.utime(self.shard, ns=(before.st_atime_ns, before.st_mtime_ns))

    def rot(self) -> None:
        """Bits change and stat does not."""
        old = self.shard.stat()
        self.flip()
        new = self.shard.stat()
        lock = self.models / "models.lock"
        text = lock.read_text()
        assert str(old.st_ctime_ns) in text
        lock.write_text(text.replace(str(old.st_ctime_ns), str(new.st_ctime_ns)))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    make.model(tmp_path / "hub" / "acme" / "tiny", 8_000_000, shards=2)
    with Hub(tmp_path / "hub") as hub:
        yield Box(tmp_path, hub)


def test_a_flipped_bit_with_its_mtime_kept(box: Box) -> None:
    code, out = box.run("models", "verify", "hf:acme/tiny")
    assert (code, out.count("\n")) == (0, 1)
    box.flip()
    code, out = box.run("models", "verify", "--quick", "hf:acme/tiny")
    assert code == 0
    assert "[model.unsure]" in out
    code, out = box.run("models", "verify", "hf:acme/tiny")
    assert code == 1
    assert "[model.hash]" in out
    assert str(box.shard) in out
    assert "stackctl models repair hf:acme/tiny" in out


def test_rotten_bits_are_found_by_full_alone(box: Box) -> None:
    box.rot()
    assert box.run("models", "verify", "--quick", "hf:acme/tiny")[0] == 0
    assert box.run("models", "verify", "hf:acme/tiny")[0] == 0
    code, out = box.run("models", "verify", "--full", "--idle", "hf:acme/tiny")
    assert code == 1
    assert "[model.hash]" in out
    code, out = box.run("models", "verify", "--quick", "--json", "hf:acme/tiny")
    (found,) = json.loads(out)["findings"]
    assert (code, found["check"], found["values"]["damage"]) == (1, "model.hash", "hash")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_full_check_goes_on_after_its_end(box: Box, number: signal.Signals) -> None:
    words = ("models", "verify", "--full", "hf:acme/tiny")
    state = box.models / ".stackctl" / "full.json"
    process = box.start(*words, "--rate", "2", small=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (state.exists() and '"next"' in state.read_text()):
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        process.send_signal(number)
        process.send_signal(number)  # as `timeout` does
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    if number is not signal.SIGKILL:
        assert process.returncode == 130
        assert "the same command goes on with it" in out
    code, out = box.run(*words, small=True)
    assert code == 0
    assert "earlier in this check" in out
    assert not state.exists()


@pytest.mark.docker
def test_up_starts_nothing_on_a_model_that_is_not_right(box: Box) -> None:
    box.rot()
    assert "[model." not in box.run("up", "main", "--dry-run")[1]
    assert box.run("models", "verify", "--full", "main")[0] == 1
    code, out = box.run("up", "main")
    assert code == 1
    assert f"its model has wrong bytes: {box.shard}" in out
    assert "fix:      stackctl models repair main" in out
    assert "nothing was changed" in out
    box.shard.unlink()
    code, out = box.run("up", "main")
    assert code == 1
    assert f"its model is not there: {box.shard}" in out
    assert "fix:      stackctl models pull main" in out
    argv = [
        "docker",
        "ps",
        "-aq",
        "--filter",
        "label=com.docker.compose.project=verify-models-test",
    ]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b""
