"""What may run at the same time: `make test` has two processes (pytest-xdist). And patience."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# nothing is wrong because a loaded machine is slow
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

#: folders, apart from their modules named *_stack*, and modules that leave the machine's GPUs alone
_WITHOUT_GPUS = frozenset(
    {
        *("bench", "chat", "emulation", "gateway", "models", "net", "proofs", "vllm"),
        *("test_doctor_reload.py", "test_gpusim_gpuhost.py", "test_gpusim_install.py"),
    }
)


def _is_unit(nodeid: str) -> bool:
    return nodeid.startswith("tests/unit/")


def together(nodeid: str) -> str:
    """Tests of one answer run in one process, in order.

    The GPUs of the machine are one for all: their tests stay together. What else needs containers
    runs beside them, in order as well. Unit tests come before, while no engine takes the cores.
    """
    path = PurePath(nodeid.partition("::")[0])
    if _is_unit(nodeid):
        return nodeid
    free = not _WITHOUT_GPUS.isdisjoint(path.parts) and "_stack" not in path.name
    return "containers" if free else "gpus"


class _Scheduler(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer | None) -> _Scheduler:
    # in the order below, and not the largest group first
    config.option.loadscopereorder = False
    return _Scheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A stack in the wrong process would wait for the GPUs until all others are done with them."""
    items.sort(key=lambda item: not _is_unit(item.nodeid))
    for item in items:
        if item.get_closest_marker("stack") and together(item.nodeid) != "gpus":
            raise pytest.UsageError(f"{item.nodeid}: put _stack into the name of its module")
