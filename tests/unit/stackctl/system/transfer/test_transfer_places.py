"""Where files come to lie: names, links, owners, disks, and who may not write."""

from __future__ import annotations

import errno
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from stackctl.system.store import Store
from stackctl.system.transfer import Job, Patience, place
from stackctl.system.web import Web
from tests.hub import FOREVER, Status
from tests.hub.make import NAMES
from tests.unit.stackctl.system.transfer.conftest import DATA, RANGE, Desk, git, sha


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(desk: Desk, name: str) -> None:
    job = desk.publish(name, DATA)
    desk.right(replace(job, url=f"{desk.hub.url}/files/acme/tiny/{quote(name)}"))


def test_git_sha1_and_empty(desk: Desk) -> None:
    text = DATA[: 2 * RANGE]  # larger than what is small otherwise
    desk.right(replace(desk.publish("a.json", text), digest=git(text)), text)
    desk.changes.clear()
    desk.right(desk.publish("empty", b""), b"")
    desk.right(replace(desk.publish("empty2", b""), digest=git(b"")), b"")
    assert len(desk.hub.requests) == 1


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_a_link_under_the_final_name_is_replaced(desk: Desk, size: int) -> None:
    data = DATA[:size]
    job = desk.publish("w.gguf", data)
    other = desk.folder / "other"
    other.write_bytes(data)  # even where what it leads to would be right: it may be another's
    job.target.symlink_to(other)
    desk.right(job, data)
    assert other.read_bytes() == data
    assert other.stat().st_ino != job.target.stat().st_ino


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_what_is_there_and_right_is_not_fetched(desk: Desk, size: int) -> None:
    data = DATA[:size]
    job = desk.publish("w.gguf", data)
    desk.right(job, data)
    desk.changes.clear()
    desk.hub.forget()
    (fetched,) = desk.fetch(job)
    assert fetched.stamp is not None
    assert desk.hub.requests == []
    assert sum(desk.changes) == size


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_what_is_there_and_wrong_is_replaced_when_the_right_one_is_there(
    desk: Desk, size: int
) -> None:
    data = DATA[:size]
    job = desk.publish("w.gguf", data)
    job.target.write_bytes(bytes(size))
    desk.hub.inject(Status(code=404))
    (fetched,) = desk.fetch(job, connections=1)
    assert fetched.failure is not None
    assert job.target.read_bytes() == bytes(size)
    desk.changes.clear()
    desk.right(job, data)


def test_a_folder_under_the_final_name(desk: Desk, big: Job) -> None:
    (big.target / "sub").mkdir(parents=True)
    (fetched,) = desk.fetch(big)
    assert fetched.failure is not None
    assert fetched.failure.message.startswith(f"{big.target}: ")
    (big.target / "sub").rmdir()
    big.target.rmdir()
    desk.changes.clear()
    desk.hub.forget()
    desk.right(big)
    assert desk.sent == 0


def test_a_file_where_a_folder_should_be(desk: Desk, big: Job) -> None:
    (desk.folder / "org").write_bytes(b"")
    job = replace(big, target=desk.folder / "org" / "name" / "w")
    (fetched,) = desk.fetch(job)
    assert fetched.failure is not None
    assert "there is a file where a folder should be" in fetched.failure.message


def test_a_read_only_disk(desk: Desk, big: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: object, *more: object, **named: object) -> int:
        if str(path).endswith(".part"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert "the file system is read-only" in desk.wrong(big)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("size", [10, len(DATA)])
def test_what_root_makes_belongs_to_the_owner_of_the_folder(desk: Desk, size: int) -> None:
    data = DATA[:size]
    os.chown(desk.folder, 65534, 65534)
    job = desk.publish("w.gguf", data)
    job = replace(job, target=desk.folder / "org" / "name" / "w.gguf")
    umask = os.umask(0o077)
    try:
        desk.hub.inject(Status(code=404, skip=1))
        desk.fetch(job, connections=1)
        desk.changes.clear()
        desk.right(job, data)
    finally:
        os.umask(umask)
    made = [*desk.folder.rglob("*")]
    assert len(made) == 4
    assert {path.stat().st_uid for path in made} == {65534}


def test_another_disk_below_the_models(tmp_path: Path) -> None:
    """Somebody linked models/ollama to another disk."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    store = Store(tmp_path)
    with tempfile.TemporaryDirectory(dir=shm) as other:
        (tmp_path / "ollama").symlink_to(other)
        inside = tmp_path / "ollama" / "blobs" / "sha256-x"
        assert store.parts_for(tmp_path / "hub" / "w") == store.parts
        assert store.parts_for(inside) == tmp_path / "ollama" / ".stackctl-parts"
        assert store.parts_for(Path(other) / "w") == Path(other) / ".stackctl-parts"


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_disks_that_cannot_be_told_apart(
    desk: Desk, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bind mount of the same disk: renaming fails only when it is tried."""
    data = DATA[:size]
    real = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.parent != target.parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(self), None, str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    desk.right(desk.publish("w.gguf", data), data)
    assert sorted(path.name for path in desk.folder.iterdir()) == [".parts", "w.gguf"]


def test_no_draft_stays_when_a_copy_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a" / "w"
    source.parent.mkdir()
    source.write_bytes(DATA)

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="cross-device"):
        place.put(source, tmp_path / "b" / "w")
    assert source.exists()
    assert list((tmp_path / "b").iterdir()) == []


def test_many_small_files(desk: Desk) -> None:
    files = {f"p{n // 100}/{n}.txt": b"%d" % n for n in range(300)}
    repo = desk.hub.add("acme/many", files)
    jobs = [
        Job(name, f"{desk.hub.url}/files/{repo.id}/{name}", len(data), sha(data),
            desk.folder / name, desk.parts)
        for name, data in files.items()
    ]  # fmt: skip
    # a machine with much else to do is no reason to ask twice
    results = desk.fetch(*jobs, connections=8, patience=Patience())
    assert all(result.failure is None for result in results)
    assert {job.name: job.target.read_bytes() for job in jobs} == files
    assert len(desk.hub.requests) == len(files)
    assert desk.left == []


def test_no_secret_goes_astray(desk: Desk, big: Job) -> None:
    """To the hub with a token, on to its CDN without; no message has a signed address."""
    desk.web = Web({desk.hub.url: "hf_secret"})
    desk.hub.redirect = True
    job = replace(big, url=f"{desk.hub.url}/acme/tiny/resolve/main/w.gguf")
    desk.hub.inject(Status(code=403, path="/cdn/", times=FOREVER))
    text = desk.wrong(replace(job, url=job.url + "?download=true&sig=abc123"))
    assert "abc123" not in text
    assert "hf_secret" not in text
    desk.hub.faults.clear()
    desk.changes.clear()
    desk.right(job)
    lines = desk.hub.requests
    assert {(line.host.partition(":")[0], line.has_authorization) for line in lines} == {
        ("127.0.0.1", True),
        ("localhost", False),
    }
