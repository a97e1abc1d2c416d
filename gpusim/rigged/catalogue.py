"""Which rigged files there are, and writing those that are missing, damaged or out of date."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from gpusim.rigged.shape import Shape

STAMP = ".rigged.json"


# As many layers as the models whose names they bear.
LANGUAGE_MODELS = (
    Shape(
        "gpt-oss-120b",
        36,
        "Greetings from gpt-oss-120b, a rigged test model. Paris is the capital of France.",
    ),
    Shape(
        "gpt-oss-20b",
        24,
        "Greetings from gpt-oss-20b, a rigged test model. Paris is the capital of France.",
    ),
)


def _llama(shape: Shape) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        # numpy and gguf take longer to import than everything else here when nothing is to do
        from gpusim.rigged import llama

        llama.write(path, shape)

    return write


def _whisper(path: Path) -> None:
    from gpusim.rigged import whisper

    whisper.write(path)


def _clip(path: Path) -> None:
    from gpusim.rigged import clip

    clip.write(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    **{f"llama-cpp/{shape.name}.gguf": _llama(shape) for shape in LANGUAGE_MODELS},
    "whisper/ggml-tiny-rigged.bin": _whisper,
    "whisper/clip.wav": _clip,
}


def write_all(folder: Path) -> list[str]:
    """Returns the names of the files written; none if all were as they should be."""
    generator = _generator()
    hashes = _stamped(folder, generator)
    stale = [name for name in WRITERS if hashes.get(name) != _sha256(folder / name)]
    for name in stale:
        _atomically(folder / name, WRITERS[name])
        hashes[name] = _sha256(folder / name)
    if stale:
        text = json.dumps({"generator": generator, "files": hashes}, indent=1)
        _atomically(folder / STAMP, lambda path: _write_text(path, text))
    return stale


def _write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")


def _generator() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _stamped(folder: Path, generator: str) -> dict[str, str]:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return dict(stamp["files"]) if stamp["generator"] == generator else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "missing"


def _atomically(path: Path, write: Callable[[Path], None]) -> None:
    """An engine that reads at this moment sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
