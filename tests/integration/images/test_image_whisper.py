"""The real whisper-server, on a simulated GPU and without."""

from pathlib import Path

import pytest
import requests

from gpusim.rigged.catalogue import write_all
from tests.integration.images.engine_container import engine, stop_seconds

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("gpus", [(), (2,), (0, 1)], ids=["cpu", "gpu", "gpus"])
def test_transcribes(tmp_path: Path, gpus: tuple[int, ...]) -> None:
    write_all(tmp_path)
    tmp_path.chmod(0o755)
    with engine(
        "sim-whisper",
        *("--host", "0.0.0.0", "--port", "8000", "--model", "/models/whisper/ggml-tiny-rigged.bin"),
        *("--inference-path", "/v1/audio/transcriptions"),
        gpus=gpus,
        models=tmp_path,
    ) as container:
        container.wait_for("/health")
        log = container.log()
        if gpus:
            assert "whisper_backend_init_gpu: using RPC0 backend" in log
            assert "RPC0[127.0.0.1:50052] total size =" in log
        else:
            assert "whisper_backend_init_gpu: no GPU found" in log
            assert "          CPU total size =" in log
        assert f"devices    = {1 + len(gpus)}" in log
        with (tmp_path / "whisper/clip.wav").open("rb") as clip:
            answer = requests.post(
                f"{container.url}/v1/audio/transcriptions", files={"file": clip}, timeout=30
            )
        assert answer.json()["text"].strip() == "hello from tiny whisper"
        assert stop_seconds(container) < 8  # killed after 10
