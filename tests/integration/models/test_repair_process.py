"""`models repair` as a process, killed at any moment."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from stackctl.system.sha256 import RANGE
from tests.hub import Slow, make
from tests.integration.models.commands import Commands

SIZE = 2 * RANGE


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("then", ["pull", "repair"])
def test_killed_at_any_moment(at: Commands, then: str) -> None:
    """The old file, the new one or none is under the name, and whoever comes next ends it."""
    original = at.folder.parent / "x.gguf"
    make.gguf(original, SIZE)
    right = original.read_bytes()
    at.hub.add("org/a", {"x.gguf": original})
    at.good("pull", "hf:org/a", "--to", "llama-cpp")
    path = at.folder / "llama-cpp/x.gguf"
    rng = random.Random(then)
    for _ in range(3):
        flip(path, RANGE + 5)
        wrong = path.read_bytes()
        at.hub.faults[:] = [Slow(path="x.gguf", rate=60e6)]
        process = at.start("repair", "hf:org/a")
        time.sleep(rng.uniform(0.3, 2.5))
        process.kill()
        process.communicate()
        assert not path.exists() or path.read_bytes() in (wrong, right)
        at.hub.faults.clear()
        at.sent()
        at.good(then, "hf:org/a")
        assert path.read_bytes() == right
        assert at.sent() <= RANGE
        assert list((at.folder / ".stackctl/parts").iterdir()) == []
