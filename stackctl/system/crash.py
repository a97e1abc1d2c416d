"""The report of a bug: versions, command, traceback. No environment, no settings: no secrets."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from pathlib import Path

from stackctl import __version__


def save(error: Exception) -> Path:
    """Write the report to a new file of the temporary folder; its path."""
    text = "\n".join(
        (
            f"stackctl {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {' '.join(sys.argv[1:2])}",
            "".join(traceback.format_exception(error)),
        )
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="stackctl-crash-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return Path(file.name)
