"""Every damage is found at the level that can find it, and who is at fault is told apart."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.commands import plan
from stackctl.commands.models import memory, reading, verify
from stackctl.commands.models.shelf import Shelf
from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    LockedFile,
    LockedModel,
    Mount,
    Service,
    Source,
    Stack,
    StackError,
)
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.settings import Settings
from stackctl.system import hashing, sha256
from stackctl.system.hashing import stamp_of
from tests.hub import make
from tests.unit.stackctl.box import MAIN

SNAPSHOT = "huggingface/hub/models--acme--tiny/snapshots/" + "a" * 40
OLD = "2026-01-02T03:04:05Z"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A shelf with acme/tiny, pulled and right."""
    config = Settings(tmp_path, "simulation", (), {"MODELS_DIR": str(tmp_path)}, {})
    made = Shelf(config)
    monkeypatch.setattr(verify, "open_shelf", lambda: made)
    stack(monkeypatch)
    make.model(tmp_path / SNAPSHOT, 200_000, shards=2)
    put(made, sorted((tmp_path / SNAPSHOT).iterdir()))
    return made


def stack(monkeypatch: pytest.MonkeyPatch, *services: Service) -> None:
    monkeypatch.setattr(plan, "resolve", lambda _config: Stack("stackctl", services))


def put(
    shelf: Shelf, paths: list[Path], text: str = "hf:acme/tiny", *, stated: bool = True
) -> None:
    files = tuple(
        LockedFile(
            str(path.relative_to(shelf.store.folder)),
            path.name,
            path.stat().st_size,
            Digest(Algorithm.SHA256, hashlib.sha256(path.read_bytes()).hexdigest()),
            OLD,
            stamp_of(path.stat()),
        )
        for path in paths
    )
    model = LockedModel(sources.parse(text), "a" * 40, files, stated)
    shelf.change(lambda models: lock.put(models, model))


def shard(shelf: Shelf, number: int = 1) -> Path:
    return shelf.store.folder / SNAPSHOT / f"model-{number:05}-of-00002.safetensors"


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    with path.open("r+b") as file:
        file.write(data)


def keep_stamp(shelf: Shelf, path: Path) -> None:
    """As if the bits had rotted: what the lock knows of stat is what stat says."""
    name, stamp = str(path.relative_to(shelf.store.folder)), stamp_of(path.stat())
    shelf.change(
        lambda models: tuple(
            replace(
                model,
                files=tuple(replace(f, stamp=stamp) if f.path == name else f for f in model.files),
            )
            for model in models
        )
    )


def locked(shelf: Shelf, path: Path) -> LockedFile:
    name = str(path.relative_to(shelf.store.folder))
    return next(f for model in shelf.models for f in model.files if f.path == name)


Run = Callable[..., tuple[int, list[tuple[str, str]]]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and (id, severity) of what is not fine."""

    def run(level: str, *names: str, share: int | None = None) -> tuple[int, list[tuple[str, str]]]:
        capsys.readouterr()
        code = verify.verify(names, level=level, share=share, rate=None, idle=False, as_json=True)
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] is (code == 0)
        return code, [
            (f["check"], f["severity"]) for f in told["findings"] if f["severity"] != "ok"
        ]

    return run


def text(capsys: pytest.CaptureFixture[str], level: str, share: int | None = None) -> str:
    capsys.readouterr()
    verify.verify((), level=level, share=share, rate=None, idle=False, as_json=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("level", ["quick", "changed", "full"])
def test_a_model_that_is_right(shelf: Shelf, check: Run, level: str) -> None:
    assert check(level) == (0, [])


def test_a_good_end_is_one_line_with_figures(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    quick, changed, full = (text(capsys, level) for level in ("quick", "changed", "full"))
    assert [told.count("\n") for told in (quick, full)] == [1, 1]
    assert quick.startswith("1 model, 7 files, 201 kB: sizes, dates and structure are right")
    assert "nothing was hashed" in quick
    assert "all right; nothing to hash" in changed
    assert "the oldest hash is of 2026-01-02" in changed
    assert "all right; hashed 201 kB in " in full
    assert "not hashed" not in full


HASH, WHOLE, UNSURE = ("model.hash", "error"), ("model.whole", "error"), ("model.unsure", "warning")


def _flip(shelf: Shelf) -> None:
    flip(shard(shelf))


def _flip_keeping_mtime(shelf: Shelf) -> None:
    before = shard(shelf).stat()
    flip(shard(shelf))
    os.utime(shard(shelf), ns=(before.st_atime_ns, before.st_mtime_ns))


def _rot(shelf: Shelf) -> None:
    flip(shard(shelf))
    keep_stamp(shelf, shard(shelf))


def _cut(shelf: Shelf) -> None:
    os.truncate(shard(shelf), 50_000)


def _zero_head(shelf: Shelf) -> None:
    with shard(shelf).open("r+b") as file:
        file.write(bytes(4096))


def _hole(shelf: Shelf) -> None:
    size = shard(shelf).stat().st_size
    head = shard(shelf).read_bytes()[:2000]
    shard(shelf).write_bytes(head)
    os.truncate(shard(shelf), size)


def _other_file(shelf: Shelf) -> None:
    fresh = shard(shelf).with_name("fresh")
    fresh.write_bytes(shard(shelf, 2).read_bytes())
    fresh.replace(shard(shelf))


def _gone(shelf: Shelf) -> None:
    shard(shelf).unlink()


@pytest.mark.parametrize(
    ("damage", "quick", "changed", "full"),
    [
        (_flip, [UNSURE], [HASH], [HASH]),
        (_flip_keeping_mtime, [UNSURE], [HASH], [HASH]),
        (_rot, [], [], [HASH]),
        (_cut, [WHOLE], [WHOLE], [WHOLE]),
        (_zero_head, [WHOLE], [HASH], [HASH]),
        (_hole, [WHOLE], [HASH], [HASH]),
        (_other_file, [WHOLE], [HASH], [HASH]),
        (_gone, [("model.present", "error")], [("model.present", "error")], None),
    ],
)
def test_damage(
    shelf: Shelf,
    check: Run,
    damage: Callable[[Shelf], None],
    quick: list[tuple[str, str]],
    changed: list[tuple[str, str]],
    full: list[tuple[str, str]] | None,
) -> None:
    damage(shelf)
    assert check("quick")[1] == quick
    assert check("changed")[1] == changed
    if full:
        assert check("full") == (1, full)


def test_what_a_full_check_found_is_known_to_every_later_quick_one(
    shelf: Shelf, check: Run
) -> None:
    _rot(shelf)
    assert check("quick") == (0, [])
    assert check("full") == (1, [HASH])
    assert locked(shelf, shard(shelf)).wrong
    assert check("quick") == (1, [HASH])
    flip(shard(shelf))  # mended
    assert check("quick") == (0, [UNSURE])
    assert check("changed") == (0, [])
    assert locked(shelf, shard(shelf)).wrong == ""


def test_the_publishers_own_file_is_broken(
    shelf: Shelf, check: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    _zero_head(shelf)
    put(shelf, sorted(shard(shelf).parent.iterdir()))
    for level in ("quick", "full"):
        assert check(level) == (1, [("model.published", "error")])
    assert "stackctl models update hf:acme/tiny" in text(capsys, "quick")


def test_a_hole_in_a_file_whose_hash_is_right_is_zeros_that_a_copy_left_out(
    shelf: Shelf, check: Run
) -> None:
    make.model(shard(shelf).parent, 4_000_000, sparse=True)
    put(shelf, sorted(shard(shelf).parent.iterdir()))
    assert check("quick") == (0, [])
    shard(shelf).touch()
    assert check("quick") == (1, [WHOLE])  # it may be a download that broke off
    assert check("changed") == (0, [])
    assert check("quick") == (0, [])


def test_of_a_model_that_nobody_states_nobody_knows_who_is_right(
    shelf: Shelf, check: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shelf.store.folder / "whisper" / "own.bin"
    path.parent.mkdir()
    path.write_bytes(b"x" * 5000)
    put(shelf, [path], f"file:{path}", stated=False)
    assert check("full") == (0, [])
    flip(path)
    assert check("changed") == (1, [HASH])
    told = text(capsys, "quick")
    assert "nobody knows" in told
    assert f"stackctl models adopt {path}" in told


def test_a_disk_that_fails(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = os.preadv
    inode = shard(shelf).stat().st_ino

    def preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(5, "Input/output error")
        return real(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    assert check("full") == (1, [("model.readable", "error")])
    monkeypatch.undo()
    monkeypatch.setattr(verify, "open_shelf", lambda: shelf)
    stack(monkeypatch)
    assert check("quick") == (1, [("model.readable", "error")])
    assert "dmesg" in text(capsys, "quick")
    assert check("full") == (0, [])  # it was the cable


def test_a_file_that_is_not_ours_to_read(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, path = os.open, str(shard(shelf))

    def refuse(name: str | Path, flags: int, mode: int = 0o777) -> int:
        if str(name) == path:
            raise PermissionError(13, "Permission denied")
        return real(name, flags, mode)

    monkeypatch.setattr(os, "access", lambda name, *_: str(name) != path)
    monkeypatch.setattr(os, "open", refuse)
    assert check("full") == (1, [("model.readable", "error")])
    assert locked(shelf, shard(shelf)).wrong == ""


def test_share_takes_the_oldest_first_and_all_in_as_many_nights(
    shelf: Shelf, check: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    _rot(shelf)
    found = [check("full", share=3) for _ in range(4)]
    assert found[-1] == (1, [HASH])
    model = shelf.models[0]
    assert all(file.verified > OLD or file.wrong for file in model.files)
    assert text(capsys, "full", 3).count("model.hash") == 1


def test_share_goes_with_full_only(shelf: Shelf, check: Run) -> None:
    with pytest.raises(StackError, match="--full"):
        check("changed", share=2)


@pytest.mark.parametrize("chained", [False, True])
def test_a_check_that_was_stopped_goes_on_where_it_was(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch, chained: bool
) -> None:
    monkeypatch.setattr(sha256, "RANGE", 4096)
    monkeypatch.setattr(reading, "_SLICE", 4096 * 4)
    path = shard(shelf)
    if chained:
        check("full")
        time.sleep(1.1)  # a round is of the second
    part = _stopped(shelf, after=40_000)
    known = memory.load(shelf.store)
    assert known.parts or known.rounds
    began = known.rounds[""].began
    numbers = reading.Reader.read
    asked: list[int] = []

    def counted(self: reading.Reader, files: list[LockedFile]) -> reading.Outcome:
        done = numbers(self, files)
        asked.append(done.read)
        return done

    monkeypatch.setattr(reading.Reader, "read", counted)
    assert check("full") == (0, [])
    total = sum(file.size for file in shelf.models[0].files)
    assert asked[0] <= total - part + 3 * 4096
    assert memory.load(shelf.store).rounds == {}
    assert locked(shelf, path).verified >= began


def _stopped(shelf: Shelf, after: int) -> int:
    """A full check that gets a Ctrl-C; how much it had read."""
    read = 0
    real = hashing.Pace.spend

    def spend(self: hashing.Pace, count: int) -> None:
        nonlocal read
        read += count
        if read >= after and threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGINT)
            self.stop.wait(1)
        real(self, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_CHUNK", 4096)
        patch.setattr(hashing.Pace, "spend", spend)
        with pytest.raises(KeyboardInterrupt):
            verify.verify((), level="full", share=None, rate=None, idle=False, as_json=True)
    return after


def test_what_was_remembered_wrongly_makes_no_alarm(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sha256, "RANGE", 4096)
    path = shard(shelf)
    known = memory.load(shelf.store)
    file = locked(shelf, path)
    states = ["00" * 32] * 5
    stamp = memory.numbers(stamp_of(path.stat()))
    known.parts[file.path] = memory.Part(file.digest.hex, stamp, memory.now(), 5, states)
    known.rounds[""] = memory.Round(OLD)
    shelf.store.make(shelf.store.state)
    known.save()
    assert check("full") == (0, [])


@pytest.mark.parametrize("junk", ["", "{}", '{"at": 9e12, "rounds": [], "parts": 3}', "\x00"])
def test_a_memory_that_is_damaged_is_none(shelf: Shelf, check: Run, junk: str) -> None:
    shelf.store.make(shelf.store.state)
    (shelf.store.state / "full.json").write_text(junk)
    assert check("full") == (0, [])


def test_a_service_whose_model_is_in_no_lock(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mounts = (Mount(str(shelf.store.folder), "/models", True),)
    own = replace(MAIN, engine="llama-cpp", model="own", mounts=mounts)
    stack(monkeypatch, own)
    assert check("quick") == (0, [])  # not pulled, and nobody asked
    assert check("quick", "main") == (1, [("model.present", "error")])
    path = shelf.store.folder / "llama-cpp" / "own.gguf"
    make.gguf(path, 4096)
    assert check("quick") == (0, [("model.hash", "skipped")])
    assert "main: its model is not locked" in text(capsys, "quick")
    os.truncate(path, 1000)
    assert check("quick") == (1, [WHOLE])


def test_a_role_names_what_the_lock_has_for_it(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = (Mount(str(shelf.store.folder), "/models", True),)
    stack(monkeypatch, replace(MAIN, engine="vllm", model="acme/tiny", mounts=mounts))
    _gone(shelf)
    assert check("quick", "main") == (1, [("model.present", "error")])
    with pytest.raises(StackError, match="not among"):
        check("quick", "hf:acme/other")


def test_models_are_checked_where_nothing_may_be_written(
    shelf: Shelf, check: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rot(shelf)
    before = shelf.store.read_lock()
    monkeypatch.setattr(type(shelf.store), "writable", False)
    assert check("full") == (1, [HASH])
    assert shelf.store.read_lock() == before


def test_ollamas_manifest_and_blobs_without_its_daemon(shelf: Shelf, check: Run) -> None:
    store = shelf.store.folder / "ollama"
    blob = store / "made.gguf"
    make.gguf(blob, 4096)
    digest = hashlib.sha256(blob.read_bytes()).hexdigest()
    (store / "blobs").mkdir()
    blob = blob.rename(store / "blobs" / f"sha256-{digest}")
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"}
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "1b"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": [{**layer, "size": 4096}]}))
    put(shelf, [manifest, blob], "ollama:tiny:1b")
    assert check("full") == (0, [])
    flip(blob)
    assert check("quick") == (0, [UNSURE])
    assert check("changed") == (1, [HASH])
    assert Source(Kind.OLLAMA, "tiny:1b") in [model.source for model in shelf.models]
