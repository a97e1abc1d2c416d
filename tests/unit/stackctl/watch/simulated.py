"""A box with a clock of its own: runs, incidents, alerts, as `record` puts them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stackctl.model import Finding, Severity
from stackctl.model.incident import Incident
from stackctl.watch import alerts, incidents
from stackctl.watch.alerts import Channel, Message

START = 1_790_000_000.0
MINUTE, HOUR = 60.0, 3600.0
ROLES = ("main", "coder", "audio", "image")


def error(subject: str, check: str = "service.answers", cause: str = "") -> Finding:
    return Finding(check, Severity.ERROR, subject, f"{subject} does not answer", cause=cause)


def fine(subject: str, check: str = "service.answers") -> Finding:
    return Finding(check, Severity.OK, subject, "answers")


def skipped(check: str, subject: str) -> Finding:
    return Finding(check, Severity.SKIPPED, subject, "cannot be checked")


@dataclass
class Simulation:
    """One channel, and everything that was ever an incident. The network is `up`, or it is not."""

    now: float = START
    up: bool = True
    watch: incidents.Watch = field(default_factory=incidents.Watch)
    channel: Channel = field(default_factory=Channel)
    all: dict[int, Incident] = field(default_factory=dict)
    arrived: list[Message] = field(default_factory=list)

    def run(self, findings: Iterable[Finding]) -> Message | None:
        """One run of `verify --record`; what it sent, whether or not that arrived."""
        self.watch = incidents.load(incidents.dump(self.watch), self.watch.last_id)
        seen = (*findings, *alerts.findings({"ntfy://host": self.channel}))
        step = incidents.step(self.watch, self.open, seen, self.now)
        self.watch = step.watch
        self.all |= {i.id: i for i in (*step.opened, *step.closed, *step.changed)}
        loaded = alerts.load(alerts.dump(self.channel))
        assert loaded == self.channel
        news = [i for i in self.all.values() if self._of_interest(i)]
        message, self.channel = alerts.step(self.channel, news, self.now)
        if message and self.up:
            self.channel = alerts.delivered(self.channel, message, self.now)
            self.arrived.append(message)
        elif message:
            self.channel = alerts.failed(self.channel, "no answer", self.now)
        return message

    @property
    def open(self) -> tuple[Incident, ...]:
        return tuple(i for i in self.all.values() if i.open)

    def words(self, incident: int) -> list[str]:
        """What arrived about one incident."""
        return [e.word.value for m in self.arrived for e in m.entries if e.incident.id == incident]

    def _of_interest(self, incident: Incident) -> bool:
        return incident.id > self.channel.known or incident.id in self.channel.wanted()


def box(broken: Sequence[str]) -> list[Finding]:
    """All roles, some of them broken."""
    return [error(role) if role in broken else fine(role) for role in ROLES]
