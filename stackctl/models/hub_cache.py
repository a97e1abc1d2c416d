"""The small files that huggingface_hub 2.4.0 keeps beside a model, so that it goes on with ours:
offline it finds the model by name and misses what is missing; online it fetches nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from stackctl.model import Algorithm, Kind, LockedModel
from stackctl.models.layout import inside, repository, snapshot

_COMMIT = re.compile(r"[0-9a-f]{40}")
_XET = re.compile(r"[0-9a-f]{64}")
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"


def extras(
    model: LockedModel, now: float, xet: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """What to write beside a model in the Hub's layout once its files are there: path -> text.
    `xet` has its files' hashes in the chunk store by the publisher's path, where they are known.

    `refs/` says which commit a name meant; a commit needs none. The rest is of the Hub only, and
    not of its copies at ModelScope, where there are no etags and no git."""
    source = model.source
    if source.kind not in (Kind.HUB, Kind.MODELSCOPE):
        return {}
    taken = {file.path for file in model.files}  # some publish their own .cache by mistake
    if any(not file.path.startswith("huggingface/hub/models--") for file in model.files):
        return {}  # in a folder of the user's choice
    root, home = repository(source), f"{snapshot(source, model.revision)}/.cache/huggingface"
    made: dict[str, str] = {}
    asked = source.revision or "main"
    if source.kind is Kind.MODELSCOPE and asked == "master":
        asked = "main"  # the default of either, and what engines ask for
    if inside(asked) and not _COMMIT.fullmatch(asked):
        made[f"{root}/refs/{asked}"] = model.revision
    if source.kind is Kind.HUB:
        for file in model.files:
            made[f"{home}/download/{file.origin}.metadata"] = (
                f"{model.revision}\n{file.digest.hex}\n{now}\n"
            )
        if not (source.include or source.exclude):
            # the whole repository, or the library would hold a part for the whole for ever
            for folder in (root, home):
                made[f"{folder}/trees/{model.revision}.json"] = _tree(model, xet or {})
    return {path: text for path, text in made.items() if path not in taken}


def _tree(model: LockedModel, xet: Mapping[str, str]) -> str:
    """The list of files of a commit, as huggingface_hub keeps it."""
    files: dict[str, dict[str, object]] = {}
    for file in sorted(model.files, key=lambda file: file.origin):
        entry: dict[str, object] = {"size": file.size, "blob_id": file.digest.hex}
        if file.digest.algorithm is Algorithm.SHA256:
            pointer = (_POINTER % (file.digest.hex, file.size)).encode()
            blob = b"blob %d\0" % len(pointer) + pointer
            entry["blob_id"] = hashlib.sha1(blob, usedforsecurity=False).hexdigest()
            entry |= {"lfs_sha256": file.digest.hex, "lfs_size": file.size}
        if _XET.fullmatch(xet.get(file.origin, "")):
            entry["xet_hash"] = xet[file.origin]
        files[file.origin] = entry
    return json.dumps({"format_version": 1, "files": files}, indent=1)
