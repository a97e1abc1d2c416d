"""A week of one-minute runs with forty incidents: none missed, none told twice."""

from __future__ import annotations

from stackctl.watch.alerts import HOUR, ID, MOST
from tests.unit.stackctl.watch.simulated import MINUTE, START
from tests.unit.stackctl.watch.week import asleep, missed_and_doubled, script, week

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


def test_none_is_missed_and_none_is_doubled() -> None:
    assert missed_and_doubled(SEEN) == (0, 0)


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
