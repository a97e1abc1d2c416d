"""systemd and cron of the host.

Never by `systemctl daemon-reload`: it rewrites the device rules of running containers, and takes
the GPUs from those that did not get them by CDI. A unit that is not loaded is read when it is
started, so it can do without: stop, write, start.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from stackctl.model import StackError
from stackctl.system import files, process

_TARGET = "etc/systemd/system/timers.target.wants"


def has_systemd(host: Path) -> bool:
    """Whether systemd runs the host (sd_booted(3)), not whether it is installed."""
    return (host / "run/systemd/system").is_dir()


def has_cron(host: Path) -> bool:
    return (host / "etc/cron.d").is_dir() and any(
        (host / path).exists() for path in ("usr/sbin/cron", "usr/sbin/crond", "usr/bin/crond")
    )


def read(host: Path, path: str) -> str:
    """A file's text; "" if it is not there."""
    file = _on(host, path)
    return files.read(file) if file.is_file() else ""


def write(host: Path, path: str, text: str) -> bool:
    """Whether it had to be written."""
    if read(host, path) == text:
        return False
    file = _on(host, path)
    files.write(file, text)
    file.chmod(0o644)  # cron reads no file that others may write
    return True


def delete(host: Path, path: str) -> None:
    try:
        _on(host, path).unlink(missing_ok=True)
    except OSError as error:
        raise StackError(f"cannot remove {path}: {error.strerror}", fix="sudo") from None


def start(host: Path, names: Iterable[str], changed: Sequence[str]) -> list[str]:
    """Start timers, now and at every boot; one whose files changed begins anew. Those of which
    systemd keeps the old text: it had read it when the host booted."""
    old: list[str] = []
    if not has_systemd(host):
        return old
    for name in names:
        link = host / _TARGET / f"{name}.timer"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(f"/etc/systemd/system/{name}.timer")
        if any(f"/{name}." in path for path in changed):
            # no longer loaded after this, so that it is read anew
            _systemctl(host, "stop", f"{name}.timer", may_fail=True)
        _systemctl(host, "start", f"{name}.timer")
        units = (f"{name}.timer", f"{name}.service")
        old += [unit for unit in units if _outdated(host, unit)]
    return old


def stop(host: Path, names: Iterable[str]) -> None:
    """Stop timers, and never start them again. A run under way comes to its end."""
    if not has_systemd(host):
        return
    for name in names:
        _systemctl(host, "stop", f"{name}.timer", may_fail=True)
        with suppress(FileNotFoundError):
            (host / _TARGET / f"{name}.timer").unlink()


def _on(host: Path, path: str) -> Path:
    return host / path.lstrip("/")


def _outdated(host: Path, unit: str) -> bool:
    if host != Path("/"):
        return False
    result = process.run(["systemctl", "show", "-p", "NeedDaemonReload", unit], timeout=60)
    return "=yes" in result.out


def _systemctl(host: Path, verb: str, unit: str, *, may_fail: bool = False) -> None:
    if host != Path("/"):  # a folder that plays a host has no systemd that could be asked
        return
    result = process.run(["systemctl", verb, unit], env=dict(os.environ), timeout=60)
    if result.code and not may_fail:
        raise StackError(
            f"systemctl {verb} {unit}: {result.err.strip()[:300]}",
            fix=f"systemctl status {unit}; journalctl -u {unit}",
        )
