"""Whatever lies on the disk: no exception, no blocking, no false word."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.models.formats import scan, structure
from tests.unit.stackctl.models.formats_examples import (
    gguf_file,
    language_model,
    ollama_model,
    safetensors,
)

NAMES = (
    "m.gguf", "m.safetensors", "ggml-m.bin", "m.pt", "config.json", "m.safetensors.index.json",
    "m.model",
)  # fmt: skip
BEGINNINGS = (
    b"",
    b"GGUF\3\0\0\0",
    b"GGUF",
    b"lmgg\x98\xca\0\0",
    b"PK\3\4",
    b'{"weight_map":',
    b"{",
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_garbage_never_raises(name: str, beginning: bytes, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(beginning + data)
        scan(path)
        scan(path.parent)


def test_cut_off_at_every_byte(tmp_path: Path) -> None:
    for path in (gguf_file(tmp_path / "m.gguf"), safetensors(tmp_path / "m.safetensors")):
        data = path.read_bytes()
        assert structure(path) == ()
        # the reference writer of GGUF pads its end
        for kept in [*range(1024), *range(1024, len(data) - 32, 97), len(data) - 32]:
            path.write_bytes(data[:kept])
            assert structure(path), kept


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_byte_never_raises(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = gguf_file(Path(folder) / "m.gguf", 1100)
        content = bytearray(path.read_bytes())
        for _ in range(3):
            content[data.draw(st.integers(0, 2000))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        structure(path)


def test_a_manifest_cut_off_at_every_byte(tmp_path: Path) -> None:
    manifest = ollama_model(tmp_path / "ollama", tmp_path)
    data = manifest.read_bytes()
    for kept in range(len(data)):
        manifest.write_bytes(data[:kept])
        assert scan(manifest) == ("latest: not a manifest",)


def test_links_in_a_circle(tmp_path: Path) -> None:
    model = language_model(tmp_path / "model")
    (model / "again").symlink_to(model)
    (model / "loop").symlink_to("loop")
    assert scan(model) == ()
    (model / "loop.gguf").symlink_to("loop.gguf")
    (problem,) = scan(model)
    assert problem.startswith("loop.gguf: cannot be read")
    assert "cannot be read" in scan(model / "loop")[0]


def test_pipes_and_sockets_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "device.bin").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.safetensors"))
        assert scan(tmp_path) == ()
        assert scan(tmp_path / "s.safetensors") == ()
    assert structure(tmp_path / "pipe.gguf") == structure(tmp_path / "folder.gguf") == ()


def test_what_may_not_be_read_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine may be another user than we are."""
    model = language_model(tmp_path / "model")
    (model / "config.json").write_bytes(b"")

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    assert scan(model) == scan(model / "config.json") == ()
    monkeypatch.setattr("os.scandir", refuse)
    assert scan(model) == ()
    monkeypatch.setattr("os.listdir", refuse)
    assert scan(model) == ()
    monkeypatch.setattr("pathlib.Path.stat", refuse)
    assert scan(model) == structure(model / "config.json") == ()


def test_names_of_all_kinds(tmp_path: Path) -> None:
    for name in ("模型-00001-of-00002.gguf", "a\nb.gguf", os.fsdecode(b"\xff\xfe.safetensors")):
        (tmp_path / name).write_bytes(b"")
    problems = scan(tmp_path)
    assert len(problems) == 4
    assert "模型-00001-of-00002.gguf: empty" in problems
    for problem in problems:
        assert problem.encode().decode().isprintable()


@pytest.mark.parametrize("path", ["\0", "x\0.gguf", "a" * 5000, "manifests/\0"])
def test_paths_that_cannot_be(path: str) -> None:
    assert "cannot be read" in scan(Path(path))[0]
