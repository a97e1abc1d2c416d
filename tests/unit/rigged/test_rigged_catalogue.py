import subprocess
import sys
import wave
from pathlib import Path

import pytest

from gpusim.rigged import catalogue


def test_writes_everything_once(tmp_path: Path) -> None:
    assert catalogue.write_all(tmp_path) == list(catalogue.WRITERS)
    assert all((tmp_path / name).stat().st_size for name in catalogue.WRITERS)
    assert catalogue.write_all(tmp_path) == []


def test_leaves_nothing_but_the_files_and_the_stamp(tmp_path: Path) -> None:
    catalogue.write_all(tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*catalogue.WRITERS, catalogue.STAMP}


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_writes_again_what_was_damaged_and_only_that(tmp_path: Path, damage: str) -> None:
    catalogue.write_all(tmp_path)
    path = tmp_path / "whisper/clip.wav"
    good = path.read_bytes()
    match damage:
        case "flip":
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        case "truncate":
            path.write_bytes(good[:100])
        case _:
            path.unlink()
    assert catalogue.write_all(tmp_path) == ["whisper/clip.wav"]
    assert path.read_bytes() == good


def test_writes_all_again_when_the_generator_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.write_all(tmp_path)
    monkeypatch.setattr(catalogue, "_generator", lambda: "another")
    assert catalogue.write_all(tmp_path) == list(catalogue.WRITERS)


def test_survives_a_broken_stamp(tmp_path: Path) -> None:
    catalogue.write_all(tmp_path)
    (tmp_path / catalogue.STAMP).write_text('{"generator"')
    assert catalogue.write_all(tmp_path) == list(catalogue.WRITERS)


def test_a_failure_leaves_the_old_file_and_no_scrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.write_all(tmp_path)
    clip = tmp_path / "whisper/clip.wav"
    clip.write_bytes(b"old")

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setitem(catalogue.WRITERS, "whisper/clip.wav", fail)
    with pytest.raises(OSError, match="disk full"):
        catalogue.write_all(tmp_path)
    assert clip.read_bytes() == b"old"
    assert not list(tmp_path.rglob(".writing-*"))


def test_the_clip_is_two_seconds_as_whisper_wants_them(tmp_path: Path) -> None:
    catalogue.write_all(tmp_path)
    with wave.open(str(tmp_path / "whisper/clip.wav")) as clip:
        assert (clip.getnchannels(), clip.getsampwidth(), clip.getframerate()) == (1, 2, 16000)
        assert clip.getnframes() == 32000
        assert any(clip.readframes(32000))


def test_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gpusim.rigged"]
    first = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=True)
    assert len(first.stdout.splitlines()) == len(catalogue.WRITERS)
    again = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=True)
    assert again.stdout == ""
    wrong = subprocess.run(command, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "usage" in wrong.stderr
    blocked = tmp_path / "whisper/clip.wav/below"
    failed = subprocess.run([*command, blocked], capture_output=True, text=True)
    assert failed.returncode == 1
    assert "cannot write the rigged models" in failed.stderr
