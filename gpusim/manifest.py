"""What an install has put on this host, so that remove takes away that and nothing else."""

import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from gpusim.errors import GpusimError
from gpusim.hardware import Profile
from gpusim.paths import INSTALL_DIR, write_atomically

MANIFEST_FILE = INSTALL_DIR / "manifest.json"


def content_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Manifest:
    profile: Profile
    files: dict[str, str] = field(default_factory=dict)  # path to hash of what was written
    directories: list[str] = field(default_factory=list)  # made by us, outermost first
    nodes: dict[str, tuple[int, int]] = field(default_factory=dict)  # path to major, minor

    def save(self) -> None:
        document = {
            "profile": self.profile.as_json(),
            "files": self.files,
            "directories": self.directories,
            "nodes": self.nodes,
        }
        write_atomically(MANIFEST_FILE, (json.dumps(document, indent=1) + "\n").encode())

    def paths(self) -> set[Path]:
        return {Path(path) for path in (*self.files, *self.nodes)}


def load_manifest() -> Manifest | None:
    """None when nothing is installed. GpusimError when it cannot be read."""
    try:
        document = json.loads(MANIFEST_FILE.read_text())
        return Manifest(
            Profile(**document["profile"]),
            document["files"],
            document["directories"],
            {path: (major, minor) for path, (major, minor) in document["nodes"].items()},
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise GpusimError(f"{MANIFEST_FILE} is damaged: {error}") from None


def place_file(manifest: Manifest, path: Path, content: bytes, mode: int) -> bool:
    """Whether anything had to be written. GpusimError for a file that is not ours.

    The manifest is saved first: what a crash leaves behind is known as ours.
    """
    wanted = content_hash(content)
    recorded = manifest.files.get(str(path))
    if os.path.lexists(path):
        current = (
            None if path.is_symlink() or not path.is_file() else content_hash(path.read_bytes())
        )
        if recorded is None or current not in (recorded, wanted):
            raise GpusimError(f"{path} is not ours (any more), so it stays: move it away first")
        if current == wanted == recorded:
            return False
    manifest.files[str(path)] = wanted
    manifest.save()
    write_atomically(path, content, mode)
    return True


def place_node(manifest: Manifest, path: Path, major: int, minor: int) -> bool:
    """Whether a character device had to be made. GpusimError for one that is not ours."""
    recorded = manifest.nodes.get(str(path))
    if os.path.lexists(path):
        status = path.lstat()
        ours = stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(major, minor)
        if recorded != (major, minor) or not ours:
            raise GpusimError(f"{path} is not ours, so it stays: move it away first")
        return False
    manifest.nodes[str(path)] = (major, minor)
    manifest.save()
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
    path.chmod(0o666)  # mknod's mode is cut by the umask
    return True


def place_directory(manifest: Manifest, path: Path) -> None:
    if path.is_dir():
        return
    place_directory(manifest, path.parent)
    manifest.directories.append(str(path))
    path.mkdir()
    path.chmod(0o755)
    manifest.save()


def take_away(manifest: Manifest, paths: set[Path]) -> list[str]:
    """Unlink these of ours; a line for each that somebody else has changed and that stays."""
    kept = []
    for path in sorted(paths):
        if str(path) in manifest.nodes:
            major, minor = manifest.nodes.pop(str(path))
            if path.is_char_device() and path.stat().st_rdev == os.makedev(major, minor):
                path.unlink()
        else:
            recorded = manifest.files.pop(str(path))
            if path.is_file() and content_hash(path.read_bytes()) != recorded:
                kept.append(f"{path} was changed by somebody else and stays")
            else:
                path.unlink(missing_ok=True)
    return kept
