"""Bundles: sizes that tar did not know at first, and disks that fail."""

from __future__ import annotations

import errno
import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from stackctl.model import Algorithm, StackError
from stackctl.system import bundle
from stackctl.system.sha256 import RANGE, Chained


def test_copying_gives_hash_and_chain(tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 70
    (tmp_path / "a").write_bytes(b"head" + data)
    out = bytearray()
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)
    made = bundle.copy(descriptor, 4, len(data), Algorithm.SHA256, out.extend, lambda _: None)
    git = bundle.copy(descriptor, 4, 10, Algorithm.GIT_SHA1, out.extend, lambda _: None)
    short = bundle.copy(descriptor, 4, len(data) + 1, Algorithm.SHA256, bytearray().extend, print)
    os.close(descriptor)
    assert out == data + data[:10]
    assert (made.problem, made.hex) == ("", hashlib.sha256(data).hexdigest())
    chained = Chained()
    chained.update(bytearray(data[:RANGE]))
    assert made.chain == (chained.state,)
    assert git.hex == hashlib.sha1(b"blob 10\0" + data[:10]).hexdigest()
    assert "ends after" in short.problem


def test_a_file_that_changes_while_it_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 << 20))
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)

    def write(_: memoryview) -> None:
        (tmp_path / "a").write_bytes(bytes(4 << 20))

    made = bundle.copy(descriptor, 0, 3 << 20, Algorithm.SHA256, write, lambda _: None)
    os.close(descriptor)
    assert made.problem == "changed while it was read"


def test_a_tar_of_more_than_8_gib(tmp_path: Path) -> None:
    """Its header alone shows it: the content is a hole."""
    size = (9 << 30) + 5
    path = tmp_path / "b.tar"
    with bundle.open_target(path, "{}") as target, target.file("large.gguf", size, 0.0):
        pass
    head = path.read_bytes()[: path.stat().st_size - 2 * 512 - (-size % 512)]
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size + -size % 512)
        file.seek(0, os.SEEK_END)
        file.write(bytes(1024))
    source = bundle.open_bundle(path)
    member = source.find("large.gguf")
    assert member is not None
    assert member.size == size
    assert source.lock == "{}"
    with tarfile.open(path) as tar:
        assert [info.size for info in tar.getmembers()] == [2, size]


def test_long_and_foreign_names_survive_a_tar(tmp_path: Path) -> None:
    names = ["模型/" + "x" * 180 + ".bin", "/".join(["deep"] * 40) + "/é.txt", "a b/'\"%41.txt"]
    with bundle.open_target(tmp_path / "b.tar", "{}") as target:
        for name in names:
            target.text(name, name)
    source = bundle.open_bundle(tmp_path / "b.tar")
    for name in names:
        member = source.find(name)
        assert member is not None
        with bundle.opened(member) as descriptor:
            assert os.pread(descriptor, member.size, member.offset).decode() == name


@pytest.mark.parametrize("name", ["b.tar", "folder"])
@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "full"), (errno.EFBIG, "FAT32"), (errno.EIO, "errors")]
)
def test_a_disk_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, words: str
) -> None:
    target = bundle.open_target(tmp_path / name, "{}")
    write = os.write

    def failing(descriptor: int, data: bytes) -> int:
        if len(data) == 3:
            raise OSError(number, os.strerror(number))
        return write(descriptor, data)

    monkeypatch.setattr("os.write", failing)
    with pytest.raises(StackError) as caught, target:
        target.text("a", "abc")
    assert words in caught.value.message + caught.value.fix
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ([] if name == "b.tar" else ["folder", "folder/models.lock.part"])


def test_two_write_one_tar(tmp_path: Path) -> None:
    with bundle.open_target(tmp_path / "b.tar", "{}"):
        with pytest.raises(StackError, match="another"), bundle.open_target(tmp_path / "b.tar", ""):
            pass
        assert (tmp_path / "b.tar.part").exists()
    assert (tmp_path / "b.tar").exists()
