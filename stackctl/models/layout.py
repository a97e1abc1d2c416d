"""Where the files of a model belong in the models' folder.

A Hub model lies where huggingface_hub keeps its cache, but as real files in the snapshot and not as
links to blobs. Such a folder is both: with HF_HOME=<models>/huggingface an engine finds the model
by its name, and the snapshot by itself is what `hf download --local-dir` makes. The small files
that huggingface_hub 2.4.0 writes beside are written as well, so that it goes on with ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from stackctl.model import Algorithm, Kind, Listing, LockedFile, RemoteFile, Source, StackError

LOCK_NAME = "models.lock"
STATE_NAME = ".stackctl"

#: whisper.cpp's name for its models
_WHISPER = re.compile(r"ggml-.+\.bin")
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_XET = re.compile(r"[0-9a-f]{64}")
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def inside(path: str) -> bool:
    """Whether a path is relative, stays in its folder and is written in its shortest form."""
    whole = f"/{path}/"
    if "//" in whole or "/./" in whole or "/../" in whole:
        return False
    return (path.isascii() and path.isprintable()) or not _CONTROL.search(path)


def place(listing: Listing, folder: str = "") -> tuple[LockedFile, ...]:
    """The files of a listing as they are to be locked; `folder` as the user asked for (--to)."""
    folder = folder.rstrip("/")
    if folder and (not inside(folder) or folder.split("/")[0] == STATE_NAME):
        raise StackError(
            f"{folder}: not a folder for models",
            fix="name one below the models' folder, such as --to llama-cpp",
            exit_code=2,
        )
    placed: dict[str, LockedFile] = {}
    for file in listing.files:
        path = _path(listing, file, folder)
        if not inside(path) or path.split("/")[0] in (STATE_NAME, LOCK_NAME):
            raise StackError(
                f"{listing.source.name}: its file {file.path!r} would lie outside the models",
                fix="do not use this model, its publisher is broken or means harm",
            )
        if (twin := placed.get(path)) is not None:
            raise StackError(
                f"{twin.origin} and {file.path} of {listing.source.name} would both be {path}",
                fix="take one of them with --include, or leave out --to",
                exit_code=2,
            )
        placed[path] = LockedFile(path, file.path, file.size, file.digest)
    return tuple(placed.values())


def snapshot(source: Source, revision: str) -> str:
    """The folder of one revision of a Hub or ModelScope model."""
    return f"{repository(source)}/snapshots/{revision}"


def repository(source: Source) -> str:
    """The folder of all revisions of a Hub or ModelScope model."""
    if not _NAME.fullmatch(source.name) or "--" in source.name or ".." in source.name:
        raise StackError(
            f"{source.name}: engines cannot find a model of this name",
            fix="give it a folder of its own with --to",
            exit_code=2,
        )
    return f"huggingface/hub/models--{source.name.replace('/', '--')}"


def _path(listing: Listing, file: RemoteFile, folder: str) -> str:
    source = listing.source
    name = PurePosixPath(file.path).name
    match source.kind:
        case Kind.HUB | Kind.MODELSCOPE:
            if folder:
                return f"{folder}/{name}"
            if not inside(listing.revision) or "/" in listing.revision:
                raise StackError(
                    f"{source.name}: {listing.revision!r} is no revision",
                    fix="name a branch, a tag or a commit: NAME@REVISION",
                )
            return f"{snapshot(source, listing.revision)}/{file.path}"
        case Kind.OLLAMA:
            if folder not in ("", "ollama"):
                raise StackError(
                    f"{source.name}: Ollama reads its models from one place only",
                    fix=f"leave out --to {folder}",
                    exit_code=2,
                )
            return f"ollama/{file.path}"
        case Kind.URL:
            name = name.partition("?")[0]
            return f"{folder or _folder_by_name(name)}/{name}"
        case Kind.FILE:
            return file.path


def _folder_by_name(name: str) -> str:
    if name.endswith(".gguf"):
        return "llama-cpp"
    if _WHISPER.fullmatch(name):
        return "whisper"
    raise StackError(
        f"{name}: its name does not say which engine it is for",
        fix="say where it belongs, for example --to comfyui/checkpoints",
        exit_code=2,
    )


def extras(listing: Listing, now: float) -> Mapping[str, str]:
    """What to write beside a model in the Hub's layout once its files are there: path -> text.

    `refs/` says which commit a name meant; a commit needs none. The rest is of the Hub only, and
    not of its copies at ModelScope, where there are no etags and no git."""
    source = listing.source
    if source.kind not in (Kind.HUB, Kind.MODELSCOPE):
        return {}
    root = repository(source)
    made: dict[str, str] = {}
    asked = source.revision or "main"
    if source.kind is Kind.MODELSCOPE and asked == "master":
        asked = "main"  # the default of either, and what engines ask for
    if inside(asked) and not _COMMIT.fullmatch(asked):
        made[f"{root}/refs/{asked}"] = listing.revision
    if source.kind is Kind.HUB:
        home = f"{snapshot(source, listing.revision)}/.cache/huggingface"
        for file in listing.files:
            made[f"{home}/download/{file.path}.metadata"] = (
                f"{listing.revision}\n{file.digest.hex}\n{now}\n"
            )
        if not (source.include or source.exclude):
            # the whole repository, or the library would hold a part for the whole for ever
            for folder in (root, home):
                made[f"{folder}/trees/{listing.revision}.json"] = _tree(listing)
    taken = {file.path for file in place(listing)}  # some publish their own .cache by mistake
    return {path: text for path, text in made.items() if path not in taken}


def _tree(listing: Listing) -> str:
    """The list of files of a commit, as huggingface_hub keeps it."""
    files: dict[str, dict[str, object]] = {}
    for file in sorted(listing.files, key=lambda file: file.path):
        entry: dict[str, object] = {"size": file.size, "blob_id": file.digest.hex}
        if file.digest.algorithm is Algorithm.SHA256:
            pointer = (_POINTER % (file.digest.hex, file.size)).encode()
            blob = b"blob %d\0" % len(pointer) + pointer
            entry["blob_id"] = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
            entry |= {"lfs_sha256": file.digest.hex, "lfs_size": file.size}
        if _XET.fullmatch(file.xet):
            entry["xet_hash"] = file.xet
        files[file.path] = entry
    return json.dumps({"format_version": 1, "files": files}, indent=1)
