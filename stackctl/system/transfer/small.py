"""A small file: hashed in memory, written beside its place, given its name."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress

from stackctl.model import Algorithm
from stackctl.system.transfer.job import Job
from stackctl.system.transfer.part import sync_folder


def digest(job: Job, body: bytes) -> str:
    """The body's hash, by the algorithm that its publisher uses."""
    if job.digest.algorithm is Algorithm.SHA256:
        return hashlib.sha256(body).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def put(job: Job, body: bytes) -> None:
    """Write it whole, or not at all."""
    job.parts.mkdir(parents=True, exist_ok=True)
    draft = job.parts / f"{job.part_name}.{os.getpid()}.{threading.get_ident()}"
    try:
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        job.target.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(job.target)
    finally:
        with suppress(OSError):
            draft.unlink()
    sync_folder(job.target.parent)
