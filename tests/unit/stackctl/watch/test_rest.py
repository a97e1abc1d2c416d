"""The breaker of healing, what the box was made of, uptime."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.model import Severity
from stackctl.model.incident import Box, Incident, Spell
from stackctl.watch import breaker, drift, uptime
from stackctl.watch.breaker import ATTEMPTS, WITHIN, Breaker
from stackctl.watch.uptime import DAY
from tests.unit.stackctl.watch.simulated import HOUR, MINUTE, START


def ill(subject: str, check: str = "a.check") -> list[Incident]:
    return [Incident(1, check, subject, Severity.ERROR, "bad", START)]


def tried(times: int, now: float = START) -> Breaker:
    guard = Breaker()
    for _ in range(times):
        assert breaker.may(guard, "main", now)
        guard = breaker.attempt(guard, "main", now)
    return guard


def test_three_attempts_and_then_hands_off_until_it_is_well() -> None:
    guard = breaker.step(tried(ATTEMPTS), ill("main"), START)
    assert not breaker.may(guard, "main", START)
    later = START + 5 * WITHIN
    guard = breaker.step(guard, ill("main"), later)
    assert not breaker.may(guard, "main", later)
    assert breaker.may(guard, "coder", later)
    (found,) = breaker.findings(guard)
    assert found.subject == "main"
    guard = breaker.step(guard, ill("main", breaker.ID), later)  # its own alert keeps nothing off
    assert breaker.may(guard, "main", later)
    assert not breaker.findings(guard)


def test_attempts_that_are_old_do_not_count() -> None:
    guard = breaker.step(tried(ATTEMPTS - 1), ill("main"), START + WITHIN)
    assert breaker.may(guard, "main", START + WITHIN)
    assert not guard.tried


def test_one_that_is_well_for_minutes_only_has_no_new_attempts() -> None:
    guard = breaker.step(tried(ATTEMPTS), [], START)
    assert not breaker.may(guard, "main", START + MINUTE)
    assert breaker.step(guard, ill("main"), START + MINUTE).off


def test_an_operator_resets() -> None:
    guard = breaker.step(tried(ATTEMPTS), ill("main"), START)
    guard = breaker.reset(guard, "main")
    assert breaker.may(guard, "main", START)
    assert guard == Breaker()


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 2 * HOUR)), max_size=50))
def test_never_a_fourth_within_an_hour(script: list[tuple[bool, bool, float]]) -> None:
    guard, now, made = Breaker(), START, []
    for is_ill, wants, passed in script:
        now += passed
        guard = breaker.step(guard, ill("main") if is_ill else [], now)
        assert breaker.load(breaker.dump(guard)) == guard
        if wants and breaker.may(guard, "main", now):
            made.append(now)
            guard = breaker.attempt(guard, "main", now)
    for at in made:
        assert sum(at <= other < at + WITHIN for other in made) <= ATTEMPTS


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tried": 1}', '{"off": {"a": "b"}}', "null"])
def test_damaged_states_begin_anew(text: str) -> None:
    assert breaker.load(text) == Breaker()
    assert drift.load(text) == Box()


def test_what_changed_since_the_last_green_run() -> None:
    green = drift.step(Box(), {"driver": "1", "kernel": "6"}, START, fine=True)
    green = drift.step(green, {"driver": "2"}, START, fine=False)
    green = drift.step(green, {"driver": "", "kernel": "6"}, START + 1, fine=True)
    assert drift.load(drift.dump(green)) == green == Box(START + 1, {"driver": "1", "kernel": "6"})
    now = {"driver": "2", "kernel": "", "Docker": "29"}
    assert drift.difference(green, now) == ("driver: 1 -> 2", "Docker: none -> 29")
    assert drift.difference(Box(), now) == ()


OLD, NEW = f"sha256:{'d' * 64}", f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("before", "now", "line"),
    [
        (
            drift.image("e:1", OLD),
            drift.image("e:1", NEW, [f"e@{NEW}"]),
            f"image of coder: tag e:1, now sha256:{'a' * 12}, before sha256:{'d' * 12}",
        ),
        (drift.image("e:1", OLD), drift.image("e:2", NEW), "image of coder: e:1 -> e:2"),
        ("", drift.image("e:1", NEW), "image of coder: none -> e:1"),
        # the same image, loaded anew by another storage of Docker's
        (drift.image("e:1", OLD, ["e@sha256:c"]), drift.image("e:1", NEW, ["e@sha256:c"]), ""),
        (drift.image("e:1", OLD, ["e@sha256:c"]), drift.image("e:1", OLD), ""),
        # a record of before ids were kept
        ("e:1", drift.image("e:1", NEW), ""),
    ],
)
def test_a_tag_that_moved(before: str, now: str, line: str) -> None:
    parts = {"driver": "1"} | ({"image of coder": before} if before else {})
    found = drift.difference(Box(START, parts), {"image of coder": now})
    assert found == ((line,) if line else ())


def test_an_image_that_several_registries_have() -> None:
    digests = ["b/e@sha256:1", "h:5000/e@sha256:1", "a/e@sha256:1"]
    assert drift.image("h:5000/e:7", OLD, digests) == f"h:5000/e:7 {OLD} h:5000/e@sha256:1"
    assert drift.image("e:7", OLD, digests) == f"e:7 {OLD} a/e@sha256:1"


def lived(script: list[tuple[float, bool]], reach: float = 150.0) -> list[Spell]:
    """(seconds that passed, is it up)"""
    spells: list[Spell] = []
    now = START
    for passed, up in script:
        now += passed
        last = {"main": spells[-1]} if spells else {}
        for spell, before in uptime.step(last, {"main": up}, now, reach):
            if before:
                spells[-1] = spell
            else:
                spells.append(spell)
    return spells


def test_a_run_speaks_until_the_next() -> None:
    spells = lived([(MINUTE, True)] * 11 + [(MINUTE, False)] * 5 + [(MINUTE, True)] * 10)
    assert [(s.up, s.end - s.start) for s in spells] == [(True, 660), (False, 300), (True, 540)]


def test_when_nothing_ran_nothing_is_known() -> None:
    spells = lived([(MINUTE, True)] * 61 + [(10 * HOUR, True)] + [(MINUTE, True)] * 60)
    now = spells[-1].end
    found = uptime.over(spells, now, DAY)
    assert (found.up, found.down, found.unknown) == (2 * HOUR, 0, 22 * HOUR)
    assert found.share == 1.0
    assert uptime.over([], now, DAY).share is None


def test_the_reach_of_a_run_follows_the_timer() -> None:
    assert uptime.reach([]) == uptime.reach([5.0]) == 150
    assert uptime.reach([60.0 * n for n in range(10)]) == 150
    assert uptime.reach([300.0 * n for n in range(10)]) == 750
    assert uptime.reach([0, 300, 600, 605, 900, 1200, 30000, 30300]) == 750
    assert uptime.reach([86400.0 * n for n in range(5)]) == 3 * HOUR
    assert uptime.reach([100.0, 50.0, 0.0]) == 150


JUMPS = st.sampled_from([0.0, 1.0, MINUTE, HOUR, -HOUR, 1e8, -1e8])


@settings(deadline=None)
@given(st.lists(st.tuples(JUMPS, st.booleans()), max_size=60))
def test_whatever_the_clock_does_no_second_counts_twice(script: list[tuple[float, bool]]) -> None:
    spells = lived(script)
    for window in uptime.WINDOWS.values():
        found = uptime.over(spells, START, window)
        assert min(found.up, found.down, found.unknown) >= 0
        assert found.up + found.down + found.unknown == pytest.approx(window)
