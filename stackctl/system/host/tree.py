"""Reading files below a root folder; what cannot be read is a value that says why."""

from __future__ import annotations

from pathlib import Path

from stackctl.model import Unavailable
from stackctl.model.host import ABSENT, NO_RIGHT

ROOT = Path("/")


def below(root: Path, path: str) -> Path:
    """`/etc/x` below `root`."""
    return root / path.lstrip("/")


def text(root: Path, path: str) -> str | Unavailable:
    """A whole text file."""
    try:
        return below(root, path).read_bytes().decode("utf-8", "replace")
    except PermissionError:
        return Unavailable(f"{path} may only be read by root", NO_RIGHT)
    except (FileNotFoundError, NotADirectoryError):
        return Unavailable(f"{path} is not there", ABSENT)
    except OSError as error:
        return Unavailable(f"{path}: {error.strerror}")


def word(root: Path, path: str) -> str:
    """A file's text without its ends; empty if it cannot be read."""
    found = text(root, path)
    return found.strip() if isinstance(found, str) else ""


def number(root: Path, path: str) -> int:
    """A file's number; 0 if it has none."""
    found = word(root, path)
    return int(found) if found.isdecimal() else 0


def entries(root: Path, path: str) -> tuple[Path, ...]:
    """What is in a folder, by name; nothing if it cannot be read."""
    try:
        return tuple(sorted(below(root, path).iterdir()))
    except OSError:
        return ()


def there(root: Path, path: str) -> bool:
    """Whether a path is there; also one that leads to a link without a target is."""
    found = below(root, path)
    try:
        return found.is_symlink() or found.exists()
    except OSError:
        return False
