"""The host's memory, as the kernel tells it. In MiB."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


def read() -> tuple[int, int, int] | None:
    """Available, total, swap in use; None where the kernel does not tell."""
    try:
        rows = (line.split() for line in _MEMINFO.read_text(encoding="ascii").splitlines())
        mib = {row[0].rstrip(":"): int(row[1]) // 1024 for row in rows}
        return mib["MemAvailable"], mib["MemTotal"], mib["SwapTotal"] - mib["SwapFree"]
    except (OSError, ValueError, KeyError, IndexError):
        return None
