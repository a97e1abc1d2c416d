"""One running stack for all tests of this folder, and boxes of one's own for those that need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, box, gpusim
from tests.integration.stack.island import Island, island
from tests.integration.stack.watching import forgotten


@pytest.fixture(scope="session")
def gpus() -> Iterator[None]:
    """Nobody else breaks the simulated GPUs meanwhile."""
    gpusim("install")
    with healthy_gpus():
        yield


@pytest.fixture(scope="session")
def running(gpus: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """The whole stack, up and proven."""
    with box(tmp_path_factory.mktemp("stack")) as made:
        up = made.stackctl("up")
        assert up.code == 0, up.text
        yield made


@pytest.fixture
def stack(running: Box) -> Iterator[Box]:
    """The running stack, green before every test: proven by `up`, and mended after each."""
    yield running
    gpusim("clear")
    running.clock = 0.0
    running.env.clear()
    running.restore_files()
    _mend(running)


@pytest.fixture
def fresh(gpus: None, tmp_path: Path) -> Iterator[Box]:
    """A box on which nothing runs yet."""
    with box(tmp_path) as made:
        yield made
    gpusim("clear")


@pytest.fixture(scope="session")
def far(gpus: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Island]:
    """Two roles on a daemon of their own, up and proven."""
    with island(tmp_path_factory.mktemp("far")) as made:
        up = made.stackctl("up")
        assert up.code == 0, up.text
        yield made


@pytest.fixture
def isle(far: Island) -> Iterator[Island]:
    """The same, green before every test, with nothing remembered."""
    with forgotten(far):
        yield far
        gpusim("clear")
        far.env.clear()
        _mend(far)


def _mend(box: Box) -> None:
    """Green for the next test."""
    if box.verify().code:
        again = box.stackctl("restart")
        assert again.code == 0, again.text
        after = box.verify()
        assert after.code == 0, after.problems
