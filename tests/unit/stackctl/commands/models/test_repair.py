"""`models repair`, as it is typed, against a publisher on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackctl.model import Space
from stackctl.models import lock
from stackctl.system import files
from stackctl.system.sha256 import RANGE
from tests.hub import FOREVER, Flip, Status, make
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


def test_nothing_to_do(at: World, large: Path) -> None:
    assert "nothing to repair: 1 file of 1 model" in at.good("repair", "hf:org/a").out
    assert at.hub.requests == []


@pytest.mark.parametrize(
    ("offsets", "fetched"),
    [
        ((0,), [RANGE]),
        ((RANGE + 5,), [RANGE]),
        ((SIZE - 1,), [SIZE - 2 * RANGE]),
        ((3, RANGE - 1, 2 * RANGE), [SIZE - 2 * RANGE, RANGE]),
    ],
)
def test_only_the_bad_ranges(
    at: World, large: Path, original: Path, offsets: tuple[int, ...], fetched: list[int]
) -> None:
    flip(large, *offsets)
    result = at.good("repair", "hf:org/a")
    assert f"{len(fetched)} of 3 ranges" in result.out
    assert "llama-cpp/x.gguf: right again" in result.out
    assert sorted(count for _, count in at.fetched()) == fetched
    assert same(large, original)
    assert list((at.folder / ".stackctl/parts").iterdir()) == []
    assert "nothing to repair" in at.good("repair", "hf:org/a").out
    assert "everything is here" in at.good("pull", "hf:org/a").out


@pytest.mark.parametrize("size", [RANGE + 100, 2 * RANGE, SIZE + 77])
def test_another_size(at: World, large: Path, original: Path, size: int) -> None:
    with large.open("r+b") as file:
        file.truncate(size)
    result = at.good("repair", "hf:org/a")
    assert f"{size} bytes, not {SIZE}" in result.out
    assert sum(count for _, count in at.fetched()) <= SIZE - RANGE
    assert same(large, original)


def test_chain_that_is_damaged_too(at: World, large: Path, original: Path) -> None:
    (chain,) = (at.folder / ".stackctl/chains").iterdir()
    lines = chain.read_text().splitlines()
    chain.write_text("\n".join(["0" * 64, *lines[1:]]) + "\n")
    flip(large, 2 * RANGE)
    at.good("repair", "hf:org/a")
    assert same(large, original)


def test_without_a_chain_the_whole_file(at: World, large: Path, original: Path) -> None:
    (chain,) = (at.folder / ".stackctl/chains").iterdir()
    chain.unlink()
    flip(large, 7)
    assert "all, 135.3 MB" in at.good("repair", "hf:org/a").out
    assert sum(count for _, count in at.fetched()) == SIZE
    assert same(large, original)
    assert not (at.folder / ".stackctl/quarantine").exists()


def test_download_that_is_further_than_the_damaged_file(
    at: World, large: Path, original: Path
) -> None:
    """What broke off before counts for more than one good range."""
    from stackctl.system.transfer.part import Part

    (file,) = at.models[0].files
    part = Part(at.folder / ".stackctl/parts", f"sha256-{file.digest.hex}", SIZE)
    with original.open("rb") as source:
        for index in (0, 1):
            part.add(index, source.read(RANGE))
    part.close()
    flip(large, 3, RANGE + 3)
    at.good("repair", "hf:org/a")
    assert sum(count for _, count in at.fetched()) == SIZE - 2 * RANGE
    assert same(large, original)


def test_missing_file(at: World, large: Path, original: Path) -> None:
    large.unlink()
    assert "missing" in at.good("repair", "hf:org/a").out
    assert same(large, original)


def test_small_files(at: World) -> None:
    repo = at.hub.add("org/b", {"config.json": b'{"theirs": 1}', "merges.txt": b"a b"})
    at.good("pull", "hf:org/b")
    home = at.snapshot("org/b", repo.head.id)
    (home / "config.json").write_text('{"mine": 1}')
    (home / "merges.txt").write_bytes(b"")
    at.fetched()
    result = at.good("repair", "hf:org/b")
    assert sorted(at.fetched()) == [("config.json", 13), ("merges.txt", 3)]
    (kept,) = [p for p in (at.folder / ".stackctl/quarantine").rglob("*") if p.is_file()]
    assert kept.read_text() == '{"mine": 1}'
    assert str(kept) in result.out
    assert (home / "config.json").read_bytes() == b'{"theirs": 1}'


def test_link_to_a_file_of_somebody_else(at: World, large: Path, original: Path) -> None:
    """A Hub cache that was adopted: its snapshot is made of links."""
    elsewhere = at.folder.parent / "blob"
    large.rename(elsewhere)
    large.symlink_to(elsewhere)
    flip(elsewhere, 5)
    before = elsewhere.read_bytes()
    at.good("repair", "hf:org/a")
    assert same(large, original)
    assert not large.is_symlink()
    assert elsewhere.read_bytes() == before


def test_commit_that_is_gone(at: World, large: Path, original: Path) -> None:
    flip(large, 5)
    repo = at.hub.repos["org/a"]
    del repo.commits[repo.head.id]
    result = at.run("repair", "hf:org/a")
    assert result.code == 1
    assert "stackctl models update hf:org/a" in result.out
    assert not same(large, original)
    assert large.stat().st_size == SIZE


def test_publisher_that_moved_on(at: World) -> None:
    """Ollama's tag and ModelScope's branch move; nothing is put in place then."""
    path = at.folder.parent / "m.gguf"
    make.gguf(path, 4096)
    repo = at.hub.add("library/x", {"m.gguf": path})
    repo.tag("1b")
    at.good("pull", "ollama:x:1b")
    manifest = at.folder / "ollama/manifests/registry.ollama.ai/library/x/1b"
    manifest.write_bytes(b"{}")
    make.gguf(path.with_name("n.gguf"), 4096, seed=1)
    repo.commit({"m.gguf": path.with_name("n.gguf")})
    repo.tag("1b")
    result = at.run("repair", "ollama:x:1b")
    assert result.code == 1
    assert "the publisher changed manifests/registry.ollama.ai/library/x/1b" in result.out
    assert "stackctl models update ollama:x:1b" in result.out
    assert manifest.read_bytes() == b"{}"


def test_publisher_that_sends_wrong_bytes(at: World) -> None:
    repo = at.hub.add("org/b", {"config.json": b'{"theirs": 1}'})
    at.good("pull", "hf:org/b")
    path = at.snapshot("org/b", repo.head.id) / "config.json"
    path.write_text('{"mine": 1}')
    at.hub.inject(Flip(path="/resolve/", at=3, times=FOREVER))
    result = at.run("repair", "hf:org/b")
    assert result.code == 1
    assert "config.json: git-sha1 is" in result.out
    assert path.read_text() == '{"mine": 1}'


@pytest.mark.parametrize("verb", ["repair", "pull"])
def test_line_that_breaks_leaves_it_no_worse(
    at: World, large: Path, original: Path, verb: str
) -> None:
    """One of two ranges comes: it stays, and the other is all that is left to do."""
    flip(large, 5, RANGE + 5)
    at.hub.inject(Status(path="/resolve/", code=404, skip=1, times=FOREVER))
    assert at.run(verb, "hf:org/a").code == 1
    assert large.stat().st_size == SIZE
    assert list((at.folder / ".stackctl/parts").iterdir()) == []
    at.hub.faults.clear()
    at.fetched()
    at.good(verb, "hf:org/a")
    assert sum(count for _, count in at.fetched()) == RANGE
    assert same(large, original)


def test_range_that_arrives_wrong_once(at: World, large: Path, original: Path) -> None:
    flip(large, 5)
    at.hub.inject(Flip(path="/resolve/", at=9))
    at.good("repair", "hf:org/a")
    assert same(large, original)


def test_no_room(at: World, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(large, 5)
    monkeypatch.setattr(files, "space", lambda path: Space(path, 63))
    result = at.run("repair", "hf:org/a")
    assert result.code == 1
    assert "67.1 MB are to be fetched" in result.err
    assert large.stat().st_size == SIZE


def test_two_files_of_one_content(at: World, original: Path) -> None:
    at.hub.add("org/c", {"a.gguf": original, "b.gguf": original})
    at.good("pull", "hf:org/c", "--to", "llama-cpp")
    at.fetched()
    one, two = at.folder / "llama-cpp/a.gguf", at.folder / "llama-cpp/b.gguf"
    flip(one, 5)  # both, as it is one file with two names
    at.good("repair", "hf:org/c")
    assert sum(count for _, count in at.fetched()) == RANGE
    assert same(one, original)
    assert same(two, original)
    assert lock.find(at.models, at.models[0].source)
    assert "nothing to repair" in at.good("repair", "hf:org/c").out
