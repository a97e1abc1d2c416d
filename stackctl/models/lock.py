"""models.lock: which models belong here, pinned to a revision, with the hash of every file.

JSON with one line a file, so that a diff shows what changed. All functions take and give values;
stackctl/system/store.py reads and writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    LockedFile,
    LockedModel,
    Source,
    StackError,
    Stamp,
)
from stackctl.models.layout import LOCK_NAME, inside

VERSION = 1

_HEX = {
    Algorithm.SHA256: re.compile(r"[0-9a-f]{64}"),
    Algorithm.GIT_SHA1: re.compile(r"[0-9a-f]{40}"),
}
_FILE = {"origin", "size", "verified", "stamp", "wrong", *_HEX}
_STAMP = [int, int, int, int]
_SOURCE = {"kind", "name", "revision", "include", "exclude", *_HEX}
_MODEL = {"source", "revision", "stated", "files"}


def find(models: Iterable[LockedModel], source: Source) -> LockedModel | None:
    return next((model for model in models if model.source == source), None)


def without(models: Iterable[LockedModel], source: Source) -> tuple[LockedModel, ...]:
    return tuple(model for model in models if model.source != source)


def put(models: Iterable[LockedModel], model: LockedModel) -> tuple[LockedModel, ...]:
    """With this model instead of what its source had before."""
    rest = without(models, model.source)
    theirs = {file.path: (file.digest, other) for other in rest for file in other.files}
    for file in model.files:
        if problem := _problem(file):
            raise StackError(f"{model.source.name}: {file.path!r} {problem}")
        digest, other = theirs.get(file.path, (file.digest, model))
        if digest != file.digest:
            raise StackError(
                f"{file.path} belongs to {other.source.name}, with another content",
                fix="choose another folder with --to; or free this one: stackctl models prune",
            )
    if len({file.path for file in model.files}) < len(model.files):
        raise StackError(f"{model.source.name} has two files of one path")
    return (*rest, model)


def record(models: Iterable[LockedModel], seen: Iterable[LockedFile]) -> tuple[LockedModel, ...]:
    """With what was seen of files. What the lock no longer has in this form stays as it is: it may
    have changed while the files were read."""
    news = {(file.path, file.digest): file for file in seen}
    for file in news.values():
        if problem := _problem(file):
            raise StackError(f"{file.path!r} {problem}")

    def renewed(old: LockedFile) -> LockedFile:
        new = news.get((old.path, old.digest))
        if new is None:
            return old
        return replace(old, verified=new.verified, stamp=new.stamp, wrong=new.wrong)

    return tuple(replace(model, files=tuple(map(renewed, model.files))) for model in models)


def only_of(models: Iterable[LockedModel], source: Source) -> tuple[LockedFile, ...]:
    """Files of one model that no other needs."""
    models = tuple(models)
    model = find(models, source)
    others = {file.path for other in without(models, source) for file in other.files}
    return tuple(file for file in (model.files if model else ()) if file.path not in others)


def render(models: Sequence[LockedModel]) -> str:
    """The text of the lock file, always the same for the same models."""
    blocks = [_block(model) for model in sorted(models, key=_order)]
    inner = "[\n" + ",\n".join(blocks) + "\n  ]" if blocks else "[]"
    return f'{{\n  "version": {VERSION},\n  "models": {inner}\n}}\n'


def _order(model: LockedModel) -> tuple[object, ...]:
    source = model.source
    digest = str(source.digest or "")
    return source.kind, source.name, source.revision, source.include, source.exclude, digest


def _block(model: LockedModel) -> str:
    source: dict[str, object] = {"kind": model.source.kind, "name": model.source.name}
    if model.source.revision:
        source["revision"] = model.source.revision
    if model.source.include:
        source["include"] = model.source.include
    if model.source.exclude:
        source["exclude"] = model.source.exclude
    if model.source.digest:
        source[model.source.digest.algorithm] = model.source.digest.hex
    lines = [f'      "source": {json.dumps(source)}']
    if model.revision:
        lines.append(f'      "revision": {json.dumps(model.revision)}')
    if not model.stated:
        lines.append('      "stated": false')
    files = sorted(model.files, key=lambda file: file.path)
    rows = ",\n".join(f"        {json.dumps(f.path)}: {json.dumps(_fields(f))}" for f in files)
    lines.append('      "files": {' + (f"\n{rows}\n      " if rows else "") + "}")
    return "    {\n" + ",\n".join(lines) + "\n    }"


def _fields(file: LockedFile) -> dict[str, object]:
    fields: dict[str, object] = {"size": file.size, file.digest.algorithm: file.digest.hex}
    if file.origin:
        fields["origin"] = file.origin
    if file.verified:
        fields["verified"] = file.verified
    if (stamp := file.stamp) is not None:
        fields["stamp"] = (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
    if file.wrong:
        fields["wrong"] = file.wrong
    return fields


class _Bad(Exception):
    """What is wrong, and a piece of the text that is near."""

    def __init__(self, message: str, near: str = "", *, last: bool = False) -> None:
        super().__init__(message)
        self.message, self.near, self.last = message, near, last


def read(text: str) -> tuple[LockedModel, ...]:
    """The models of a lock file; an empty text has none."""
    if not text:
        return ()
    try:
        return _models(json.loads(text, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        _refuse(error.lineno, f"not JSON: {error.msg}")
    except _Bad as bad:
        at = text.rfind(bad.near) if bad.last else text.find(bad.near)
        _refuse(text.count("\n", 0, max(at, 0)) + 1, bad.message)
    except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of brackets
        _refuse(1, "not a lock file")


def _refuse(line: int, message: str) -> NoReturn:
    raise StackError(
        f"{LOCK_NAME}, line {line}: {message}",
        fix=f"restore {LOCK_NAME} from a backup, or move it away and write it anew from the files "
        "that are there: stackctl models adopt",
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise _Bad(f"{twin!r} is there twice", json.dumps(twin), last=True)
    return made


def _models(data: Any) -> tuple[LockedModel, ...]:
    if not isinstance(data, dict) or type(data.get("version")) is not int:
        raise _Bad("not a lock file, it has no version")
    if data["version"] > VERSION:
        raise StackError(
            f"{LOCK_NAME} is of version {data['version']}, this stackctl knows {VERSION}",
            fix="update stackctl",
        )
    if data["version"] < 1 or data.keys() != {"version", "models"}:
        raise _Bad("not a lock file of version 1", '"version"')
    if not isinstance(data["models"], list):
        raise _Bad("models is no list", '"models"')
    models: tuple[LockedModel, ...] = tuple(map(_model, data["models"]))
    digests: dict[str, Digest] = {}
    for model in models:
        for file in model.files:
            if digests.setdefault(file.path, file.digest) != file.digest:
                message = f"{file.path!r} is in two models with two contents"
                raise _Bad(message, json.dumps(file.path), last=True)
    sources: set[Source] = set()
    for source in (model.source for model in models):
        if source in sources:
            raise _Bad(f"{source.name} is there twice", json.dumps(source.name), last=True)
        sources.add(source)
    return models


def _model(data: Any) -> LockedModel:
    if not isinstance(data, dict) or not data.keys() <= _MODEL:
        raise _Bad("a model with unknown fields", '"models"')
    source = _source(data.get("source"))
    near = json.dumps(source.name)
    revision, stated, files = data.get("revision", ""), data.get("stated", True), data.get("files")
    if not (isinstance(revision, str) and isinstance(stated, bool) and isinstance(files, dict)):
        raise _Bad(f"{source.name}: revision, stated or files is of the wrong type", near)
    return LockedModel(source, revision, tuple(_file(p, f) for p, f in files.items()), stated)


def _source(data: Any) -> Source:
    if not isinstance(data, dict) or not data.keys() <= _SOURCE:
        raise _Bad("a source with unknown fields", '"source"')
    name, revision = data.get("name"), data.get("revision", "")
    include, exclude = data.get("include", []), data.get("exclude", [])
    patterns = isinstance(include, list) and isinstance(exclude, list)
    if not (patterns and name and all(isinstance(t, str) for t in (name, revision))):
        raise _Bad("a source without a name, or with fields of the wrong type", '"source"')
    if not all(isinstance(pattern, str) for pattern in (*include, *exclude)):
        raise _Bad(f"{name}: a pattern that is no text", json.dumps(name))
    if data.get("kind") not in tuple(Kind):
        raise _Bad(f"{name}: unknown kind of source", json.dumps(name))
    digest = _digest(data, str(name)) if data.keys() & _HEX.keys() else None
    return Source(Kind(data["kind"]), str(name), revision, tuple(include), tuple(exclude), digest)


def _digest(data: dict[str, Any], name: str) -> Digest:
    """The one hash of a file or source."""
    found = [algorithm for algorithm in _HEX if algorithm in data]
    if len(found) != 1:
        raise _Bad(f"{name!r} needs one hash, sha256 or git-sha1", json.dumps(name))
    text = data[found[0]]
    if not isinstance(text, str) or not _HEX[found[0]].fullmatch(text):
        raise _Bad(f"{name!r}: {text!r} is no {found[0]}", json.dumps(name))
    return Digest(found[0], text)


def _file(path: str, data: Any) -> LockedFile:
    """Ten thousand of them are read in a tenth of a second, so this asks as little as it may."""
    if not isinstance(data, dict) or not data.keys() <= _FILE:
        raise _Bad(f"{path!r} has unknown fields", json.dumps(path))
    size, origin, numbers = data.get("size"), data.get("origin", ""), data.get("stamp")
    verified, wrong = data.get("verified", ""), data.get("wrong", "")
    if type(size) is not int or not type(origin) is type(verified) is type(wrong) is str:
        raise _Bad(f"{path!r}: a field is missing or of the wrong type", json.dumps(path))
    stamp = None
    if numbers is not None:
        if type(numbers) is not list or list(map(type, numbers)) != _STAMP:
            raise _Bad(f"{path!r}: stamp is not four numbers", json.dumps(path))
        stamp = Stamp(*numbers)
    file = LockedFile(path, origin, size, _digest(data, path), verified, stamp, wrong)
    if problem := _problem(file):
        raise _Bad(f"{path!r} {problem}", json.dumps(path))
    return file


def _problem(file: LockedFile) -> str:
    """Why a file must not be in the lock; "" if it may."""
    if not inside(file.path):
        return "leaves the folder of the models"
    if file.size < 0:
        return f"cannot have {file.size} bytes"
    shape = _HEX[file.digest.algorithm]
    if not shape.fullmatch(file.digest.hex) or (file.wrong and not shape.fullmatch(file.wrong)):
        return "has a hash that is none"
    if file.verified:
        try:
            datetime.fromisoformat(file.verified)
        except ValueError:
            return f"has no date in {file.verified!r}"
    return ""
