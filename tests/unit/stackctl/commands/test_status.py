"""The picture of the box, as text and JSON."""

from __future__ import annotations

import json
import time

import pytest

from stackctl.commands import status
from stackctl.model import GpuProcess, Unavailable
from tests.unit.stackctl.box import DRIVER, HEALTHY, STARTED, gpu

PAIRS = tuple((o.service, o.container) for o in HEALTHY.observed)


def test_who_holds_what_and_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: STARTED + 3600)
    text = status._text(DRIVER, PAIRS)
    assert text.isascii()
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert "audio (5000 MiB), image (5000 MiB)" in lines["2"]
    assert "5.2 / 45.0 GiB" in lines["0"]
    assert lines["main"].split() == [
        *("main", "ollama", "model-of-main", "131072", "0,1", "healthy", "1h", "0m", "0"),
        "http://127.0.0.1:8001",
    ]


def test_a_holder_that_is_no_service() -> None:
    row = status._gpu_row(gpu(0, processes=(GpuProcess(4711, 9),)), {})
    assert row[-1] == "pid 4711 (9 MiB)"
    row = status._gpu_row(gpu(0, processes=(GpuProcess(1, 9, "ab" * 32),)), {})
    assert row[-1] == "container abababababab (9 MiB)"


def test_a_card_in_fault_shows_its_fault() -> None:
    row = status._gpu_row(gpu(2, fault=Unavailable("GPU is lost", "nvml:15")), {})
    assert row[:2] == ("2", "GPU is lost")


def test_without_driver_or_services() -> None:
    text = status._text(Unavailable("Driver Not Loaded", "nvml:9"), ())
    assert "no GPU to show: Driver Not Loaded" in text
    assert "make up" in text
    assert "make up" not in status._text(DRIVER, None)


def test_json() -> None:
    found = json.loads(status._json(DRIVER, PAIRS, None))
    assert found["simulated"] is False
    assert found["services"][0]["container"]["state"] == "running"
    assert [g["index"] for g in found["driver"]["gpus"]] == [0, 1, 2, 3]
