"""Alerts in words: a title and a text for a telephone's screen."""

from __future__ import annotations

import time

from stackctl import report
from stackctl.model import Severity
from stackctl.model.incident import Incident
from stackctl.watch.alerts import MOST, Entry, Message, Word

#: in a fix, what comes after it is worth doing even if all is well again
_STAYS_AWAY = "so that it stays away, "
#: problems of one message that are told in full
_LONGEST = 10


def letter(message: Message, box: str) -> tuple[str, str]:
    """Title and text."""
    first = message.entries[0]
    if len(message.entries) == 1:
        title = f"{box}: {_headline(first)}"
    else:
        title = f"{box}: {_counts(message)}"
    parts = []
    changed = dict.fromkeys(
        line for e in message.entries if e.word is Word.OPENED for line in e.incident.changed
    )
    if changed:
        parts.append("Changed since all was fine:\n" + "\n".join(f"  {line}" for line in changed))
    parts += [_told(entry, message.at) for entry in message.entries[:_LONGEST]]
    more = len(message.entries) - _LONGEST
    if more > 0:
        parts.append(f"and {more} more: stackctl history")
    if message.waited:
        parts.append(f"This was held back: an hour has at most {MOST} messages.")
    if message.last:
        parts.append(
            f"Message {MOST} of {MOST} in an hour: what comes now is told in one,"
            f" after {clock(message.until, message.at)}."
        )
    return title, "\n\n".join(parts)


def done(incident: Incident) -> str:
    """What ended it."""
    if incident.notes:
        return "; ".join(note.text for note in incident.notes)
    return "nothing by stackctl: it went by itself, or somebody mended it"


def prevention(incident: Incident) -> str:
    """What keeps it from coming back, where the fix says so: mended is not prevented."""
    return incident.fix.partition(_STAYS_AWAY)[2]


def clock(at: float, now: float) -> str:
    """`14:05` of the same day, else `2026-10-04 14:05`."""
    there, here = time.localtime(at), time.localtime(now)
    return time.strftime("%H:%M" if there[:3] == here[:3] else "%Y-%m-%d %H:%M", there)


def _headline(entry: Entry) -> str:
    i = entry.incident
    match entry.word:
        case Word.OPENED:
            return f"{i.subject}: {i.summary}"
        case Word.STILL:
            return f"still {i.subject}: {i.summary}"
        case Word.GONE:
            return f"{i.subject} is fine again"
        case Word.WAS:
            return f"{i.subject} is fine again, it was not for a while"


def _counts(message: Message) -> str:
    words = [entry.word for entry in message.entries]
    names = {
        Word.OPENED: "new",
        Word.STILL: "still there",
        Word.GONE: "gone",
        Word.WAS: "came and went",
    }
    counts = [f"{words.count(word)} {name}" for word, name in names.items() if word in words]
    return f"{len(words)} problems: {', '.join(counts)}"


def _told(entry: Entry, now: float) -> str:
    i = entry.incident
    lasted = report.duration(i.lasted(now))
    if entry.word in (Word.GONE, Word.WAS):
        span = f"{clock(i.started, now)} to {clock(i.ended or now, now)}, {lasted}"
        lines = [f"gone  {i.subject}: {i.summary}  [{i.check}]", f"  {span}"]
        lines += [f"  cause: {i.cause}"] if i.cause and entry.word is Word.WAS else []
        lines += [f"  done: {done(i)}"]
        lines += [f"  so that it stays away: {text}"] if (text := prevention(i)) else []
        return "\n".join(lines)
    severity = "ERROR" if i.severity is Severity.ERROR else "WARNING"
    lines = [f"{severity}  {i.subject}: {i.summary}  [{i.check}]"]
    lines.append(f"  since {clock(i.started, now)} ({lasted})")
    lines += [f"  {name}: {text}" for name, text in (("cause", i.cause), ("fix", i.fix)) if text]
    if i.notes:
        lines.append(f"  done: {done(i)}")
    return "\n".join(lines)
