"""Which of a publisher's files are taken, and which paths are let onto this disk at all."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase

from stackctl.model.errors import StackError
from stackctl.model.weights import RemoteFile, Source

#: folders that hold the state of downloaders, ours included
_STATE = frozenset({".cache", ".stackctl"})
_LONGEST_NAME = 255
_LONGEST_PATH = 2048
_MOST_SHOWN = 12


def choose(
    files: Iterable[RemoteFile], include: tuple[str, ...], exclude: tuple[str, ...]
) -> tuple[RemoteFile, ...]:
    """Those that match a pattern of `include`, or all without one, and none of `exclude`."""
    return tuple(
        file
        for file in files
        if (not include or _any(file.path, include)) and not _any(file.path, exclude)
    )


def chosen(source: Source, files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files that the source asks for, sorted; all of them are safe to write."""
    all_files = tuple(files)
    if not all_files:
        raise StackError(
            f"{source.name}: its publisher lists no file",
            fix="look at its page: it may be empty, or its files may be on another revision",
            exit_code=2,
        )
    for pattern in source.include:
        if not any(_matches(file.path, pattern) for file in all_files):
            raise _nothing(source, f"no file matches {pattern!r}", pattern, all_files)
    left = choose(all_files, source.include, source.exclude)
    if not left:
        raise _nothing(source, "nothing is left after the excluded files", "", all_files)
    for file in left:
        safe(file.path)
    _distinct([file.path for file in left])
    return tuple(sorted(left, key=lambda file: file.path))


def safe(path: str) -> str:
    """The path itself, if a file may be written at it below a folder of ours."""
    parts = path.split("/")
    if path.startswith("/"):
        raise _unsafe(path, "is absolute")
    if path.endswith("/"):
        raise _unsafe(path, "ends with a slash")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in path):
        raise _unsafe(path, "has a control character")
    if "\\" in path:
        raise _unsafe(path, "has a backslash")
    if "" in parts:
        raise _unsafe(path, "has an empty part")
    if "." in parts or ".." in parts:
        raise _unsafe(path, "has a part that is . or ..")
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise _unsafe(path, f"has a name longer than {_LONGEST_NAME} bytes")
    if len(path.encode()) > _LONGEST_PATH:
        raise _unsafe(path, f"is longer than {_LONGEST_PATH} bytes")
    if parts[0].lower() in _STATE:
        raise _unsafe(path, "is in a folder where downloaders keep their state")
    return path


def _distinct(paths: list[str]) -> None:
    seen = set(paths)
    if len(seen) < len(paths):
        raise _unsafe(Counter(paths).most_common(1)[0][0], "is listed twice")
    for path in sorted(seen):
        for end in (i for i, char in enumerate(path) if char == "/"):
            if path[:end] in seen:
                raise _unsafe(path[:end], "is a file and a folder at once")


def _any(path: str, patterns: tuple[str, ...]) -> bool:
    return any(_matches(path, pattern) for pattern in patterns)


def _matches(path: str, pattern: str) -> bool:
    # a name with brackets is a pattern that does not match itself
    return path == pattern or fnmatchcase(path, pattern)


def _unsafe(path: str, why: str) -> StackError:
    name = path if len(path) <= _LONGEST_NAME else path[:_LONGEST_NAME] + "…"
    return StackError(
        f"the publisher lists {name!a}, a path that {why}: it is not written to this disk",
        fix="exclude it, if the model works without; and tell the publisher",
    )


def _nothing(source: Source, why: str, like: str, files: tuple[RemoteFile, ...]) -> StackError:
    paths = sorted(file.path for file in files)
    near = difflib.get_close_matches(like, paths[:2000], n=3, cutoff=0.6) if like else []
    show = [*near, *(path for path in paths if path not in near)]
    rest = f" and {len(show) - _MOST_SHOWN} more" if len(show) > _MOST_SHOWN else ""
    there = ", ".join(ascii(path)[1:-1] for path in show[:_MOST_SHOWN])
    return StackError(
        f"{source.name}: {why}", fix=f"choose from what there is: {there}{rest}", exit_code=2
    )
