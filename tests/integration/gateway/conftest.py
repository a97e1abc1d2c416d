"""One gateway for all tests of this folder, and as good as new for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.gateway.browser.chromium import Browser, build, chromium
from tests.integration.gateway.door import ENGINES, Door, open_door, until


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("gateway")) as door:
        yield door


@pytest.fixture
def door(gateway: Door) -> Door:
    """The gateway with one key, without a memory of requests, before engines without one."""
    if set(gateway.keys) != {"client"}:
        gateway.keys.clear()
        gateway.add_key("client")
    for table in ("st_wrong", "st_key"):
        gateway.admin(f"clear table {table}")
    for name in ENGINES:
        engine = gateway.engine(name)
        engine.reset()
        until(engine.idle, f"{name} is idle")
    return gateway


@pytest.fixture
def key(door: Door) -> str:
    """A key without limits."""
    return door.keys["client"][1]


@pytest.fixture(scope="session")
def browser(gateway: Door) -> Iterator[Browser]:
    """One that knows the gateway by its container's name."""
    if why := build():
        pytest.skip(f"no image with a browser can be built here: {why}")
    with chromium(f"{gateway.project}_default") as opened:
        yield opened
