"""Where the files of a model belong in the models' folder.

A Hub model lies where huggingface_hub keeps its cache, but as real files in the snapshot and not as
links to blobs. Such a folder is both: with HF_HOME=<models>/huggingface an engine finds the model
by its name, and the snapshot by itself is what `hf download --local-dir` makes. hub_cache.py has
the small files that huggingface_hub keeps beside.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from stackctl.model import Kind, Listing, LockedFile, RemoteFile, Source, StackError

LOCK_NAME = "models.lock"
STATE_NAME = ".stackctl"

#: whisper.cpp's name for its models
_WHISPER = re.compile(r"ggml-.+\.bin")
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
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
