"""Models carried to a box without a network: whole and right on arrival, or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from stackctl.commands.models import bundle
from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    Listing,
    LockedFile,
    LockedModel,
    RemoteFile,
    Source,
    StackError,
)
from stackctl.models import layout, lock
from stackctl.models.state import State, judge
from stackctl.placement import SIMULATION
from stackctl.system.sha256 import RANGE
from stackctl.system.store import Store
from tests.hub import make

ROOT = Path(__file__).resolve().parents[5]
HUB = Source(Kind.HUB, "org/tiny")
OLLAMA = Source(Kind.OLLAMA, "gg:1")
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Go to one of several boxes, by name -> its models' folder."""
    monkeypatch.setenv("STACKCTL_PROFILE", SIMULATION)

    def go(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("MODELS_DIR", str(folder))
        return folder

    return go


@pytest.fixture
def here(box: Callable[[str], Path]) -> Path:
    """A box with a Hub model and one of Ollama's."""
    folder = box("here")
    keep(folder, HUB, make.model(folder.parent / "published", 300_000))
    blob, manifest = b"GGUF" * 100, b"{}"
    files = {
        f"blobs/sha256-{hashlib.sha256(blob).hexdigest()}": blob,
        "manifests/registry.ollama.ai/library/gg/1": manifest,
    }
    keep(folder, OLLAMA, written(folder.parent / "ollama", files))
    return folder


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def keep(models: Path, source: Source, published: Path, revision: str = REVISION) -> LockedModel:
    """Have a model here as `stackctl models pull` leaves it."""
    remote = []
    for path in sorted(path for path in published.rglob("*") if path.is_file()):
        data = path.read_bytes()
        digest = Digest(Algorithm.SHA256, hashlib.sha256(data).hexdigest())
        if path.suffix == ".json":
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            digest = Digest(Algorithm.GIT_SHA1, git)
        remote.append(RemoteFile(str(path.relative_to(published)), len(data), digest))
    placed = layout.place(Listing(source, revision, tuple(remote)))
    seen = []
    for file in placed:
        data = (published / file.origin).read_bytes()
        written(models, {file.path: data})
        stamp = Store(models).stamp(file.path)
        seen.append(replace(file, verified="2026-01-01T00:00:00Z", stamp=stamp))
    model = LockedModel(source, revision, tuple(seen))
    Store(models).change_lock(lambda text: lock.render(lock.put(lock.read(text), model)))
    return model


def locked(folder: Path) -> dict[str, LockedFile]:
    models = lock.read(Store(folder).read_lock())
    return {file.path: file for model in models for file in model.files}


def states(folder: Path) -> set[State]:
    store = Store(folder)
    return {judge(file, store.stamp(path)) for path, file in locked(folder).items()}


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in locked(folder)}


def shard(folder: Path) -> Path:
    return next(folder.rglob("model-00002*.safetensors"))


@pytest.mark.parametrize("name", ["carried", "carried.tar"])
def test_what_is_exported_arrives(
    here: Path, box: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    carried = tmp_path / name
    assert bundle.export(str(carried), []) == 0
    there = box("there")
    assert bundle.bring(str(carried)) == 0
    assert contents(there) == contents(here)
    assert states(there) == {State.GOOD}
    root = there / "huggingface/hub/models--org--tiny"
    assert (root / "refs/main").read_text() == REVISION
    assert (root / f"trees/{REVISION}.json").exists()
    assert not list((there / ".stackctl/parts").iterdir())
    # a second time nothing is written
    before = {path: path.stat().st_mtime_ns for path in there.rglob("*.safetensors")}
    assert bundle.bring(str(carried)) == 0
    assert {path: path.stat().st_mtime_ns for path in there.rglob("*.safetensors")} == before


def test_only_what_is_named_and_nothing_of_this_box(here: Path, tmp_path: Path) -> None:
    bundle.export(str(tmp_path / "b.tar"), ["ollama:gg:1"])
    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
        text = tar.extractfile("models.lock")
        assert text is not None
        (model,) = lock.read(text.read().decode())
    assert names[0] == "models.lock"
    assert names[1:] == sorted(names[1:])  # and so its manifest is last
    assert {Path(name).parts[0] for name in names[1:]} == {"ollama"}
    assert model.source == OLLAMA
    assert all(not file.verified and file.stamp is None for file in model.files)


def test_a_folder_is_a_models_folder(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    assert states(tmp_path / "carried") == {State.UNSURE}
    assert contents(tmp_path / "carried") == contents(here)


@pytest.mark.parametrize("name", ["carried", "carried.tar"])
def test_a_wrong_file_is_not_exported(here: Path, tmp_path: Path, name: str) -> None:
    flip(shard(here))
    with pytest.raises(StackError, match="its sha256 is") as caught:
        bundle.export(str(tmp_path / name), [])
    assert "models repair" in caught.value.fix
    assert not list(tmp_path.glob("*.tar*"))
    assert not list((tmp_path / "carried").rglob("*model-00002*"))
    assert not (tmp_path / "carried/models.lock").exists()
    assert State.BAD in states(here)  # from now on it is known, and asked for before the border
    with pytest.raises(StackError, match="is wrong"):
        bundle.export(str(tmp_path / name), [])


def test_a_missing_file_is_said_before_anything_is_written(here: Path, tmp_path: Path) -> None:
    shard(here).unlink()
    with pytest.raises(StackError, match="is missing") as caught:
        bundle.export(str(tmp_path / "carried"), [])
    assert "hf:org/tiny" in caught.value.fix
    assert not (tmp_path / "carried").exists()


def test_a_broken_export_to_a_folder_goes_on(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carried = tmp_path / "carried"
    good = shard(here).read_bytes()
    flip(shard(here))
    with pytest.raises(StackError):
        bundle.export(str(carried), [])
    with pytest.raises(StackError, match="broken off"):
        bundle.bring(str(carried))
    keep(here, HUB, here.parent / "published")  # as repair does
    assert shard(here).read_bytes() == good
    kept = next(carried.rglob("model-00001*"))
    flip(next(carried.rglob("config.json")))  # and one that was right has changed since
    before = kept.stat().st_ino
    assert bundle.export(str(carried), []) == 0
    assert "are there already" in capsys.readouterr().out
    assert kept.stat().st_ino == before
    assert contents(carried) == contents(here)


def test_places_that_are_no_target(here: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.txt").touch()
    (tmp_path / "there.tar").touch()
    bundle.export(str(tmp_path / "other"), ["ollama:gg:1"])
    for target, words in {
        "full": "is not empty",
        "there.tar": "is there already",
        "other": "holds an export of other models",
        "here/bundle": "in the models' folder",
        "here": "in the models' folder",
        "nowhere/b.tar": "it is not there",
    }.items():
        with pytest.raises(StackError, match=words) as caught:
            bundle.export(str(tmp_path / target), [])
        assert caught.value.fix
    assert (tmp_path / "there.tar").stat().st_size == 0


def test_a_disk_that_is_too_small(
    here: Path, tmp_path: Path, box: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.export(str(tmp_path / "b.tar"), [])
    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(StackError, match="more than are free"):
        bundle.export(str(tmp_path / "carried"), [])
    box("there")
    with pytest.raises(StackError, match="has 0 B free"):
        bundle.bring(str(tmp_path / "b.tar"))
    assert not (tmp_path / "carried").exists()
    assert not list((tmp_path / "there").iterdir())


class Full:
    free = 0


@pytest.mark.parametrize("name", ["carried", "carried.tar"])
def test_a_file_that_was_damaged_on_the_way(
    here: Path,
    box: Callable[[str], Path],
    tmp_path: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    carried = tmp_path / name
    bundle.export(str(carried), [])
    if name.endswith(".tar"):
        with tarfile.open(carried) as tar:
            members = {info.name: info for info in tar.getmembers()}
        for path in members:
            if "model-00002" in path or "blobs/" in path:
                flip(carried, members[path].offset_data + 5)
    else:
        flip(shard(carried))
        flip(next(carried.rglob("sha256-*")))
    there = box("there")
    assert bundle.bring(str(carried)) == 1
    out = capsys.readouterr().out
    assert "2 files" in out
    assert "model-00002" in out
    assert not list(there.rglob("model-00002*"))
    assert list(there.rglob("model-00001*"))
    assert not list((there / "ollama").rglob("manifests/*/*/*/1"))  # Ollama would believe it
    assert not list((there / ".stackctl/parts").iterdir())
    # the lock says what belongs here, and a good bundle brings the rest
    assert states(there) == {State.GOOD, State.MISSING}
    bundle.export(str(box("here").parent / "again"), [])
    box("there")
    assert bundle.bring(str(tmp_path / "again")) == 0
    assert contents(there) == contents(here)


@pytest.mark.parametrize("cut", [10, 700, 200_000])
def test_a_tar_that_is_cut_off(
    here: Path, box: Callable[[str], Path], tmp_path: Path, cut: int
) -> None:
    bundle.export(str(tmp_path / "b.tar"), [])
    data = (tmp_path / "b.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(data[:cut])
    there = box("there")
    with pytest.raises(StackError):
        bundle.bring(str(tmp_path / "b.tar"))
    assert not list(there.iterdir())


def test_what_is_no_bundle(box: Callable[[str], Path], tmp_path: Path) -> None:
    there = box("there")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello " * 1000)
    (tmp_path / "packed.tar").write_bytes(b"\x1f\x8b" + bytes(100))
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"))
    for name in ("empty", "text", "packed.tar", "other.tar", "absent", "there"):
        with pytest.raises(StackError) as caught:
            bundle.bring(str(tmp_path / name))
        assert caught.value.fix, name
    assert not list(there.iterdir())


def member(name: str, data: bytes = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


@pytest.mark.parametrize(
    "harm",
    [
        member("../evil"),
        member("/etc/passwd"),
        member("a/../../b"),
        member("huggingface", type=tarfile.SYMTYPE, linkname="/etc"),
        member("hard", type=tarfile.LNKTYPE, linkname="models.lock"),
        member("pipe", type=tarfile.FIFOTYPE),
        member("disk", type=tarfile.BLKTYPE),
        member("models.lock"),
    ],
)
def test_a_tar_that_means_harm(
    here: Path, box: Callable[[str], Path], tmp_path: Path, harm: tuple[tarfile.TarInfo, bytes]
) -> None:
    bundle.export(str(tmp_path / "b.tar"), [])
    with tarfile.open(tmp_path / "b.tar", "a") as tar:
        tar.addfile(harm[0], BytesIO(harm[1]))
    there = box("there")
    with pytest.raises(StackError, match="writes no such thing"):
        bundle.bring(str(tmp_path / "b.tar"))
    assert not list(there.iterdir())


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".stackctl/x", "models.lock/x", "a//b", ""])
def test_a_lock_that_means_harm(
    here: Path, box: Callable[[str], Path], tmp_path: Path, path: str
) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    text = (tmp_path / "carried/models.lock").read_text()
    name = next(line for line in text.splitlines() if "blobs/" in line).split('"')[1]
    (tmp_path / "carried/models.lock").write_text(text.replace(f'"{name}"', f'"{path}"', 1))
    there = box("there")
    with pytest.raises(StackError):
        bundle.bring(str(tmp_path / "carried"))
    assert not list(there.iterdir())


def test_a_folder_with_a_link_in_it(here: Path, box: Callable[[str], Path], tmp_path: Path) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    (tmp_path / "carried/ollama").rename(tmp_path / "elsewhere")
    (tmp_path / "carried/ollama").symlink_to(tmp_path / "elsewhere")
    there = box("there")
    with pytest.raises(StackError, match="is a link"):
        bundle.bring(str(tmp_path / "carried"))
    assert not list(there.iterdir())


def test_a_lock_of_a_later_stackctl(here: Path, box: Callable[[str], Path], tmp_path: Path) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    path = tmp_path / "carried/models.lock"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    box("there")
    with pytest.raises(StackError, match="version 2") as caught:
        bundle.bring(str(path.parent))
    assert caught.value.fix == "update stackctl"


def test_another_revision_is_here(here: Path, box: Callable[[str], Path], tmp_path: Path) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    there = box("there")
    keep(there, HUB, tmp_path / "published", "f" * 40)
    before = Store(there).read_lock()
    with pytest.raises(StackError, match="here has revision ffff") as caught:
        bundle.bring(str(tmp_path / "carried"))
    assert "import --update" in caught.value.fix
    assert Store(there).read_lock() == before
    assert not (there / "ollama").exists()
    assert bundle.bring(str(tmp_path / "carried"), update=True) == 0
    moved = {model.source: model.revision for model in lock.read(Store(there).read_lock())}
    assert moved[HUB] == REVISION
    ref = there / layout.repository(HUB) / "refs/main"
    assert ref.read_text() == REVISION


def test_a_dry_run_changes_nothing(
    here: Path,
    box: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle.export(str(tmp_path / "b.tar"), [])
    there = box("there")
    assert bundle.bring(str(tmp_path / "b.tar"), dry_run=True) == 0
    assert "nothing was done" in capsys.readouterr().out
    assert not list(there.iterdir())


def test_what_is_here_unlocked_is_hashed_and_not_brought(
    here: Path, box: Callable[[str], Path], tmp_path: Path
) -> None:
    bundle.export(str(tmp_path / "carried"), [])
    there = box("there")
    for path, data in contents(here).items():
        written(there, {path: data})
    flip(shard(there))
    kept = next(there.rglob("model-00001*")).stat().st_ino
    wrong = shard(there).stat().st_ino
    assert bundle.bring(str(tmp_path / "carried")) == 0
    assert contents(there) == contents(here)
    assert next(there.rglob("model-00001*")).stat().st_ino == kept
    assert shard(there).stat().st_ino != wrong


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("name", ["carried", "carried.tar"])
def test_broken_off_by_hand_or_by_force(
    here: Path, box: Callable[[str], Path], tmp_path: Path, name: str, signal_: signal.Signals
) -> None:
    """Both verbs, in the middle of a file of some ranges; the next run ends it."""
    make.gguf(tmp_path / "large/model.gguf", 160 << 20)
    keep(here, Source(Kind.HUB, "org/large"), tmp_path / "large")
    carried, there = tmp_path / name, tmp_path / "there"
    stop(["export", str(carried)], here, here.parent, signal_)
    assert not carried.with_suffix(".tar").exists()
    assert bundle.export(str(carried), []) == 0
    box("there")
    stop(["import", str(carried)], there, there, signal_)
    assert not list(there.rglob("model.gguf"))
    assert bundle.bring(str(carried)) == 0
    assert contents(there) == contents(here)
    assert states(there) == {State.GOOD}
    assert not list((there / ".stackctl/parts").iterdir())
    assert len(list((there / ".stackctl/chains").iterdir())) == 1
    assert 2 * RANGE < 160 << 20


def stop(arguments: list[str], models: Path, watched: Path, signal_: signal.Signals) -> None:
    """Run a verb and end it as soon as a large file has begun to arrive below `watched`."""
    before = {path for path in watched.rglob("*") if path.is_file()}
    process = subprocess.Popen(
        [sys.executable, "-m", "stackctl", "models", *arguments],
        cwd=ROOT, env=os.environ | {"MODELS_DIR": str(models)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None:
        fresh = [path for path in watched.rglob("*") if path not in before]
        if any(size(path) > 10 << 20 for path in fresh):
            process.send_signal(signal_)
            break
        time.sleep(0.002)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (130, -9), (process.returncode, err)
    assert "Traceback" not in err
    if signal_ is signal.SIGINT:
        assert any(words in err for words in ("goes on with", "begins anew")), err


def size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
