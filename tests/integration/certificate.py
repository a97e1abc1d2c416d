"""A certificate for one test."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def certify(path: Path, user: tuple[int, int], names: str = "IP:127.0.0.1,DNS:localhost") -> None:
    """A certificate for loopback that nobody else signed, its key behind it."""
    subject = ["-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    done = subprocess.run(
        ["openssl", "req", "-x509", *key, *subject, "-days", "2", "-keyout", "-", "-out", "-"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    path.write_bytes(done.stdout)
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, *user)
