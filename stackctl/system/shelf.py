"""Results of `stackctl bench` in a folder: ID.json, and ID.html beside it."""

from __future__ import annotations

import time
from pathlib import Path

from stackctl.model import StackError
from stackctl.system import durable, files


def new_id(folder: Path, at: float) -> str:
    """By the local time; with a number where somebody was as quick."""
    first = time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
    name, number = first, 2
    while (folder / f"{name}.json").exists():
        name, number = f"{first}-{number}", number + 1
    return name


def keep(folder: Path, name: str, result: str, page: str) -> Path:
    """Both files, whole; the path of the page. Raises StackError where the disk takes nothing."""
    files.write(folder / f"{name}.json", result)
    files.write(folder / f"{name}.html", page)
    return folder / f"{name}.html"


def names(folder: Path) -> tuple[str, ...]:
    """The oldest first."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def read(folder: Path, name: str) -> str:
    """A result by its name, the beginning of it, `last`, or the path of a file."""
    path = Path(name)
    if not (path.suffix == ".json" and path.is_file()):
        path = folder / f"{_known(folder, name)}.json"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise durable.fault(error, path) from None
        raise StackError(f"{path}: it is no UTF-8 text", fix="stackctl bench list") from None


def _known(folder: Path, name: str) -> str:
    there = names(folder)
    if name == "last" and there:
        return there[-1]
    found = [one for one in there if one.startswith(name)]
    if name in found or len(found) == 1:
        return name if name in found else found[0]
    if found:
        raise StackError(
            f"{name} may be any of {', '.join(found)}", fix="write out which", exit_code=2
        )
    raise StackError(
        f"there is no result {name!r}",
        fix="stackctl bench list" if there else "stackctl bench makes one",
        exit_code=2,
    )
