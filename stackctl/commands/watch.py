"""`stackctl watch install` and `remove`: the timers that look after the box."""

from __future__ import annotations

import sys
from pathlib import Path

from stackctl import settings
from stackctl.commands import watch_units as units
from stackctl.commands.watch_units import Watch
from stackctl.model import StackError
from stackctl.system import files, process, terminal, timers

_HOST = Path("/")


def install(*, dry_run: bool, host: Path = _HOST) -> int:
    """Set the timers up, or bring them up to date. A second time changes nothing."""
    watch = _watch()
    texts = units.systemd(watch) if timers.has_systemd(host) else units.cron(watch)
    if not timers.has_systemd(host) and not timers.has_cron(host):
        raise StackError(
            "neither systemd nor cron is here, so nothing could run every minute",
            fix="sudo apt install cron, then: make watch-install; or run `stackctl verify --heal "
            "--record` by whatever starts programs here",
        )
    _refuse_another(watch, host, texts)
    if dry_run:
        for path, text in texts.items():
            terminal.out(f"would write {path}:\n\n{text}")
        return 0
    _need_root(host, "install")
    changed = [path for path, text in texts.items() if timers.write(host, path, text)]
    old = timers.start(host, units.TIMERS, changed)
    terminal.out(
        f"every minute: stackctl verify --heal --record, as {watch.user}\n"
        "every night: a seventh of all model files is hashed again\n"
        f"{units.WHERE[timers.has_systemd(host)]}"
    )
    if old:
        terminal.out(
            f"{', '.join(old)} changed, and will do so at the next boot; sooner by `sudo systemctl "
            "daemon-reload`, which takes the GPU from containers that did not get it by CDI "
            "(`stackctl heal` gives it back)"
        )
    if not changed:
        terminal.out("all of it was there already")
    return 0


def remove(*, dry_run: bool, host: Path = _HOST) -> int:
    """End it. What was remembered stays."""
    watch = _watch()
    texts = units.systemd(watch) | units.cron(watch)
    found = [path for path in texts if timers.read(host, path)]
    _refuse_another(watch, host, texts)
    if not found:
        terminal.out("nothing to do: no timer of stackctl is here")
        return 0
    if dry_run:
        terminal.out("\n".join(f"would remove {path}" for path in found))
        return 0
    _need_root(host, "remove")
    timers.stop(host, units.TIMERS)
    for path in found:
        timers.delete(host, path)
        terminal.out(f"removed {path}")
    return 0


def _watch() -> Watch:
    root = settings.find_root()
    state = root / ".stackctl"
    # whoever ran `up`: with another user's rights the files of the memory could not be shared
    user = files.owner(state if state.exists() else root)
    return Watch(root, Path(sys.executable).with_name("stackctl"), user)


def _refuse_another(watch: Watch, host: Path, texts: dict[str, str]) -> None:
    for path in texts:
        before = timers.read(host, path)
        if before and units.mark(watch) not in before:
            raise StackError(
                f"{path} watches another clone, or was written by somebody else",
                fix="make watch-remove in that clone; one watch sees every stack of a box",
            )


def _need_root(host: Path, verb: str) -> None:
    if host == _HOST and not process.is_root():
        raise StackError("only root may set timers up", fix=f"sudo make watch-{verb}")
