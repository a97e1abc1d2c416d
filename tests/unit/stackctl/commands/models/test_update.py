"""`models update`, as it is typed, against a publisher on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackctl.commands.models import orphans
from stackctl.commands.models.shelf import open_shelf
from tests.hub import FOREVER, Status, make
from tests.unit.stackctl.commands.models.world import World, world

LARGE = 5 << 20


@pytest.fixture
def at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    with world(tmp_path, monkeypatch, capsys) as made:
        yield made


def weights(at: World, seed: int = 0, size: int = LARGE) -> bytes:
    path = at.folder.parent / f"{seed}.gguf"
    make.gguf(path, size, seed=seed)
    return path.read_bytes()


def test_update(at: World) -> None:
    big = weights(at)
    repo = at.hub.add("org/a", {"x.gguf": big, "config.json": b'{"a": 1}', "gone.txt": b"x"})
    at.good("pull", "hf:org/a")
    old = repo.head.id
    assert "nothing new" in at.good("update").out
    repo.commit({"config.json": b'{"a": 2}'}, remove=["gone.txt"])
    at.fetched()
    at.good("update", "--dry-run")
    assert at.main("org/a") == old
    result = at.good("update")
    assert f"{old[:12]} -> {repo.head.id[:12]}" in result.out
    assert f"the files of {old[:12]} stay until: stackctl models prune" in result.out
    assert [name for name, _ in at.fetched()] == ["config.json"]
    assert at.main("org/a") == repo.head.id
    assert (at.snapshot("org/a", old) / "config.json").read_bytes() == b'{"a": 1}'
    new = at.snapshot("org/a", repo.head.id)
    assert (new / "config.json").read_bytes() == b'{"a": 2}'
    assert (new / "x.gguf").samefile(at.snapshot("org/a", old) / "x.gguf")
    assert "everything is here" in at.good("pull", "hf:org/a").out


def test_update_that_breaks_off_leaves_the_old_model_and_goes_on(at: World) -> None:
    repo = at.hub.add("org/a", {"a.gguf": weights(at, 1), "b.gguf": weights(at, 2)})
    at.good("pull", "hf:org/a")
    old = repo.head.id
    repo.commit({"a.gguf": weights(at, 3), "b.gguf": weights(at, 4)})
    at.hub.inject(Status(path="/b.gguf", code=404, times=FOREVER))
    assert at.run("update").code == 1
    assert at.main("org/a") == old
    assert at.models[0].revision == old
    assert "everything is here" in at.good("pull", "hf:org/a").out
    orphans.clean(open_shelf())
    at.hub.faults.clear()
    at.fetched()
    at.good("update", "hf:org/a")
    assert {name for name, _ in at.fetched()} == {"b.gguf"}
    assert at.main("org/a") == repo.head.id
    assert not list((at.folder / ".stackctl/updates").iterdir())


def test_update_in_a_folder_of_ones_own(at: World) -> None:
    repo = at.hub.add("org/a", {"x.gguf": weights(at, 1)})
    at.good("pull", "hf:org/a", "--to", "llama-cpp")
    at.engine("coder", "x")
    repo.commit({"x.gguf": weights(at, 2)})
    result = at.good("update")
    assert (at.folder / "llama-cpp/x.gguf").read_bytes() == weights(at, 2)
    assert "coder still runs with the old files: stackctl restart coder" in result.out
    assert not (at.folder / ".stackctl/quarantine").exists()
    assert "nothing new" in at.good("update").out
