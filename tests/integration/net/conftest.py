"""The laboratory's image, made once."""

from __future__ import annotations

import pytest

from tests import lab


@pytest.fixture(scope="session", autouse=True)
def lab_image() -> None:
    lab.build()
