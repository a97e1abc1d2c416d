"""A week of one-minute runs with forty incidents: none missed, none told twice."""

from __future__ import annotations

import random

from stackctl.watch.alerts import HOUR, ID, MOST
from tests.unit.stackctl.watch.simulated import MINUTE, ROLES, START, Simulation, box

WEEK = 7 * 1440


def script() -> dict[str, list[tuple[int, int]]]:
    """Forty times, ten of each role, in which it is broken: (first minute, minutes)."""
    dice = random.Random(5)
    return {
        role: [(100 + 60 * shift + 1000 * n, dice.randint(2, 400)) for n in range(10)]
        for shift, role in enumerate(ROLES)
    }


def broken_at(minute: int) -> list[str]:
    found = {r for r, times in script().items() for at, n in times if at <= minute < at + n}
    # blips of one run, and a flap: every other minute for half an hour; neither is an incident
    if minute % 1000 == 970:
        found.add("coder")
    if 4985 <= minute < 5015 and minute % 2:
        found.add("main")
    return sorted(found)


def asleep(minute: int) -> bool:
    """The box reboots now and then, and is off for ten hours once."""
    return minute % 700 in range(3) or 8400 <= minute < 8980


def week() -> Simulation:
    simulation = Simulation()
    for minute in range(WEEK + 60):
        if asleep(minute):
            continue
        simulation.now = START + minute * MINUTE
        simulation.up = not (2300 <= minute < 2600 or 6100 <= minute < 6400)
        simulation.run(box(broken_at(minute)) if minute < WEEK else box([]))
    return simulation


SEEN = week()


def test_the_forty_are_there_and_the_blips_are_not() -> None:
    scripted = [i for i in SEEN.all.values() if i.check != ID]
    assert len(scripted) == 40
    assert not SEEN.open


def test_starts_and_ends_are_those_of_the_script() -> None:
    times = {(role, at): n for role, found in script().items() for at, n in found}
    for incident in (i for i in SEEN.all.values() if i.check != ID):
        first = round((incident.started - START) / MINUTE)
        at = next(a for r, a in times if r == incident.subject and a <= first <= a + 610)
        assert incident.ended is not None
        last = round((incident.ended - START) / MINUTE)
        assert all(asleep(minute) for minute in range(at, first))
        assert all(asleep(minute) for minute in range(at + times[incident.subject, at], last))


def test_each_is_told_once_when_it_opens_and_once_when_it_is_gone() -> None:
    for incident in SEEN.all.values():
        words = [word for word in SEEN.words(incident.id) if word != "still"]
        assert words in (["opened", "gone"], ["was"]), incident


def test_reminders_come_every_six_hours_and_no_sooner() -> None:
    told = 0
    for incident in SEEN.all.values():
        times = [m.at for m in SEEN.arrived for e in m.entries if e.incident.id == incident.id]
        words = SEEN.words(incident.id)
        for n, word in enumerate(words):
            if word == "still":
                told += 1
                assert times[n] - times[n - 1] >= 6 * HOUR
    assert told


def test_no_hour_has_more_messages_than_allowed() -> None:
    times = [message.at for message in SEEN.arrived]
    for at in times:
        assert sum(at <= other < at + HOUR for other in times) <= MOST


def test_the_channel_that_was_down_is_told_of_itself() -> None:
    own = [i for i in SEEN.all.values() if i.check == ID]
    assert own
    assert all(SEEN.words(i.id) for i in own)
