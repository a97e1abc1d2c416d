from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.integration.models.commands import Commands


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Commands]:
    folder = tmp_path / "models"
    folder.mkdir()
    with Hub(tmp_path / "hub") as hub:
        yield Commands(folder, hub)
