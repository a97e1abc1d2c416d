"""What of the host's GPU software can change behind everybody's back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from stackctl.model import StackError
from stackctl.system import process

#: where Docker looks for descriptions of devices
_CDI = (Path("/etc/cdi"), Path("/var/run/cdi"))


def toolkit() -> str:
    """Version of the NVIDIA Container Toolkit; "" if it does not tell."""
    try:
        said = process.run(["nvidia-ctk", "--version"], timeout=5).out
    except StackError:
        return ""
    match = re.search(r"\d+(\.\d+)+\S*", said)
    return match[0] if match else ""


def cdi(folders: Iterable[Path] = _CDI) -> str:
    """A hash of all CDI files; "" if there is none to be read."""
    found = hashlib.sha256()
    seen = False
    for folder in folders:
        for path in sorted(folder.glob("*")):
            try:
                content = path.read_bytes() if path.suffix in (".yaml", ".json") else None
            except OSError:
                continue
            if content is not None:
                seen = True
                found.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12] if seen else ""
