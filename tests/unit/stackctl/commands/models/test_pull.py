"""`models pull` and `models update`, as they are typed, against a publisher on loopback."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackctl.commands import plan
from stackctl.commands.models import orphans
from stackctl.commands.models.shelf import open_shelf
from stackctl.model import Mount, Service, Space, Stack
from stackctl.system import files
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


def test_plan_alone_changes_nothing(at: World) -> None:
    at.hub.add("org/a", {"x.gguf": weights(at), "config.json": b"{}"})
    result = at.good("pull", "hf:org/a", "--dry-run")
    assert list(at.folder.iterdir()) == []
    assert "to fetch: 5.2 MB" in result.out
    assert f"127.0.0.1:{at.hub.port}" in result.out
    assert "are free" in result.out


def test_second_pull_asks_nobody(at: World) -> None:
    repo = at.hub.add("org/a", {"x.gguf": weights(at), "config.json": b"{}"})
    assert "2 files, every hash is right; 5.2 MB in" in at.good("pull", "hf:org/a").out
    assert at.main("org/a") == repo.head.id
    at.hub.forget()
    assert "everything is here" in at.good("pull", "hf:org/a").out
    assert at.hub.requests == []


def test_name_that_was_lost_is_written_again(at: World) -> None:
    repo = at.hub.add("org/a", {"config.json": b"{}"})
    at.good("pull", "hf:org/a")
    (at.folder / "huggingface/hub/models--org--a/refs/main").write_text("0" * 40)
    at.good("pull", "hf:org/a")
    assert at.main("org/a") == repo.head.id


def test_pinned_to_its_commit(at: World) -> None:
    repo = at.hub.add("org/a", {"x.txt": b"old"})
    at.good("pull", "hf:org/a")
    commit = repo.head.id
    repo.commit({"x.txt": b"new"})
    (at.snapshot("org/a", commit) / "x.txt").unlink()
    at.good("pull", "hf:org/a")
    assert (at.snapshot("org/a", commit) / "x.txt").read_bytes() == b"old"
    assert at.main("org/a") == commit


@pytest.mark.parametrize("size", [64, LARGE])
def test_one_content_under_two_names_comes_once(at: World, size: int) -> None:
    data = weights(at, size=max(size, 512))
    repo = at.hub.add("org/a", {"a.gguf": data, "b.gguf": data, "deep/c.gguf": data})
    at.good("pull", "hf:org/a")
    assert len(at.fetched()) == 1
    for name in ("a.gguf", "b.gguf", "deep/c.gguf"):
        assert (at.snapshot("org/a", repo.head.id) / name).read_bytes() == data
    assert "everything is here" in at.good("pull", "hf:org/a").out


def test_content_of_another_model_is_not_fetched_again(at: World) -> None:
    data = weights(at)
    at.hub.add("org/a", {"a.gguf": data})
    at.hub.add("org/b", {"b.gguf": data, "config.json": b"{}"})
    at.good("pull", "hf:org/a")
    at.fetched()
    assert "1 content here already under another name" in at.good("pull", "hf:org/b").out
    assert [name for name, _ in at.fetched()] == ["config.json"]
    assert "everything is here" in at.good("pull", "hf:org/a", "hf:org/b").out


def test_what_its_owner_changed_is_kept(at: World) -> None:
    repo = at.hub.add("org/a", {"config.json": b'{"theirs": 1}'})
    at.good("pull", "hf:org/a")
    path = at.snapshot("org/a", repo.head.id) / "config.json"
    path.write_text('{"mine": 1}')
    result = at.good("pull", "hf:org/a")
    assert path.read_bytes() == b'{"theirs": 1}'
    (kept,) = [p for p in (at.folder / ".stackctl/quarantine").rglob("*") if p.is_file()]
    assert kept.read_text() == '{"mine": 1}'
    assert f"what stood there instead is kept: {kept}" in result.out


def test_what_is_surely_broken_is_not_kept(at: World) -> None:
    data = weights(at)
    repo = at.hub.add("org/a", {"x.gguf": data})
    at.good("pull", "hf:org/a")
    path = at.snapshot("org/a", repo.head.id) / "x.gguf"
    path.write_bytes(data[:1000])
    at.good("pull", "hf:org/a")
    assert path.read_bytes() == data
    assert not (at.folder / ".stackctl/quarantine").exists()


def test_what_cannot_be_fetched_leaves_what_is_there(at: World) -> None:
    repo = at.hub.add("org/a", {"config.json": b'{"theirs": 1}'})
    at.good("pull", "hf:org/a")
    path = at.snapshot("org/a", repo.head.id) / "config.json"
    path.write_text('{"mine": 1}')
    at.hub.inject(Status(path="/resolve/", code=404, times=FOREVER))
    result = at.run("pull", "hf:org/a")
    assert result.code == 1
    assert "not complete: hf:org/a" in result.out
    assert path.read_text() == '{"mine": 1}'
    assert not (at.folder / ".stackctl/quarantine").exists()


def test_one_model_that_fails_stops_no_other(at: World) -> None:
    for name in ("a", "b", "c"):
        at.hub.add(f"org/{name}", {"config.json": f'{{"{name}": 1}}'.encode()})
    at.hub.inject(Status(path="/org/b/resolve/", code=404, times=FOREVER))
    result = at.run("pull", "hf:org/none", "hf:org/a", "hf:org/b", "hf:org/c")
    assert result.code == 1
    assert "org/none does not exist" in result.out
    assert "not complete: hf:org/b" in result.out
    at.hub.forget()
    at.good("pull", "hf:org/a", "hf:org/c")
    assert at.hub.requests == []


def test_no_room_is_an_error_before_anything_is_done(
    at: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.hub.add("org/a", {"x.gguf": weights(at)})
    monkeypatch.setattr(files, "space", lambda path: Space(path, 4))
    result = at.run("pull", "hf:org/a")
    assert result.code == 1
    assert "5.2 MB are to be fetched, and" in result.err
    assert "4.2 MB free" in result.err
    assert list(at.folder.iterdir()) == []


def test_broken_downloads_that_nothing_needs_are_removed(at: World) -> None:
    at.hub.add("org/a", {"x.gguf": weights(at)})
    at.good("pull", "hf:org/a")
    shelf = open_shelf()
    (file,) = at.models[0].files
    parts = at.folder / ".stackctl/parts"
    wanted = parts / f"sha256-{file.digest.hex}.part"
    stray, old = parts / f"sha256-{'0' * 64}.part", parts / f"sha256-{'1' * 64}.part"
    noted = parts / f"sha256-{'2' * 64}.part"
    for path in (wanted, stray, stray.with_suffix(".log"), old, noted):
        path.write_bytes(b"x" * 5000)
    note = at.folder / ".stackctl/updates/one"
    note.parent.mkdir()
    note.write_text(noted.stem)
    orphans.clean(shelf)
    assert sorted(parts.iterdir()) == sorted([wanted, noted])
    long_ago = time.time() - 30 * 86400
    os.utime(wanted, (long_ago, long_ago))
    orphans.clean(shelf)
    assert list(parts.iterdir()) == [noted]


def test_part_that_another_process_writes_stays(at: World) -> None:
    import fcntl

    at.hub.add("org/a", {"x.txt": b"x"})
    at.good("pull", "hf:org/a")
    path = at.folder / ".stackctl/parts" / f"sha256-{'0' * 64}.part"
    with path.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        orphans.clean(open_shelf())
        assert path.exists()
    orphans.clean(open_shelf())
    assert not path.exists()


def test_pull_says_that_the_publisher_moved_on(at: World) -> None:
    """ModelScope has no commits: what the lock pins may be gone."""
    repo = at.hub.add("org/a", {"x.txt": b"old", "y.txt": b"y"})
    at.good("pull", "ms:org/a")
    repo.commit({"x.txt": b"new"})
    (file,) = [f for f in at.models[0].files if f.origin == "x.txt"]
    (at.folder / file.path).unlink()
    result = at.run("pull", "ms:org/a")
    assert result.code == 1
    assert "the publisher changed x.txt of ms:org/a" in result.out
    assert "stackctl models update ms:org/a" in result.out
    assert not (at.folder / file.path).exists()
    at.good("update")
    assert "everything is here" in at.good("pull", "ms:org/a").out


def test_ollama(at: World) -> None:
    at.hub.add("library/x", {"m.gguf": weights(at), "template": b"{{ .Prompt }}"}).tag("1b")
    at.good("pull", "ollama:x:1b")
    assert (at.folder / "ollama/manifests/registry.ollama.ai/library/x/1b").is_file()
    assert "everything is here" in at.good("pull", "ollama:x:1b").out


def test_file_of_ones_own(at: World) -> None:
    result = at.run("pull", "file:llama-cpp/x.gguf")
    assert result.code == 1
    assert "is not there" in result.out
    at.hub.add("org/a", {"x.gguf": weights(at)})
    at.good("pull", "hf:org/a", "--to", "llama-cpp")
    assert "its hash was right" in at.good("pull", "file:llama-cpp/x.gguf").out
    (at.folder / "llama-cpp/y.gguf").write_bytes(weights(at))
    result = at.good("pull", "file:llama-cpp/y.gguf")
    assert f"stackctl models adopt {at.folder}/llama-cpp/y.gguf" in result.out


def test_role_without_a_source(at: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = Mount(str(at.folder), "/models", bind=True)
    service = Service("coder", "coder", "llama-cpp", "x", mounts=(mount,))
    monkeypatch.setattr(plan, "resolve", lambda config: Stack("p", (service,)))
    result = at.run("pull", "coder")
    assert result.code == 1
    assert "coder: name where CODER_MODEL comes from: CODER_SOURCE=hf:" in result.out
    (at.folder / "llama-cpp").mkdir()
    (at.folder / "llama-cpp/x.gguf").write_bytes(weights(at))
    assert "CODER_SOURCE" in at.good("pull", "coder").out


def test_publisher_with_a_broken_file(at: World) -> None:
    at.hub.add("org/a", {"x.gguf": weights(at)[: LARGE // 2]})
    result = at.run("pull", "hf:org/a")
    assert result.code == 1
    assert "the publisher's file is so: its hash is right" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pull", "hf:"], "org/name"),
        (["pull", "org/name"], "who publishes it"),
        (["pull", "hf:org/a", "--to", "../x"], "not a folder for models"),
        (["pull", "hf:org/a", "--to", "/x"], "not a folder for models"),
        (["pull", "hf:org/a", "--include", "nothing*"], "org/a"),
        (["pull", "hf:org/a@nowhere"], "nowhere"),
        (["pull", "hf:org/none"], "does not exist"),
        (["pull", "--to", "x"], "go with a source"),
        (["update", "hf:org/a"], "is not among the models"),
        (["repair", "hf:org/a"], "is not among the models"),
    ],
)
def test_mistakes_are_explained(at: World, words: list[str], said: str) -> None:
    at.hub.add("org/a", {"x.txt": b"x"})
    result = at.run(*words)
    assert result.code == 2, result.text
    assert said in result.err
    assert "fix:" in result.err
    assert list(at.folder.iterdir()) == []


def test_lock_that_cannot_be_read(at: World) -> None:
    (at.folder / "models.lock").write_text("{")
    for words in (["pull", "hf:org/a"], ["update"], ["repair", "hf:org/a"]):
        result = at.run(*words)
        assert result.code == 1
        assert "models.lock, line 1" in result.err


def test_folder_that_is_not_there(at: World) -> None:
    at.folder.rmdir()
    result = at.run("pull", "hf:org/a")
    assert result.code == 1
    assert "the folder of the models is not there" in result.err


def test_receipts_name_every_file(at: World) -> None:
    repo = at.hub.add("org/a", {"config.json": b"{}", "x.gguf": weights(at)})
    at.good("pull", "hf:org/a")
    home = at.snapshot("org/a", repo.head.id) / ".cache/huggingface"
    assert (home / "download/x.gguf.metadata").read_text().startswith(repo.head.id)
    assert (home / "download/config.json.metadata").is_file()
