"""Disks that take nothing more under a running stack: what runs, runs on, and the owner is told."""

from __future__ import annotations

import json

import pytest

from tests.integration.stack.island import Island
from tests.integration.stack.watching import changed, healed, started, timer, told

pytestmark = [pytest.mark.docker, pytest.mark.stack]


def doctor(isle: Island) -> list[tuple[str, str]]:
    """Severity and summary of what it says of disks."""
    result = isle.stackctl("doctor", "--json")
    found = json.loads(result.out)["findings"]
    return [(f["severity"], f["summary"]) for f in found if f["check"] == "host.disk"]


def test_the_models_disk(isle: Island) -> None:
    before = started(isle)
    with told(isle) as news:
        with isle.full(isle.models):
            verdict = isle.verify("--answers")
            assert verdict.problems == {("host.disk", "warning", "models' disk")}
            finding = verdict.get("host.disk", "models' disk")
            assert finding["summary"] == f"0 MiB free at {isle.models}"
            assert f"df -h {isle.models}" in finding["fix"]
            assert ("warning", finding["summary"]) in doctor(isle)
            for _ in range(3):
                assert timer(isle).code == 0
            (letter,) = news()
            assert f"models' disk: {finding['summary']}" in letter
            assert changed(isle, before) == set()
            # engines only read there: one that is gone comes up as ever
            isle.docker("rm", "--force", isle.container("coder"))
            up = isle.stackctl("up")
            assert up.code == 0, up.text
        for _ in range(2):
            assert timer(isle).code == 0
        (letter,) = news()
        assert "models' disk is fine again" in letter
    assert changed(isle, before) == {"coder"}


def test_dockers_disk(isle: Island) -> None:
    before = started(isle)
    with isle.full(isle.root):
        verdict = isle.verify("--answers")
        assert (verdict.code, verdict.problems) == (1, {("host.disk", "error", "disk")})
        finding = verdict.get("host.disk", "disk")
        assert finding["summary"] == f"0 MiB free at {isle.root}"
        assert f"df -h {isle.root}" in finding["fix"]
        assert ("error", finding["summary"]) in doctor(isle)
        isle.docker("rm", "--force", isle.container("coder"))
        said = "".join(timer(isle).out for _ in range(2))
        assert "coder: not healed: no container helps while this is so: disk: " in said
        up = isle.stackctl("up")
        assert up.code == 1
        assert f"free at {isle.root}  [host.disk]" in up.out
        assert "nothing was changed" in up.out
        assert changed(isle, before) == {"coder"}
    healed(isle)
    assert changed(isle, before) == {"coder"}


def test_dockers_disk_without_inodes(isle: Island) -> None:
    """There is room, and still Docker can create nothing: its own words, explained."""
    before = started(isle)
    isle.docker("rm", "--force", isle.container("coder"))
    used = isle.shell(f"df --output=iused {isle.root} | tail -1").strip()
    with isle.remounted(isle.root, f"nr_inodes={used}", "nr_inodes=1000000"):
        up = isle.stackctl("up", "coder")
        assert up.code == 1
        assert "the disk is full where Docker is" in up.err
        assert "df -h; df -i" in up.err
        by_hand = isle.stackctl("heal")
        assert by_hand.code == 1
        assert "tried: it has no container; but the disk is full where Docker is" in by_hand.out
    assert changed(isle, before) == {"coder"}
    assert isle.stackctl("heal").code == 0
    assert changed(isle, before) == {"coder"}


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_the_disk_of_the_state(isle: Island, how: str) -> None:
    """No run crashes, the owner is told once, and nothing of it is forgotten afterwards."""
    before = started(isle)
    with told(isle) as news:
        assert timer(isle).code == 0
        isle.deny("coder")
        taken = isle.full(isle.state) if how == "full" else isle.remounted(isle.state, "ro", "rw")
        with taken:
            said = [timer(isle).out for _ in range(3)]
            assert f"the {'disk is' if how == 'full' else 'file system is'} {how};" in said[0]
            assert all("kept in memory until there is room" in text for text in said)
            assert "not healed: cannot write" in said[-1]
            (letter,) = news()
            assert "coder: the GPU cannot be used inside" in letter
            assert "[history.store]" in letter
            assert "the GPU cannot be used inside" in isle.stackctl("history").out
            restart = isle.stackctl("restart", "coder")
            assert (restart.code, changed(isle, before)) == (1, set())
            assert f"cannot write {isle.state}" in restart.err
        assert "coder: recreated" in healed(isle, 1)
        assert timer(isle).code == 0
        assert "".join(news()).count("gone  ") == 2
    past = isle.stackctl("history").out
    assert "the GPU cannot be used inside" in past
    assert "coder" in past
    assert "recreated, as" in past
    assert changed(isle, before) == {"coder"}
