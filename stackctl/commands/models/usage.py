"""What folders of the models take of the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Usage:
    files: int = 0
    bytes: int = 0


def of(*paths: Path) -> Usage:
    """Files and folders with all in them; what is there under two names counts once, holes do not,
    nor does what a link leads to."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in paths:
        for each in _below(path):
            try:
                about = each.lstat()
            except OSError:
                continue
            if (about.st_dev, about.st_ino) not in seen:
                seen.add((about.st_dev, about.st_ino))
                total += about.st_blocks * _BLOCK
    return Usage(len(seen), total)


def _below(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        return [path]
    return [Path(at, name) for at, _, names in os.walk(path) for name in names]
