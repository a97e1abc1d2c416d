"""What a channel is told, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.model import Severity
from stackctl.model.incident import Incident
from stackctl.watch import alerts
from stackctl.watch.alerts import HOUR, LEASE, Channel, Message, Word
from tests.unit.stackctl.watch.simulated import START


def incident(number: int, ended: float | None = None) -> Incident:
    severity = Severity.ERROR
    return Incident(number, "a.check", f"s{number}", severity, "bad", START, ended=ended)


def told(message: Message | None) -> list[tuple[str, int]]:
    assert message
    return [(entry.word.value, entry.incident.id) for entry in message.entries]


def test_several_at_once_are_one_message() -> None:
    message, _ = alerts.step(Channel(), [incident(1), incident(2)], START)
    assert told(message) == [("opened", 1), ("opened", 2)]


def test_while_somebody_sends_nobody_else_does() -> None:
    message, channel = alerts.step(Channel(), [incident(1)], START)
    assert alerts.step(channel, [incident(1)], START + 1)[0] is None
    assert message
    channel = alerts.delivered(channel, message, START + 2)
    assert alerts.step(channel, [incident(1)], START + 3)[0] is None


@pytest.mark.parametrize("passed", [LEASE, -1.0, 1e9])
def test_a_sender_that_died_is_waited_for_no_longer(passed: float) -> None:
    _, channel = alerts.step(Channel(), [incident(1)], START)
    assert told(alerts.step(channel, [incident(1)], START + passed)[0]) == [("opened", 1)]


def test_what_ends_while_its_opening_is_on_the_way_is_told_after() -> None:
    message, channel = alerts.step(Channel(), [incident(1)], START)
    assert message
    _, channel = alerts.step(channel, [incident(1, START + 5)], START + 5)
    channel = alerts.delivered(channel, message, START + 6)
    assert told(alerts.step(channel, [incident(1, START + 5)], START + 7)[0]) == [("gone", 1)]


def test_a_storm_waits_and_is_told_in_one() -> None:
    channel, messages = Channel(), []
    for minute in range(90):
        now = START + 60 * minute
        everything = [incident(n) for n in range(1, min(minute, 40) + 1)]
        message, channel = alerts.step(channel, everything, now)
        if message:
            messages.append(message)
            channel = alerts.delivered(channel, message, now)
    assert len(messages) == 7
    assert [m.last for m in messages] == [False] * 5 + [True] * 2
    assert messages[5].until == messages[0].at + HOUR
    assert messages[6].waited
    assert len(messages[6].entries) == 34


def test_a_fault_is_a_finding_with_the_time_of_its_beginning() -> None:
    channel = alerts.failed(alerts.failed(Channel(), "refused", START), "timeout", START + 60)
    assert channel.since == START
    (found,) = alerts.findings({"ntfy://host": channel, "json://host": Channel()})
    assert (found.check, found.subject, found.severity) == (
        "alert.channel",
        "ntfy://host",
        Severity.WARNING,
    )


def test_a_new_channel_hears_what_is_open_and_nothing_of_the_past() -> None:
    past, now_open = incident(1, START), incident(2)
    channel = alerts.fresh([now_open], 2)
    assert told(alerts.step(channel, [past, now_open], START)[0]) == [("opened", 2)]


def test_a_reminder_and_the_clock() -> None:
    message, channel = alerts.step(Channel(), [incident(1)], START)
    assert message
    channel = alerts.delivered(channel, message, START)
    back = START - 1e8  # set back by years: reminded six hours after that all the same
    none, channel = alerts.step(channel, [incident(1)], back)
    assert none is None
    assert told(alerts.step(channel, [incident(1)], back + 6 * HOUR)[0]) == [(Word.STILL, 1)]


def test_an_incident_that_is_forgotten_is_owed_no_longer() -> None:
    channel = Channel(known=3, owed=frozenset({2}), told={1: START})
    message, channel = alerts.step(channel, [], START)
    assert message is None
    assert not channel.wanted()


def test_state_survives_and_a_damaged_one_is_none() -> None:
    channel = Channel(4, frozenset({3}), {1: 2.0}, (5.0,), 6.0, True, "no", 7.0)
    assert alerts.load(alerts.dump(channel)) == channel
    assert alerts.load(alerts.dump(replace(channel, sending=None))) is not None
    for text in ("", "{", "[]", "{}", '{"known": "x"}', "null"):
        assert alerts.load(text) is None
