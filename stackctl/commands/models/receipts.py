"""What huggingface_hub keeps beside its files, so that engines find a model by its name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from stackctl.commands.models.shelf import Shelf
from stackctl.model import Kind, Listing, LockedModel, RemoteFile
from stackctl.models import layout
from stackctl.system import files


def write(shelf: Shelf, model: LockedModel, listing: Listing | None = None) -> None:
    """What huggingface_hub keeps beside its files, so that engines find the model by name. That a
    name means this revision is said last, when all of it is there."""
    made = _extras(model, listing)
    for path in sorted(made, key=_is_ref):
        files.write(shelf.store.folder / path, made[path])


def name_again(shelf: Shelf, model: LockedModel) -> None:
    """A model that is here by its name, should the name have been lost or moved."""
    for path, text in _extras(model, None).items():
        if _is_ref(path) and not _says(shelf.store.folder / path, text):
            files.write(shelf.store.folder / path, text)


def _says(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        return False


def _is_ref(path: str) -> bool:
    return "/refs/" in path


def _extras(model: LockedModel, listing: Listing | None) -> Mapping[str, str]:
    """None of it for a model in a folder of its owner's choice."""
    if model.source.kind not in (Kind.HUB, Kind.MODELSCOPE) or not model.files:
        return {}
    if not model.files[0].path.startswith("huggingface/hub/"):
        return {}
    if listing is None:  # as far as the lock keeps it
        found = tuple(RemoteFile(f.origin, f.size, f.digest) for f in model.files)
        listing = Listing(model.source, model.revision, found)
    return layout.extras(listing, time.time())
