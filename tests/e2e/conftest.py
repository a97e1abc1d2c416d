"""One clone with its stack up for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.clone import Clone, fresh_clone
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import gpusim


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """Nothing runs in it yet."""
    gpusim("install")
    with healthy_gpus(), fresh_clone(tmp_path_factory.mktemp("e2e")) as made:
        yield made


@pytest.fixture(scope="module")
def up(clone: Clone) -> Clone:
    """After `make up`."""
    result = clone.make("up")
    assert result.code == 0, result.text
    return clone
