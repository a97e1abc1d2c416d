"""What a publisher says today of what the lock pins, and what to bring where it cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from stackctl.commands.models.shelf import Shelf
from stackctl.model import Algorithm, Kind, LockedFile, LockedModel, StackError
from stackctl.models import source as sources
from stackctl.system.progress import size

#: how a publisher's listing says that there is no such thing
NOT_THERE = 2
#: kinds whose listing can be asked for as it was when it was pinned
_PINNED = (Kind.HUB,)


def vouches(model: LockedModel) -> bool:
    """Whether anybody has the files of this model, and said what they are."""
    return model.stated and model.source.kind is not Kind.FILE


def called(model: LockedModel, file: LockedFile) -> str:
    """A file for people: the path in a cache is long, and says the name of the model twice."""
    if not file.path.startswith("huggingface/hub/"):
        return file.path
    return f"{sources.spec(model.source)}: {file.origin}"


def host(shelf: Shelf, model: LockedModel) -> str:
    """Where a model's files come from."""
    if not vouches(model) or not model.files:
        return "-"
    return urlsplit(shelf.url(model, model.files[0])).netloc


def check(shelf: Shelf, model: LockedModel, files: Sequence[LockedFile]) -> None:
    """Ask the publisher whether it still has these files as they are locked. A StackError says
    that it has not, or that it cannot be asked."""
    source = model.source
    if source.kind in _PINNED:
        source = replace(source, revision=model.revision)
    on = f"stackctl models update {sources.spec(model.source)}"
    try:
        offered = {file.path: file for file in shelf.listing(source).files}
    except StackError as error:
        if error.exit_code != NOT_THERE:
            raise
        fix = f"if it moved on there: {on}; else {error.fix}"
        raise StackError(f"the publisher has it no longer: {error.message}", fix=fix) from None
    for file in files:
        there = offered.get(file.origin)
        if there is None or there.digest != file.digest:
            what = "changed" if there else "no longer has"
            raise StackError(
                f"the publisher {what} {file.origin} of {sources.spec(model.source)}",
                fix=on,
            )


def bring(shelf: Shelf, model: LockedModel, files: Sequence[LockedFile]) -> str:
    """What a box without a network needs, in one block."""
    spec = sources.spec(model.source)
    lines = ["bring these files, put each at its path, then run: stackctl models verify"]
    for file in files:
        lines += [
            f"  {shelf.path(file)}",
            f"    size    {file.size} bytes ({size(file.size)})",
            f"    {file.digest.algorithm}  {file.digest.hex}{_how(file)}",
        ]
        if vouches(model):
            at = f" at {model.revision}" if model.revision else ""
            lines += [
                f"    source  {spec}{at}, its {file.origin}",
                f"    URL     {shelf.url(model, file)}",
            ]
    if vouches(model):
        lines += [
            "or, on a box that has a network and this models.lock:",
            f"  stackctl models pull {spec}; stackctl models export models.tar {spec}",
            "and here: stackctl models import models.tar",
        ]
    return "\n".join(lines)


def _how(file: LockedFile) -> str:
    return " (git hash-object FILE)" if file.digest.algorithm is Algorithm.GIT_SHA1 else ""
