"""The texts of systemd's units and of cron's line. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

#: systemd starts these; what they start has the same name
TIMERS = ("stackctl-watch", "stackctl-weights")
_UNITS = "/etc/systemd/system"
_CRON = "/etc/cron.d/stackctl-watch"
_WATCH = ("verify", "--heal", "--record", "--quiet")
_WEIGHTS = ("models", "verify", "--full", "--share", "7", "--idle")
#: seconds: two services on one GPU recreated, each waited for, and some to spare
WATCH_LONGEST = 900
#: a night; what is not done by then is first in the next
WEIGHTS_LONGEST = 8 * 3600
WHERE = {
    True: "what they say: journalctl -u stackctl-watch; when next: systemctl list-timers",
    False: "what the last run said: .stackctl/watch.log",
}


@dataclass(frozen=True, slots=True)
class Watch:
    """Whose clone is watched, by which program, as which user."""

    root: Path
    program: Path
    user: str


def mark(watch: Watch) -> str:
    """The first line of each file that we write."""
    return f"# Written by `stackctl watch install` of {watch.root}"


def systemd(watch: Watch) -> dict[str, str]:
    """Path -> text: a service and a timer each."""
    return {
        f"{_UNITS}/stackctl-watch.service": _service(
            watch, "Look after the models of this box", _WATCH, WATCH_LONGEST, "Nice=5\n"
        ),
        # every minute of the clock; one that is still at work is not started a second time
        f"{_UNITS}/stackctl-watch.timer": _timer(watch, "OnCalendar=minutely\nAccuracySec=5s\n"),
        f"{_UNITS}/stackctl-weights.service": _service(
            watch,
            "Hash a seventh of the model files again",
            _WEIGHTS,
            WEIGHTS_LONGEST,
            "Nice=19\nIOSchedulingClass=idle\n",
        ),
        f"{_UNITS}/stackctl-weights.timer": _timer(
            watch, "OnCalendar=*-*-* 03:00\nRandomizedDelaySec=30min\nPersistent=true\n"
        ),
    }


def cron(watch: Watch) -> dict[str, str]:
    """Path -> text."""
    state = watch.root / ".stackctl"
    weights = ("ionice", "-c", "3", "nice", "-n", "19")
    lines = (
        mark(watch),
        "SHELL=/bin/sh",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        'MAILTO=""',
        _line("* * * * *", watch, WATCH_LONGEST, (), _WATCH, state / "watch.log"),
        _line("17 3 * * *", watch, WEIGHTS_LONGEST, weights, _WEIGHTS, state / "weights.log"),
    )
    return {_CRON: "\n".join(lines) + "\n"}


def _service(watch: Watch, what: str, words: tuple[str, ...], longest: int, priority: str) -> str:
    command = " ".join((_quoted(str(watch.program)), *words))
    return (
        f"{mark(watch)}\n"
        "[Unit]\n"
        f"Description={what}\n"
        # not Requires=: that Docker is down is worth a run that says so
        "After=docker.service network-online.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        f"User={watch.user}\n"
        f"WorkingDirectory={_escaped(str(watch.root))}\n"
        f"Environment={_quoted(f'STACKCTL_HOME={watch.root}')}\n"
        f"ExecStart={command}\n"
        # 1 is a problem of the box, which is told by the alerts, and none of this unit
        "SuccessExitStatus=1\n"
        # RuntimeMaxSec= would do nothing for a oneshot service
        f"TimeoutStartSec={longest}\n"
        f"{priority}"
    )


def _timer(watch: Watch, when: str) -> str:
    return (
        f"{mark(watch)}\n"
        "[Unit]\n"
        "Description=stackctl looks after this box\n"
        "\n"
        f"[Timer]\n{when}\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _line(
    when: str,
    watch: Watch,
    longest: int,
    priority: tuple[str, ...],
    words: tuple[str, ...],
    log: Path,
) -> str:
    command = shlex.join(
        (
            "timeout",
            "--kill-after=30",
            str(longest),
            *priority,
            "env",
            f"STACKCTL_HOME={watch.root}",
            str(watch.program),
            *words,
        )
    )
    # only what the last run said: the rest is in the history, and a log would grow for ever
    text = f"cd {shlex.quote(str(watch.root))} && {command} >{shlex.quote(str(log))} 2>&1"
    # cron takes a bare % for the end of the line
    return f"{when} {watch.user} {text}".replace("%", "\\%")


def _escaped(text: str) -> str:
    """For a value that systemd takes whole: % begins a specifier."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """For a word of a command line or an assignment."""
    text = _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"'
