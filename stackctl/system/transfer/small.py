"""A small file: hashed in memory, written beside its place, given its name."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress

from stackctl.model import Algorithm
from stackctl.system.transfer import place
from stackctl.system.transfer.job import Job


def digest(job: Job, body: bytes | bytearray) -> str:
    """The body's hash, by the algorithm that its publisher uses."""
    if job.digest.algorithm is Algorithm.SHA256:
        return hashlib.sha256(body).hexdigest()
    head = b"blob %d\0" % len(body)
    return hashlib.sha1(head + body, usedforsecurity=False).hexdigest()


def there(job: Job) -> bool:
    """Whether it has come meanwhile, say by another process."""
    try:
        if job.target.is_symlink() or job.target.stat().st_size != job.size:
            return False
        return digest(job, job.target.read_bytes()) == job.digest.hex
    except OSError:
        return False


def put(job: Job, body: bytes | bytearray) -> None:
    """Write it whole, or not at all."""
    place.make(job.parts)
    draft = job.parts / f"{job.part_name}.{os.getpid()}.{threading.get_ident()}"
    try:
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        place.put(draft, job.target)
    finally:
        with suppress(OSError):
            draft.unlink()
