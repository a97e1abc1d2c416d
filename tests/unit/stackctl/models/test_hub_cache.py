"""That the real huggingface_hub finds a model where we put it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    Listing,
    RemoteFile,
    Source,
)
from stackctl.models.layout import extras, place

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {"config.json": b"{}", "sub/model-1.safetensors": b"w" * 100, ".gitattributes": b""}
HUB = f"huggingface/hub/models--org--name/snapshots/{COMMIT}"


def _remote(path: str, data: bytes) -> RemoteFile:
    if path.endswith(".safetensors"):
        digest = Digest(Algorithm.SHA256, hashlib.sha256(data).hexdigest())
        return RemoteFile(path, len(data), digest, xet="e" * 64)
    return RemoteFile(path, len(data), Digest(Algorithm.GIT_SHA1, _git(data)), xet="no hash")


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _listing(kind: Kind, name: str, *paths: str, revision: str = "") -> Listing:
    files = tuple(RemoteFile(p, 1, Digest(Algorithm.SHA256, "a" * 64)) for p in paths)
    return Listing(Source(kind, name, revision), COMMIT, files)


MODEL = Listing(
    Source(Kind.HUB, "org/name"), COMMIT, tuple(_remote(p, d) for p, d in CONTENT.items())
)


def test_refs() -> None:
    def refs(kind: Kind, revision: str) -> dict[str, str]:
        made = extras(_listing(kind, "org/name", "x", revision=revision), 1.0)
        return {p.partition("/refs/")[2]: t for p, t in made.items() if "/refs/" in p}

    assert refs(Kind.HUB, "") == refs(Kind.HUB, "main") == {"main": COMMIT}
    assert refs(Kind.HUB, "refs/pr/1") == {"refs/pr/1": COMMIT}
    assert refs(Kind.HUB, COMMIT) == refs(Kind.HUB, "../../x") == {}
    assert refs(Kind.MODELSCOPE, "") == refs(Kind.MODELSCOPE, "master") == {"main": COMMIT}
    assert extras(_listing(Kind.URL, "h/x.gguf", "x.gguf"), 1.0) == {}


def test_extras_do_not_replace_files_of_the_listing() -> None:
    listing = _listing(Kind.HUB, "org/name", "x", ".cache/huggingface/download/x.metadata")
    assert f"{HUB}/.cache/huggingface/download/x.metadata" not in extras(listing, 1.0)


def test_a_part_is_not_listed_as_the_whole() -> None:
    part = replace(MODEL, source=replace(MODEL.source, include=("*.json",)))
    assert not [path for path in extras(part, 1.0) if "/trees/" in path]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models' folder with one Hub model, as `models pull` leaves it."""
    for file in place(MODEL):
        _write(tmp_path / file.path, CONTENT[file.origin])
    for path, text in extras(MODEL, time.time()).items():
        _write(tmp_path / path, text.encode())
    return tmp_path


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _hub(models: Path, script: str) -> str:
    """What the real library prints, without a network."""
    environment = {
        "PATH": os.environ["PATH"],
        "HF_HOME": str(models / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    head = f"from huggingface_hub import *\nROOT, COMMIT = {str(models)!r}, {COMMIT!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + script], env=environment, capture_output=True, text=True,
        timeout=120, cwd=models,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_huggingface_hub_finds_it_by_name(models: Path) -> None:
    """As vLLM, SGLang and Transformers do, with HF_HOME only."""
    printed = _hub(
        models,
        """
import json
found = [snapshot_download("org/name"),
         snapshot_download("org/name", revision="main"),
         snapshot_download("org/name", revision=COMMIT),
         snapshot_download("org/name", cache_dir=ROOT + "/huggingface/hub", local_files_only=True),
         hf_hub_download("org/name", "sub/model-1.safetensors"),
         hf_hub_download("org/name", "config.json", revision=COMMIT),
         hf_hub_download("org/name", "config.json", cache_dir=ROOT + "/huggingface/hub",
                         revision="main", local_files_only=True),
         try_to_load_from_cache("org/name", "config.json")]
print(json.dumps(found))
""",
    )
    snapshot = str(models / HUB)
    assert json.loads(printed) == [
        *[snapshot] * 4,
        f"{snapshot}/sub/model-1.safetensors",
        *[f"{snapshot}/config.json"] * 3,
    ]


def test_huggingface_hub_takes_the_snapshot_as_a_local_folder(models: Path) -> None:
    printed = _hub(
        models,
        f"""
import json
where = ROOT + "/{HUB}"
tree = get_cached_repo_tree("org/name", local_dir=where)
print(json.dumps([
    snapshot_download("org/name", local_dir=where, local_files_only=True),
    snapshot_download("org/name", revision=COMMIT, local_dir=where),
    hf_hub_download("org/name", "config.json", revision=COMMIT, local_dir=where),
    hf_hub_download("org/name", "sub/model-1.safetensors", revision="main", local_dir=where),
    sorted(file.path for file in tree)]))
""",
    )
    snapshot = str(models / HUB)
    *found, tree = json.loads(printed)
    names = [snapshot, snapshot, f"{snapshot}/config.json", f"{snapshot}/sub/model-1.safetensors"]
    assert found == names
    assert tree == sorted(CONTENT)


def test_huggingface_hub_misses_what_is_missing(models: Path) -> None:
    """The list of files pays: without it, a shard less is no error."""
    (models / HUB / "sub/model-1.safetensors").unlink()
    printed = _hub(
        models,
        f"""
for where in ({{}}, {{"local_dir": ROOT + "/{HUB}"}}):
    try:
        print(snapshot_download("org/name", **where))
    except errors.IncompleteSnapshotError as error:
        print("incomplete")
""".replace("errors.", "__import__('huggingface_hub').errors."),
    )
    assert printed.split() == ["incomplete", "incomplete"]


def test_huggingface_hub_lists_it(models: Path) -> None:
    printed = _hub(
        models,
        """
info = scan_cache_dir()
(repo,) = info.repos
(revision,) = repo.revisions
print(repo.repo_id, revision.commit_hash, *sorted(revision.refs), len(info.warnings))
from huggingface_hub.cli.hf import main
import sys
sys.argv = ["hf", "cache", "ls"]
main()
""",
    )
    assert printed.splitlines()[0] == f"org/name {COMMIT} main 0"
    assert "org/name" in "".join(printed.splitlines()[1:])


def test_extras_are_as_the_library_writes_them(models: Path) -> None:
    files = {
        file.path: (file.size, str(file.digest.algorithm), file.digest.hex) for file in MODEL.files
    }
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(CONTENT['sub/model-1.safetensors']).hexdigest()}\nsize 100\n"
    )
    _hub(
        models,
        f"""
import pathlib, time
from huggingface_hub import _tree_cache as tree, _local_folder as local
from huggingface_hub.file_download import _cache_commit_hash_for_specific_revision as ref
time.time = lambda: 1700000000.25
there = pathlib.Path(ROOT, "theirs")
files, entries = {files!r}, {{}}
for path, (size, algorithm, digest) in files.items():
    lfs = algorithm == "sha256"
    entries[path] = tree.TreeCacheEntry(size, {_git(pointer.encode())!r} if lfs else digest,
        digest if lfs else None, size if lfs else None, "e" * 64 if lfs else None)
    local.write_download_metadata(there, path, COMMIT, digest)
tree.write_tree_cache(str(there / ".cache/huggingface"), COMMIT, entries)
tree.write_tree_cache(str(there), COMMIT, entries)
ref(str(there), "main", COMMIT)
""",
    )
    theirs = {
        path.relative_to(models / "theirs").as_posix(): path.read_text()
        for path in (models / "theirs").rglob("*")
        if path.is_file() and path.suffix in (".metadata", ".json", "") and "TAG" not in path.name
    }
    theirs = {path: text for path, text in theirs.items() if not path.endswith(".gitignore")}
    root = "huggingface/hub/models--org--name"
    ours = {
        path.removeprefix(f"{HUB}/").removeprefix(f"{root}/"): text
        for path, text in extras(MODEL, 1700000000.25).items()
    }
    assert ours == theirs
