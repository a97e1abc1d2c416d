"""stackctl as a process, with a models' folder of its own and a publisher on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hub import Hub

REPOSITORY = Path(__file__).parents[3]
#: seconds for any one command
PATIENCE = 60.0


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass
class Commands:
    folder: Path
    hub: Hub

    @property
    def environ(self) -> dict[str, str]:
        """Without any Docker daemon: whose engines run here is nobody's business."""
        foreign = ("STACKCTL_", "COMPOSE_", "DOCKER_", "HF_", "MODELSCOPE_", "OLLAMA_")
        base = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return base | {
            "PYTHONPATH": str(REPOSITORY),
            "STACKCTL_PROFILE": "sim",
            "MODELS_DIR": str(self.folder),
            "HF_ENDPOINT": self.hub.url,
            "MODELSCOPE_ENDPOINT": self.hub.url,
            "OLLAMA_REGISTRY": self.hub.url,
            "DOCKER_HOST": f"unix://{self.folder.parent}/nowhere.sock",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stackctl", "models", *words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> Result:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert "Traceback" not in out + err, out + err
        return Result(process.returncode, out, err)

    def good(self, *words: str) -> Result:
        result = self.run(*words)
        assert result.code == 0, result.text
        return result

    def sent(self) -> int:
        """Bytes of files that the hub sent since it was last asked."""
        count = sum(line.sent for line in self.hub.requests if "/resolve/" in line.path)
        self.hub.forget()
        return count


def wait_until(met: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
