"""The models' folder: nothing is lost between processes, and errors say what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.system import durable
from stackctl.system.store import Store

ROOT = Path(__file__).resolve().parents[4]
NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@contextmanager
def other(folder: Path, script: str) -> Iterator[subprocess.Popen[str]]:
    """Another process with a Store of its own."""
    head = (
        "import sys, time\nfrom pathlib import Path\nfrom stackctl.system.store import Store\n"
        f"store = Store(Path({str(folder)!r}))\nsay = lambda text: print(text, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", head + script],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        with process:
            yield process
    finally:
        process.kill()


def test_a_lock_that_is_not_there_yet(store: Store) -> None:
    assert store.read_lock() == ""
    assert not store.state.exists()
    store.change_lock(lambda text: text + "one")
    store.change_lock(lambda text: text + "two")
    assert store.read_lock() == "onetwo"
    assert sorted(path.name for path in store.folder.iterdir()) == [".stackctl", "models.lock"]


def test_two_processes_lose_nothing(store: Store) -> None:
    script = """
for i in range(100):
    store.change_lock(lambda text: text + f"{NAME}{i}\\n")
"""
    with (
        other(store.folder, "NAME = 'a'" + script) as first,
        other(store.folder, "NAME = 'b'" + script) as second,
    ):
        reads = 0
        while first.poll() is None or second.poll() is None:
            text = store.read_lock()
            reads += 1
            assert not text or text.endswith("\n")
        assert first.returncode == second.returncode == 0, (first.stderr, second.stderr)
    lines = store.read_lock().split()
    assert sorted(lines) == sorted(f"{name}{i}" for name in "ab" for i in range(100))
    assert reads


def test_killed_in_the_middle(store: Store) -> None:
    """Old or new, and the next one can go on."""
    script = """
text = store.read_lock()
while True:
    text = "ab"[text[:1] == "a"] * 200_000
    store.change_lock(lambda _: text)
    say("x")
"""
    for round_ in range(8):
        with other(store.folder, script) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.003 * round_)
            process.kill()
        assert store.read_lock() in ("a" * 200_000, "b" * 200_000)
    store.change_lock(lambda _: "c")
    assert store.read_lock() == "c"
    names = sorted(path.name for path in store.folder.iterdir())
    assert names == [".stackctl", "models.lock"]


def test_a_change_that_fails_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.change_lock(lambda _: "old")

    def broken(_text: str) -> str:
        raise StackError("no")

    with pytest.raises(StackError, match="no"):
        store.change_lock(broken)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StackError, match="the disk is full") as caught:
        store.change_lock(lambda _: "new")
    assert "df -h" in caught.value.fix
    assert store.read_lock() == "old"
    assert sorted(path.name for path in store.folder.iterdir()) == [".stackctl", "models.lock"]


def test_a_link_and_the_rights_stay(store: Store, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    real = checkout / "box.lock"
    real.write_text("old")
    real.chmod(0o640)
    store.lock_file.symlink_to(real)
    store.change_lock(lambda text: text + " new")
    assert store.lock_file.is_symlink()
    assert real.read_text() == store.read_lock() == "old new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_the_second_waits_and_is_told_for_whom(store: Store) -> None:
    script = """
with store.exclusive("hf:org/name", "models pull", say):
    say("mine")
    time.sleep(0.6)
"""
    told: list[str] = []
    with other(store.folder, script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        with store.exclusive("hf:org/other", "models pull", told.append):
            assert told == []
        start = time.monotonic()
        with store.exclusive("hf:org/name", "models verify", told.append):
            assert time.monotonic() - start > 0.2
        assert len(told) == 1
        assert told[0].startswith(f"`stackctl models pull` (pid {process.pid}, since ")


def test_a_killed_holder_holds_nothing(store: Store) -> None:
    with other(store.folder, 'with store.exclusive("x", "v", say): say("y"); time.sleep(99)') as p:
        assert p.stdout is not None
        p.stdout.readline()
        p.kill()
        p.wait()
        with store.exclusive("x", "v", pytest.fail):
            pass


def test_ctrl_c_ends_the_waiting(store: Store) -> None:
    with (
        store.exclusive("x", "v", pytest.fail),
        other(store.folder, 'with store.exclusive("x", "v", say): pass') as process,
    ):
        assert process.stdout is not None
        assert f"(pid {os.getpid()}, " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        process.wait(10)
        assert time.monotonic() - start < 3
        assert process.returncode != 0


def test_a_lock_that_was_removed_meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for the removed file must not hold it beside the holder of the new one."""
    flock = fcntl.flock
    removed: list[Path] = []

    def remove_first(descriptor: int, how: int) -> None:
        if not removed:
            removed.append(next((store.state / "locks").iterdir()))
            removed[0].unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with store.exclusive("x", "v", pytest.fail):
        assert "`stackctl v`" in removed[0].read_text()


def test_stamps(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert store.stamp("x") is store.stamp(".") is store.stamp("x/y") is None
    file.write_bytes(b"123")
    stat = file.stat()
    stamp = store.stamp("x")
    assert stamp is not None
    assert (stamp.size, stamp.mtime_ns) == (3, stat.st_mtime_ns)
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert store.stamp("link") == store.stamp(file) == stamp
    assert store.stamp("loop") is None


def test_orphans(store: Store) -> None:
    assert store.orphans({"a"}, time.time()) == ()
    parts = store.make(store.parts)
    for name in ("a.part", "a.log", "b.part", "b.log", "c.part", "old.part", "old.log"):
        (parts / name).touch()
    now = time.time()
    for name in ("old.part", "old.log", "a.part"):  # a.log was written to yesterday
        os.utime(parts / name, (now - 20 * 86400,) * 2)
    os.utime(parts / "a.log", (now - 86400,) * 2)
    lost = store.orphans({"a", "b", "old"}, now)
    assert [path.name for path in lost] == ["c.part", "old.log", "old.part"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    for call in (store.read_lock, lambda: store.change_lock(str), lambda: store.make(store.parts)):
        with pytest.raises(StackError, match="the folder of the models is not there") as caught:
            call()
        assert "mkdir -p" in caught.value.fix
    assert not store.writable
    assert not store.folder.exists()
    store.folder.touch()
    with pytest.raises(StackError, match="a file where a folder should be"):
        store.read_lock()


def test_a_file_where_the_state_should_be(store: Store) -> None:
    store.state.touch()
    with pytest.raises(StackError, match="a file where a folder should be") as caught:
        store.change_lock(lambda _: "x")
    assert "ls -l" in caught.value.fix


def test_a_lock_that_is_no_text(store: Store) -> None:
    store.lock_file.write_bytes(b"\xff\xfe")
    with pytest.raises(StackError, match="no text"):
        store.read_lock()
    store.lock_file.unlink()
    store.lock_file.mkdir()
    with pytest.raises(StackError, match=r"models\.lock"):
        store.read_lock()


@pytest.mark.parametrize(
    ("code", "words", "fix"),
    [
        (errno.EROFS, "read-only", "findmnt"),
        (errno.EACCES, "no permission", "chown"),
        (errno.EDQUOT, "full", "df -h"),
        (errno.EIO, "errors", "dmesg"),
        (errno.ENOENT, "not there", "mount"),
        (errno.ENAMETOOLONG, "File name too long", "ls -ld"),
    ],
)
def test_what_errors_mean(code: int, words: str, fix: str, tmp_path: Path) -> None:
    error = durable.fault(OSError(code, os.strerror(code)), tmp_path / "not" / "there")
    assert words in error.message
    assert str(tmp_path / "not" / "there") in error.message
    assert fix in error.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_another_user_reads_and_is_refused_to_write(store: Store) -> None:
    """And what root writes into a user's folder belongs to the user."""
    store.change_lock(lambda _: "text")
    store.chains.save("ab" * 32, [b"x" * 32])
    (store.folder / "w").write_bytes(b"1")
    for folder in store.folder.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o055)
    store.folder.chmod(0o755)
    script = f"""
import os
from stackctl.model import StackError
os.setgid({NOBODY}); os.setuid({NOBODY})
assert store.read_lock() == "text" and store.stamp("w") and not store.writable
assert store.chains.load("ab" * 32, 1 << 26) == (b"x" * 32,)
store.chains.save("cd" * 32, [b"x" * 32])
assert store.orphans([], time.time()) == ()
for call in (lambda: store.change_lock(str.upper), lambda: store.make(store.parts)):
    try:
        call()
    except StackError as error:
        say(error.message + error.fix)
"""
    with other(store.folder, script) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.count("no permission") == out.count("chown") == 2
    os.chown(store.folder, NOBODY, NOBODY)
    store.state.rename(store.folder / "old")
    store.change_lock(lambda _: "new")
    store.chains.save("ab" * 32, [b"x" * 32])
    made = [store.lock_file, store.state, *store.state.rglob("*")]
    assert len(made) == 6
    assert {path.stat().st_uid for path in made} == {NOBODY}
