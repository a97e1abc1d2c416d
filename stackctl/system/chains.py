"""Chains of SHA-256 on the disk: what sha256.py needs to check one range of a file by itself.

One text file per hash, a line for every full range. They are worth having and never needed, so
what cannot be written is left out, and what cannot be read is not there. They need no trust.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stackctl.system.durable import hand_over
from stackctl.system.sha256 import RANGE

_NAME = re.compile(r"[0-9a-f]{64}")
_LINE = 65


class Chains:
    """The chains in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, sha256_hex: str, size: int) -> tuple[bytes, ...]:
        """The states after the full ranges of a file, or () if they are not known."""
        count = size // RANGE
        if not count or not _NAME.fullmatch(sha256_hex):
            return ()
        try:
            path = self.folder / sha256_hex
            if path.stat().st_size != count * _LINE:
                return ()
            *lines, end = path.read_text(encoding="utf-8").split("\n")
        except (OSError, ValueError):
            return ()
        if end or len(lines) != count or not all(map(_NAME.fullmatch, lines)):
            return ()
        return tuple(map(bytes.fromhex, lines))

    def save(self, sha256_hex: str, states: Sequence[bytes]) -> None:
        """Keep the states after all full ranges of a file."""
        if not states or not _NAME.fullmatch(sha256_hex):
            return
        text = "".join(f"{state.hex()}\n" for state in states)
        with suppress(OSError):
            for folder in (self.folder.parent, self.folder):  # but not that of the models
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    hand_over(folder)
            descriptor, draft = tempfile.mkstemp(prefix=".", dir=self.folder)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                Path(draft).chmod(0o644)
                hand_over(Path(draft))
                # no fsync: what a power cut leaves of it is not taken for a chain
                Path(draft).replace(self.folder / sha256_hex)
            except BaseException:
                with suppress(OSError):
                    Path(draft).unlink()
                raise
