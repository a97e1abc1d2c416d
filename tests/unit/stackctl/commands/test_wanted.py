"""What is to run: remembered by up, forgotten by down."""

from __future__ import annotations

from pathlib import Path

from stackctl.commands import wanted


def test_up_and_down(tmp_path: Path) -> None:
    assert wanted.load(tmp_path) == ()
    wanted.add(tmp_path, "a", ["main"], whole=False)
    wanted.add(tmp_path, "a", ["coder"], whole=False)
    wanted.add(tmp_path, "b", ["main"], whole=True)
    assert wanted.load(tmp_path) == (("a", "coder"), ("a", "main"), ("b", "main"))
    assert wanted.load(tmp_path, "b") == (("b", "main"),)
    wanted.add(tmp_path, "a", ["audio"], whole=True)
    assert wanted.load(tmp_path, "a") == (("a", "audio"),)
    wanted.remove(tmp_path, "b", ["main"])
    assert wanted.load(tmp_path) == (("a", "audio"),)
    wanted.remove(tmp_path, "a")
    assert wanted.load(tmp_path) == ()


def test_a_file_that_somebody_wrote_into(tmp_path: Path) -> None:
    (tmp_path / "wanted").write_text("\nnonsense\n/x\ny/\n a/main \n")
    assert wanted.load(tmp_path) == (("a", "main"),)
