"""Where files lie, and which paths are refused."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.model import Algorithm, Digest, Kind, Listing, RemoteFile, Source, StackError
from stackctl.models.layout import inside, place

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = f"huggingface/hub/models--org--name/snapshots/{COMMIT}"


def _listing(kind: Kind, name: str, *paths: str, revision: str = "") -> Listing:
    files = tuple(RemoteFile(p, 1, Digest(Algorithm.SHA256, "a" * 64)) for p in paths)
    return Listing(Source(kind, name, revision), COMMIT, files)


@pytest.mark.parametrize(
    ("kind", "name", "path", "folder", "expected"),
    [
        (Kind.HUB, "org/name", "sub/a.json", "", f"{HUB}/sub/a.json"),
        (Kind.MODELSCOPE, "org/name", "a.json", "", f"{HUB}/a.json"),
        (Kind.HUB, "gpt2", "a", "", f"huggingface/hub/models--gpt2/snapshots/{COMMIT}/a"),
        (Kind.HUB, "org/name", "sub/a.gguf", "llama-cpp/", "llama-cpp/a.gguf"),
        (Kind.HUB, "org/name", "x/a.pt", "comfyui/checkpoints", "comfyui/checkpoints/a.pt"),
        (Kind.OLLAMA, "x:1", "blobs/sha256-aa", "", "ollama/blobs/sha256-aa"),
        (Kind.OLLAMA, "x:1", "manifests/h/l/x/1", "ollama", "ollama/manifests/h/l/x/1"),
        (Kind.URL, "h/m.gguf", "m.gguf", "", "llama-cpp/m.gguf"),
        (Kind.URL, "h/a/m.gguf", "h/a/m.gguf?download=true", "", "llama-cpp/m.gguf"),
        (Kind.URL, "h/ggml-base.en.bin", "ggml-base.en.bin", "", "whisper/ggml-base.en.bin"),
        (Kind.URL, "h/x.safetensors", "x.safetensors", "comfyui/vae", "comfyui/vae/x.safetensors"),
        (Kind.FILE, "/m/whisper/a.bin", "whisper/a.bin", "", "whisper/a.bin"),
    ],
)
def test_places(kind: Kind, name: str, path: str, folder: str, expected: str) -> None:
    (file,) = place(_listing(kind, name, path), folder)
    assert (file.path, file.origin, file.size) == (expected, path, 1)
    assert not file.verified


@pytest.mark.parametrize(
    ("kind", "name", "paths", "folder", "words"),
    [
        (Kind.HUB, "org/name", ["a/x.bin", "b/x.bin"], "whisper", "would both be whisper/x.bin"),
        (Kind.HUB, "org/name", ["x", "x"], "", "would both be"),
        (Kind.HUB, "org/name", ["../x"], "", "outside"),
        (Kind.HUB, "org/name", ["/etc/passwd"], "", "outside"),
        (Kind.HUB, "org/name", ["a\nb"], "", "outside"),
        (Kind.HUB, "org/name", [""], "whisper", "outside"),
        (Kind.HUB, "org/..", ["x"], "", "of this name"),
        (Kind.HUB, "a/b/c", ["x"], "", "of this name"),
        (Kind.HUB, "a--b/c", ["x"], "", "of this name"),
        (Kind.HUB, "org/name", ["x"], "../..", "not a folder for models"),
        (Kind.HUB, "org/name", ["x"], "/models", "not a folder for models"),
        (Kind.HUB, "org/name", ["x"], ".stackctl/parts", "not a folder for models"),
        (Kind.OLLAMA, "x:1", ["blobs/a"], "llama-cpp", "one place only"),
        (Kind.OLLAMA, "x:1", ["../blobs/a"], "", "outside"),
        (Kind.URL, "h/x.safetensors", ["x.safetensors"], "", "which engine"),
        (Kind.FILE, "/m/models.lock", ["models.lock"], "", "outside"),
        (Kind.FILE, "/m/.stackctl/x", [".stackctl/x"], "", "outside"),
    ],
)
def test_refused(kind: Kind, name: str, paths: list[str], folder: str, words: str) -> None:
    with pytest.raises(StackError, match=words) as caught:
        place(_listing(kind, name, *paths), folder)
    assert caught.value.fix


def test_a_revision_that_leaves_the_folder() -> None:
    with pytest.raises(StackError, match="no revision"):
        place(replace(_listing(Kind.HUB, "org/name", "x"), revision="../../x"))


@given(st.text(max_size=12))
def test_no_path_leaves_the_folder(path: str) -> None:
    if inside(path):
        whole = os.path.normpath(f"/models/{path}")
        assert whole == f"/models/{path}"
