"""Logs of a running stack that nobody can read, and logs that nobody ends."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.stack.box import Box, docker
from tests.integration.stack.watching import changed, forgotten, started, timer

pytestmark = [pytest.mark.docker, pytest.mark.stack]


@contextmanager
def stranger(*options: str) -> Iterator[str]:
    """A container that is none of ours."""
    name = f"stranger-{uuid.uuid4().hex[:8]}"
    try:
        docker("run", "--detach", "--name", name, *options, "debian:forky-slim", "sleep", "300")
        yield name
    finally:
        docker("rm", "--force", name, check=False)


def endless(box: Box) -> dict[str, Any]:
    """What the doctor says of logs."""
    found = json.loads(box.stackctl("doctor", "--json").out)["findings"]
    (finding,) = [f for f in found if f["check"] == "docker.logs"]
    return dict(finding)


def test_no_log_at_all_and_one_without_an_end(stack: Box) -> None:
    """Explained, and neither taken for a model on the CPU nor healed."""
    stack.add_to_role("coder", '    logging: !override {driver: "none"}\n')
    stack.add_to_role("audio", "    logging: !override {driver: json-file}\n")
    up = stack.stackctl("up")
    assert up.code == 0, up.text
    verdict = stack.verify("--answers")
    expected = {("service.log", "warning", "coder"), ("service.log", "warning", "audio")}
    assert (verdict.code, verdict.problems) == (0, expected)
    mute, long = verdict.get("service.log", "coder"), verdict.get("service.log", "audio")
    assert mute["summary"] == "its log cannot be read"
    assert "does not support reading" in mute["evidence"]
    assert mute["values"]["driver"] == "none"
    assert long["summary"] == "its log grows without end"
    assert "driver's word alone" in verdict.get("engine.on-gpu", "coder")["summary"]
    told = endless(stack)
    assert told["severity"] == "warning"
    assert stack.container("audio") in told["evidence"] or "more" in told["evidence"]
    assert stack.container("coder") not in told["evidence"]
    before = started(stack)
    with forgotten(stack):
        for _ in range(2):
            assert timer(stack).code == 0
    assert changed(stack, before) == set()
    # what the fix says to do
    stack.restore_files()
    for finding in (mute, long):
        assert "compose/engines/base.yaml" in finding["fix"]
        assert stack.follow(finding["fix"].replace("then: ", "; ")).code == 0
    assert stack.verify().problems == set()


def test_strangers(stack: Box) -> None:
    """One that fills the disk is named; those that keep nothing, or little, are not."""
    before = started(stack)
    with (
        stranger("--log-driver", "json-file") as long,
        stranger("--log-driver", "none") as mute,
        stranger("--log-driver", "local") as short,
    ):
        found = endless(stack)
        assert found["severity"] == "warning"
        assert long in found["evidence"] or "more" in found["evidence"]
        assert mute not in found["evidence"]
        assert short not in found["evidence"]
        assert "max-size" in found["fix"]
        assert stack.verify().problems == set()
    assert changed(stack, before) == set()
