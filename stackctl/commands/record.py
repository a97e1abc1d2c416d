"""`stackctl verify --record`: remember a run, and tell those who want to know.

History, alerts, ping, metrics, in this order; what fails of it is a finding and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stackctl import settings
from stackctl.commands.gateway import live
from stackctl.commands.gateway.apply import Place
from stackctl.commands.letters import letter
from stackctl.model import Finding, Severity, StackError
from stackctl.model.incident import Box, Figure, Incident
from stackctl.system import history, metrics, notify
from stackctl.system.history import History
from stackctl.watch import alerts, breaker, drift, incidents, uptime
from stackctl.watch.alerts import Channel, Message

#: names of what is kept in the history as text
WATCH, BREAKER, GREEN, LATEST, CHANNEL = "watch", "breaker", "green", "latest", "channel:"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Kept:
    """What the history made of a run."""

    open: tuple[Incident, ...]
    messages: Mapping[str, Message]  # by address
    new: tuple[str, ...] = ()  # addresses that were not there at the last run
    off: tuple[Finding, ...] = ()  # what the healer leaves alone from now on


def record(
    findings: Sequence[Finding],
    figures: Sequence[Figure],
    parts: Mapping[str, str],
    now: float,
    to: settings.Recording | None = None,
) -> tuple[Finding, ...]:
    """One run. What went wrong with remembering and telling it, as findings; nothing is raised."""
    found: list[Finding] = []
    to = to or _try(found, "history.settings", "env", _settings)
    if to is None:
        return tuple(found)
    target = to
    run = _Run(tuple(findings), tuple(figures), parts, now, target)
    kept = _try(found, "history.store", "history", lambda: _remember(run, found))
    if kept:
        found += kept.off
        _try(found, alerts.ID, "alerts", lambda: _tell(run, kept, found))
    if target.ping_url:
        # no history means no alerts: then this is the only way left to be heard
        reason = _try(
            found,
            "alert.ping",
            "ping",
            lambda: notify.ping(target.ping_url, fine=kept is not None and not kept.open),
        )
        if reason:
            found.append(_warning("alert.ping", "ping", reason, "correct STACKCTL_PING_URL"))
    if target.metrics_file:
        file, count = target.metrics_file, len(kept.open) if kept else None
        # these are no history: HAProxy counts from its own start
        keys = _try(found, "metrics.file", "metrics", lambda: live.figures(_place(target))) or ()
        everything = (*findings, *found)
        _try(
            found,
            "metrics.file",
            "metrics",
            lambda: metrics.write(file, (*figures, *keys), everything, now, count),
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Run:
    findings: tuple[Finding, ...]
    figures: tuple[Figure, ...]
    parts: Mapping[str, str]
    now: float
    to: settings.Recording


def _place(to: settings.Recording) -> Place:
    return Place(to.folder.parent)


def _settings() -> settings.Recording:
    return settings.recording(settings.find_root())


def _remember(run: _Run, found: list[Finding]) -> Kept:
    kept, word = history.keep(run.to.folder, lambda book: _write(book, run))
    if word:
        found.append(_store(run, word))
    return kept


def _store(run: _Run, word: str) -> Finding:
    fix = f"make room, if there is none (df -h {run.to.folder}); it goes on by itself"
    return _warning("history.store", "history", word, fix)


def _write(book: History, run: _Run) -> Kept:
    """The run, what it means, and what there is to say; all of it or nothing."""
    now = run.now
    channels = _channels(book, run.to)
    guard = breaker.load(book.state(BREAKER))
    findings = (
        *run.findings,
        *([_store(run, book.away)] if book.away else []),
        *alerts.findings({label: c for label, c in channels.items() if c}),
        *breaker.findings(guard),
    )
    number = book.add_run(now, findings, run.figures)
    up = {f.of: f.value > 0 for f in run.figures if f.name == "service_up"}
    green = drift.load(book.state(GREEN))
    step = incidents.step(
        incidents.load(book.state(WATCH), book.last_incident()),
        book.open_incidents(),
        (*findings, *_blind(findings, up)),
        now,
        changed=drift.difference(green, run.parts),
    )
    for incident in (*step.opened, *step.closed, *step.changed):
        book.save(incident)
    book.keep(WATCH, incidents.dump(step.watch))
    guard = breaker.step(guard, step.open, now)
    book.keep(BREAKER, breaker.dump(guard))
    fine = not any(f.severity is Severity.ERROR for f in run.findings)
    book.keep(GREEN, drift.dump(drift.step(green, run.parts, now, fine=fine)))
    book.keep(LATEST, drift.dump(Box(now, dict(run.parts))))
    reach = uptime.reach(book.run_times(11))
    for spell, before in uptime.step(book.last_spells(), up, now, reach):
        book.save_spell(spell, before, number)
    messages, new = {}, []
    for url in run.to.alert_urls:
        label = notify.label(url)
        channel = channels[label]
        if channel is None:
            channel = alerts.fresh(step.open, step.watch.last_id)
            new.append(url)
        news = book.incidents_after(channel.known, channel.wanted())
        message, channel = alerts.step(channel, news, now)
        book.keep(CHANNEL + label, alerts.dump(channel))
        if message:
            messages[url] = message
    return Kept(step.open, messages, tuple(new), breaker.findings(guard))


def _channels(book: History, to: settings.Recording) -> dict[str, Channel | None]:
    """The state of each channel, None of a new one; those that are no longer wanted are dropped."""
    kept = book.states(CHANNEL)
    wanted = [notify.label(url) for url in to.alert_urls]
    for label in kept.keys() - set(wanted):
        book.forget(CHANNEL + label)
    return {label: alerts.load(kept[label]) if label in kept else None for label in wanted}


def _blind(findings: Sequence[Finding], up: Mapping[str, bool]) -> tuple[Finding, ...]:
    """Without the daemon no service is seen, so none of their problems is gone."""
    lost = any(f.check == "docker.daemon" and f.severity is Severity.ERROR for f in findings)
    if not lost or up:
        return ()
    return (Finding(incidents.EVERYTHING, Severity.SKIPPED, "daemon", "Docker does not answer"),)


def _tell(run: _Run, kept: Kept, found: list[Finding]) -> None:
    """Send what is to be sent, and write down what became of it."""
    messages = kept.messages
    # one that is misspelt is told at once, not when the first message gets lost
    reasons = dict.fromkeys(notify.unknown(kept.new), notify.UNKNOWN)
    if messages:
        box = notify.box_name()
        reasons |= notify.send({url: letter(message, box) for url, message in messages.items()})

    def work(book: History) -> dict[str, Channel]:
        channels = {}
        for url in run.to.alert_urls:
            label = notify.label(url)
            channel = alerts.load(book.state(CHANNEL + label)) or Channel()
            if reasons.get(url):
                channel = alerts.failed(channel, reasons[url], run.now)
            elif url in messages:
                channel = alerts.delivered(channel, messages[url], run.now)
            channels[label] = channel
            book.keep(CHANNEL + label, alerts.dump(channel))
        return channels

    if run.to.alert_urls:
        found += alerts.findings(history.keep(run.to.folder, work)[0])


def _try(
    found: list[Finding], check: str, subject: str, part: Callable[[], _Result]
) -> _Result | None:
    """One part; its failure is a finding, and the next part has its turn."""
    try:
        return part()
    except StackError as error:
        found.append(_warning(check, subject, error.message, error.fix))
    except Exception as error:  # noqa: BLE001 - to remember must never cost the run itself
        found.append(
            # not its text: it may hold an address
            _warning(check, subject, f"a bug in stackctl: {type(error).__name__}", "report it")
        )
    return None


def _warning(check: str, subject: str, summary: str, fix: str) -> Finding:
    return Finding(check, Severity.WARNING, subject, summary, fix=fix)
