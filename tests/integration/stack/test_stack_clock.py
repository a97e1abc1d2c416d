"""The clock jumps under a running stack: two hours back, a day ahead. Only stackctl's own does."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.stack.box import PATIENCE, Box
from tests.integration.stack.watching import changed, forgotten, started, timer, told

pytestmark = [pytest.mark.docker, pytest.mark.stack]

BACK, AHEAD = -7200.0, 86400.0


def test_nothing_happens_on_a_green_stack(stack: Box) -> None:
    before = started(stack)
    with forgotten(stack), told(stack) as news:
        for stack.clock in (0.0, BACK, AHEAD, AHEAD, 0.0):
            result = timer(stack)
            assert (result.code, result.out) == (0, "")
        for stack.clock in (BACK, AHEAD, 0.0):
            past = json.loads(stack.stackctl("history", "--json").out)
            assert past["incidents"] == []
            # one run lasts no time, so only where two were anything is known
            shares = [u["share"] for each in past["uptime"].values() for u in each.values()]
            assert set(shares) <= {1.0, None}
            assert (1.0 in shares) is (stack.clock == AHEAD)
        assert news() == []
    stack.clock = 0.0
    assert changed(stack, before) == set()


def test_one_incident_and_one_healing_across_a_jump(stack: Box) -> None:
    before = started(stack)
    with forgotten(stack), told(stack) as news:
        stack.deny("coder")
        assert "seen for the first time" in timer(stack).out
        stack.clock = BACK
        assert "coder: recreated" in timer(stack).out
        now = started(stack)
        for stack.clock in (AHEAD, AHEAD, 0.0):
            assert timer(stack).out == ""
        opened, gone = news()
        assert "coder: the GPU cannot be used inside" in opened
        assert "coder is fine again" in gone
        past = json.loads(stack.stackctl("history", "--json").out)
        (incident,) = past["incidents"]
        assert incident["duration_seconds"] >= 0
        assert incident["ended"] >= incident["started"]
        assert [note["text"].split(",")[0] for note in incident["notes"]] == ["recreated"]
        assert past["healing_off"] == {}
    assert (changed(stack, before), changed(stack, now)) == ({"coder"}, set())


@pytest.mark.parametrize("jump", [BACK, AHEAD], ids=["back", "ahead"])
def test_a_start_is_as_old_as_it_is(stack: Box, jump: float) -> None:
    """An engine that loads since a moment ago does not hang since a day, and an Xid from before its
    start is not one from after it."""
    stack.add_xid(3, 79)
    slow = "sleep 4; exec /app/llama-server"
    stack.replace("compose/engines/llama-cpp.yaml", "exec /app/llama-server", slow)
    with subprocess.Popen(
        stack.argv("restart", "coder"), env=stack.environ, stdout=subprocess.PIPE, text=True
    ) as restart:
        assert restart.stdout is not None
        assert any("loading" in line for line in restart.stdout)
        stack.clock = jump
        verdict = stack.verify()
        assert verdict.get("service.ready", "coder")["summary"].startswith("still loading")
        assert verdict.problems == {("service.ready", "warning", "coder")}
        assert restart.wait(PATIENCE) == 0
    assert stack.verify().problems == set()
    stack.add_xid(3, 79)
    assert stack.verify().problems == {("gpu.xid", "error", "GPU 3")}
    stack.kernel_log.write_text("")
    stack.clock = 0.0
    stack.restore_files()
    again = stack.stackctl("up", "coder")
    assert again.code == 0, again.text
