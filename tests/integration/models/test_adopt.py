"""Adopting what the real huggingface_hub left, with stackctl as a process and no hub any more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub import Hub, make

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "http://127.0.0.1:9"
_CACHE = "from huggingface_hub import snapshot_download as d; d('org/tiny')"
_LOCAL = (
    "import sys; from huggingface_hub import hf_hub_download as d;"
    "d('org/gg', 'a-Q4.gguf', local_dir=sys.argv[1])"
)
_FOLDER = (
    "import sys; from huggingface_hub import snapshot_download as d;"
    "d('org/tiny', local_dir=sys.argv[1])"
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models' folder into which the Hub's own library downloaded."""
    published, folder = tmp_path / "published", tmp_path / "models"
    make.model(published / "org/tiny", 2_000_000)
    (published / "org/gg").mkdir()
    make.gguf(published / "org/gg/a-Q4.gguf", 512_000)
    make.gguf(published / "org/gg/a-Q8.gguf", 1_024_000, seed=1)
    with Hub(published) as hub:
        env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "huggingface")}
        env |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        for code, to in (
            (_CACHE, ""),
            (_LOCAL, str(folder / "llama-cpp")),
            (_FOLDER, str(folder / "plain")),
        ):
            subprocess.run(
                [sys.executable, "-c", code, to],
                env=env,
                check=True,
                timeout=60,
                capture_output=True,
            )
    return folder


def stackctl(models: Path, *words: str, hub: str = NOWHERE) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "stackctl", "models", *words],
        env={
            **os.environ,
            "HF_ENDPOINT": hub,
            "MODELS_DIR": str(models),
            "STACKCTL_HOME": str(ROOT),
            "STACKCTL_PROFILE": "sim",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_offline_with_the_hubs_own_word(models: Path) -> None:
    code, said = stackctl(models, "adopt", "huggingface")
    assert code == 0, said
    assert "hf:org/tiny: 7 files, every hash is right" in said
    code, said = stackctl(models, "adopt", "llama-cpp/a-Q4.gguf", "--source", "hf:org/gg")
    assert code == 0, said
    # --local-dir keeps no name, but the cache has the branch
    code, said = stackctl(models, "adopt", "plain")
    assert code == 0, said
    assert "a second copy of hf:org/tiny" in said
    code, said = stackctl(models, "verify")
    assert code == 0, said
    code, said = stackctl(models, "list")
    assert "hf:org/gg/a-Q4.gguf" in said
    assert "hf:org/tiny" in said
    assert "not locked" not in said


def test_damage_in_what_the_library_left(models: Path) -> None:
    for name in ("plain", next(models.glob("huggingface/hub/models--org--tiny/snapshots/*")).name):
        (shard,) = models.rglob(f"{name}/model-00002-of-00002.safetensors")
        data = bytearray(shard.read_bytes())
        data[-5] ^= 1
        shard.write_bytes(data)
    code, said = stackctl(models, "adopt", str(models))
    assert code == 1, said
    assert said.count("model-00002-of-00002.safetensors: its sha256 is") == 2
    assert "stackctl models repair hf:org/tiny" in said


def test_a_lost_lock_is_written_anew(tmp_path: Path) -> None:
    published, folder = tmp_path / "published", tmp_path / "models"
    folder.mkdir()
    make.model(published / "org/tiny", 2_000_000)
    with Hub(published) as hub:
        code, said = stackctl(folder, "pull", "hf:org/tiny", hub=hub.url)
    assert code == 0, said
    before = (folder / "models.lock").read_text()
    (folder / "models.lock").unlink()
    code, said = stackctl(folder, "adopt", str(folder))
    assert code == 0, said
    after = (folder / "models.lock").read_text()
    assert [line.split('"verified"')[0] for line in before.splitlines()] == [
        line.split('"verified"')[0] for line in after.splitlines()
    ]
