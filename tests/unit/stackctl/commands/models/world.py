"""A models' folder, a publisher on loopback, and stackctl as it is typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stackctl.__main__ import main
from stackctl.commands.models import users
from stackctl.model import Container, LockedModel, Mount, Service
from stackctl.models import lock
from tests.hub import Hub

#: of the Hub's layout
CACHE = "huggingface/hub"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass
class Engines:
    """What stands for the Docker daemon: containers that run."""

    pairs: list[tuple[Service, Container]] = field(default_factory=list)

    def services(self, project: str = "") -> tuple[tuple[Service, Container], ...]:
        return tuple(self.pairs)


@dataclass
class World:
    folder: Path
    hub: Hub
    engines: Engines
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> Result:
        self.capsys.readouterr()
        code = main(["models", *words])
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    def good(self, *words: str) -> Result:
        result = self.run(*words)
        assert result.code == 0, result.text
        return result

    @property
    def models(self) -> tuple[LockedModel, ...]:
        return lock.read((self.folder / "models.lock").read_text())

    def snapshot(self, repo: str, revision: str) -> Path:
        name = repo.replace("/", "--")
        return self.folder / CACHE / f"models--{name}" / "snapshots" / revision

    def main(self, repo: str) -> str:
        """What the name of a model means to engines."""
        name = repo.replace("/", "--")
        return (self.folder / CACHE / f"models--{name}" / "refs" / "main").read_text()

    def fetched(self) -> list[tuple[str, int]]:
        """Files that the hub sent since it was last asked, and how many bytes of each."""
        sent = [
            (line.path.rpartition("/")[2], line.sent)
            for line in self.hub.requests
            if "/resolve/" in line.path or "/blobs/" in line.path or "FilePath" in line.path
        ]
        self.hub.forget()
        return sent

    def engine(self, role: str, model: str, source: str = "", project: str = "stackctl") -> None:
        """A llama.cpp that runs with what is in the folder."""
        service = Service(
            name=role, role=role, engine="llama-cpp", model=model,
            mounts=(Mount(str(self.folder), "/models", bind=True),),
            sources=(source,) if source else (),
        )  # fmt: skip
        self.engines.pairs.append(
            (service, Container("0" * 64, f"{project}-{role}-1", project, "running"))
        )


@contextmanager
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    folder = tmp_path / "models"
    folder.mkdir()
    engines = Engines()
    with Hub(tmp_path / "hub") as hub:
        values = {
            "MODELS_DIR": str(folder),
            "STACKCTL_PROFILE": "sim",
            "HF_ENDPOINT": hub.url,
            "MODELSCOPE_ENDPOINT": hub.url,
            "OLLAMA_REGISTRY": hub.url,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        for name in ("HF_TOKEN", "MODELSCOPE_API_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(users, "Docker", lambda: engines)
        yield World(folder.resolve(), hub, engines, capsys)
