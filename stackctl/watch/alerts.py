"""Incidents -> messages, for each channel on its own: one when it opens, one when it is gone, now
and then a reminder.

A channel's state says what it was told, never what it is to be told next: that is what the
incidents say at the time. So a message that could not be sent is not repeated but made anew,
nothing is told twice, and what came and went while the channel was down is told as what it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stackctl.model.check import Finding, Severity
from stackctl.model.incident import Incident

REMIND = 6 * 3600.0
#: messages of one channel within an hour; what comes beyond waits, and is told in one
MOST, HOUR = 6, 3600.0
#: a sender that has not reported back by then has died
LEASE = 120.0
ID = "alert.channel"


class Word(StrEnum):
    OPENED = "opened"
    STILL = "still"
    GONE = "gone"
    WAS = "was"  # came and went since the last message


@dataclass(frozen=True, slots=True)
class Entry:
    word: Word
    incident: Incident


@dataclass(frozen=True, slots=True)
class Message:
    """What one channel is to be told now. `last`: the hour is full, the next waits for `until`."""

    at: float
    entries: tuple[Entry, ...]
    last: bool = False
    until: float = 0.0
    waited: bool = False  # held back because the hour was full


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel was told."""

    known: int = 0  # highest incident that it has heard of, or owes
    owed: frozenset[int] = frozenset()  # incidents it has not been told of yet
    told: Mapping[int, float] = field(default_factory=dict)  # open ones -> when told last
    sent: tuple[float, ...] = ()  # messages of the last hour
    sending: float | None = None  # somebody is at it since
    held: bool = False  # something waits for the next hour
    fault: str = ""  # why the last message could not be sent
    since: float = 0.0  # of the fault

    def wanted(self) -> frozenset[int]:
        """Incidents that `step` has to see even if they are closed."""
        return self.owed | frozenset(self.told)


def step(
    channel: Channel,
    incidents: Iterable[Incident],
    now: float,
    *,
    remind: float = REMIND,
    most: int = MOST,
) -> tuple[Message | None, Channel]:
    """What to send now, if anything. `incidents`: all above `known`, all `wanted()`."""
    by_id = {i.id: i for i in incidents}
    owed = (channel.owed | {n for n in by_id if n > channel.known}) & frozenset(by_id)
    # a clock that was set back must not silence reminders until it is there again
    told = {n: min(at, now) for n, at in channel.told.items() if n in by_id}
    sent = tuple(t for t in channel.sent if abs(now - t) < HOUR)
    known = max([channel.known, *by_id])
    channel = replace(channel, known=known, owed=owed, told=told, sent=sent)
    entries = [
        *(Entry(Word.OPENED, by_id[n]) for n in sorted(owed) if by_id[n].open),
        *(Entry(Word.WAS, by_id[n]) for n in sorted(owed) if not by_id[n].open),
        *(Entry(Word.GONE, by_id[n]) for n in sorted(told) if not by_id[n].open),
    ]
    due = [n for n, at in sorted(told.items()) if by_id[n].open and now - at >= remind]
    entries += [Entry(Word.STILL, by_id[n]) for n in due]
    if not entries:
        return None, replace(channel, held=False)
    if channel.sending is not None and 0 <= now - channel.sending < LEASE:
        return None, channel
    if len(sent) >= most:
        return None, replace(channel, held=True)
    last = len(sent) + 1 >= most
    until = min((*sent, now)) + HOUR if last else 0.0
    message = Message(now, tuple(entries), last, until, channel.held)
    return message, replace(channel, sending=now)


def delivered(channel: Channel, message: Message, now: float) -> Channel:
    """The message has arrived."""
    told = dict(channel.told)
    for entry in message.entries:
        if entry.incident.open:
            told[entry.incident.id] = now
        else:
            told.pop(entry.incident.id, None)
    return replace(
        channel,
        owed=channel.owed - {e.incident.id for e in message.entries},
        told=told,
        sent=(*channel.sent, now),
        sending=None,
        held=False,
        fault="",
        since=0.0,
    )


def failed(channel: Channel, reason: str, now: float) -> Channel:
    """It has not; the next run tries again."""
    since = channel.since if channel.fault else now
    return replace(channel, sending=None, fault=reason, since=since)


def findings(channels: Mapping[str, Channel]) -> tuple[Finding, ...]:
    """Channels (label -> state) that do not work, as what any other check finds."""
    return tuple(
        Finding(
            ID,
            Severity.WARNING,
            label,
            f"alerts do not get through: {channel.fault}",
            cause="the address is wrong, or what it leads to does not answer",
            fix="correct STACKCTL_ALERT_URLS; what could not be sent is sent once it works",
        )
        for label, channel in sorted(channels.items())
        if channel.fault
    )


def dump(channel: Channel) -> str:
    return json.dumps(
        {
            "known": channel.known,
            "owed": sorted(channel.owed),
            "told": sorted(channel.told.items()),
            "sent": channel.sent,
            "sending": channel.sending,
            "held": channel.held,
            "fault": channel.fault,
            "since": channel.since,
        }
    )


def load(text: str) -> Channel | None:
    """What `dump` wrote; None if it cannot be read."""
    try:
        raw = json.loads(text)
        sending = raw["sending"]
        return Channel(
            int(raw["known"]),
            frozenset(int(n) for n in raw["owed"]),
            {int(n): float(at) for n, at in raw["told"]},
            tuple(float(t) for t in raw["sent"]),
            None if sending is None else float(sending),
            bool(raw["held"]),
            str(raw["fault"]),
            float(raw["since"]),
        )
    except (ValueError, TypeError, KeyError):
        return None


def fresh(incidents: Iterable[Incident], last_id: int) -> Channel:
    """A channel that is new: it is told what is open, and nothing of what is over."""
    return Channel(last_id, frozenset(i.id for i in incidents if i.open))
