"""`models repair`: who uses the file, who publishes it, what no lock has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackctl.commands import plan
from stackctl.commands import up as up_command
from stackctl.commands.models import users
from stackctl.commands.models.shelf import open_shelf
from stackctl.model import Kind, Mount, Service, Source, Stack, StackError
from stackctl.system.sha256 import RANGE
from tests.hub import FOREVER, Status, make
from tests.unit.stackctl.commands.models.world import World, world

SIZE = 2 * RANGE + (1 << 20)


@pytest.fixture
def at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    with world(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three ranges, the last of them short."""
    path = tmp_path_factory.mktemp("original") / "x.gguf"
    make.gguf(path, SIZE, sparse=True)
    with path.open("r+b") as file:  # no two ranges alike
        for at in range(1 << 20, SIZE, 1 << 24):
            file.seek(at)
            file.write(at.to_bytes(8))
    return path


@pytest.fixture
def large(at: World, original: Path) -> Path:
    """A large file that was pulled, and nothing logged."""
    at.hub.add("org/a", {"x.gguf": original})
    at.good("pull", "hf:org/a", "--to", "llama-cpp")
    at.hub.forget()
    return at.folder / "llama-cpp/x.gguf"


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def flip(path: Path, *offsets: int) -> None:
    with path.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 1]))


def test_plan_alone_changes_nothing(at: World, large: Path) -> None:
    flip(large, 5)
    before = large.read_bytes()
    at.engine("coder", "x")
    result = at.good("repair", "hf:org/a", "--dry-run")
    assert "coder uses llama-cpp/x.gguf" in result.out
    assert "1 of 3 ranges, 67.1 MB" in result.out
    assert f"127.0.0.1:{at.hub.port}" in result.out
    assert large.read_bytes() == before
    assert at.hub.requests == []


def test_in_use(at: World, large: Path, original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restarted: list[tuple[list[str], bool]] = []

    def up(roles: list[str], **how: Any) -> int:
        assert same(large, original)
        restarted.append((roles, how["recreate"]))
        return 1

    monkeypatch.setattr(up_command, "up", up)
    at.engine("coder", "x")
    at.engine("main", "another")
    at.engine("far", "x", project="another-stack")
    at.good("repair", "hf:org/a")
    assert restarted == []
    flip(large, 5)
    result = at.run("repair", "hf:org/a")
    assert result.code == 1
    assert "coder and another-stack/far use it; they will be restarted" in result.out
    assert "stackctl models repair --yes" in result.out
    assert restarted == []
    assert at.hub.requests == []
    result = at.run("repair", "hf:org/a", "--yes")
    assert restarted == [(["coder"], True)]
    assert result.code == 1, "what `restart` found wrong counts"
    assert "another-stack/far has the wrong bytes in memory" in result.out


def test_no_restart_on_files_that_are_still_wrong(
    at: World, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_command, "up", lambda *_a, **_k: pytest.fail("restarted"))
    at.engine("coder", "x")
    flip(large, 5)
    before = large.read_bytes()
    at.hub.inject(Status(path="/api/", code=404, times=FOREVER))
    result = at.run("repair", "hf:org/a", "--yes")
    assert result.code == 1
    assert "coder is not restarted" in result.out
    assert large.read_bytes() == before


def test_docker_that_may_not_be_asked(
    at: World, large: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def services(self) -> None:
            raise StackError("no permission on the Docker socket")

    monkeypatch.setattr(users, "Docker", Closed)
    flip(large, 5)
    result = at.run("repair", "hf:org/a")
    assert result.code == 1
    assert "not known who uses these files" in result.out
    at.good("repair", "hf:org/a", "--yes")
    assert same(large, original)


def test_offline(at: World, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    flip(large, 5)
    before = large.read_bytes()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = at.run("repair", "hf:org/a")
    assert result.code == 1
    (file,) = at.models[0].files
    for text in (
        f"  {large}\n",
        f"size    {SIZE} bytes (135.3 MB)",
        f"sha256  {file.digest.hex}",
        f"source  hf:org/a at {at.models[0].revision}, its x.gguf",
        f"URL     http://127.0.0.1:9/org/a/resolve/{at.models[0].revision}/x.gguf",
        "put each at its path, then run: stackctl models verify",
        "stackctl models import models.tar",
    ):
        assert text in result.out, result.out
    assert large.read_bytes() == before


def test_role_of_which_nothing_is_locked(at: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = Mount(str(at.folder), "/models", bind=True)
    service = Service("coder", "coder", "llama-cpp", "x", mounts=(mount,))
    monkeypatch.setattr(plan, "resolve", lambda config: Stack("p", (service,)))
    result = at.run("repair", "coder")
    assert result.code == 1
    assert "no model of coder is in" in result.out
    assert "no model of this box is in" in at.good("repair").out


def test_nobody_publishes_it(at: World) -> None:
    at.hub.add("org/b", {"x.txt": b"right"})
    at.good("pull", "hf:org/b", "--to", "mine")
    source = Source(Kind.FILE, "mine/x.txt")
    shelf = open_shelf()
    shelf.change(lambda models: (replace(models[0], source=source, stated=False),))
    path = at.folder / "mine/x.txt"
    path.write_bytes(b"wrong")
    at.hub.forget()
    result = at.run("repair", "file:mine/x.txt")
    assert result.code == 1
    assert "no publisher has it" in result.out
    assert f"stackctl models adopt {path}" in result.out
    assert str(at.models[0].files[0].digest.hex) in result.out
    assert path.read_bytes() == b"wrong"
    assert at.hub.requests == []


def test_broken_file_that_no_lock_has(at: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = Mount(str(at.folder), "/models", bind=True)
    service = Service("coder", "coder", "llama-cpp", "x", mounts=(mount,))
    monkeypatch.setattr(plan, "resolve", lambda config: Stack("p", (service,)))
    path = at.folder / "llama-cpp/x.gguf"
    path.parent.mkdir()
    path.write_bytes(b"<html>log in</html>" * 100)
    for words in (["repair"], ["repair", "coder"]):
        result = at.run(*words)
        assert result.code == 1
        assert "it is not in the lock" in result.out
        assert "stackctl models adopt" in result.out


def test_role_names_what_its_engine_loads(
    at: World, large: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = Mount(str(at.folder), "/models", bind=True)
    service = Service("coder", "coder", "llama-cpp", "x", mounts=(mount,))
    monkeypatch.setattr(plan, "resolve", lambda config: Stack("p", (service,)))
    flip(large, 5)
    at.good("repair", "coder")
    assert same(large, original)
