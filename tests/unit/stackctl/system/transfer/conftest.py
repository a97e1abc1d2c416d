"""A hub, a model with one file of several small ranges, and little patience."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from stackctl.model import Algorithm, Digest
from stackctl.system import sha256
from stackctl.system.sha256 import Chained
from stackctl.system.transfer import Fetched, Job, Patience, Watch, fetch_all, pool
from stackctl.system.web import Web
from tests.hub import Hub

RANGE = 1 << 16
SMALL = 1 << 12
#: never a zero byte, so that zeros are seen
DATA = bytes(byte | 2 for byte in random.Random(7).randbytes(4 * RANGE + 1000))
QUICK = Patience(connect=5, silence=1.0, tries=4, pause=0.001, longest=0.01)


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sha256, "RANGE", RANGE)
    monkeypatch.setattr(pool, "_SMALL", SMALL)


def sha(data: bytes) -> Digest:
    return Digest(Algorithm.SHA256, hashlib.sha256(data).hexdigest())


def git(data: bytes) -> Digest:
    head = b"blob %d\0" % len(data)
    return Digest(Algorithm.GIT_SHA1, hashlib.sha1(head + data).hexdigest())


def chain(data: bytes) -> tuple[bytes, ...]:
    hasher, states = Chained(), []
    for at in range(0, len(data) - RANGE + 1, RANGE):
        hasher.update(bytearray(data[at : at + RANGE]))
        states.append(hasher.state)
    return tuple(states)


@dataclass
class Desk:
    """A hub and the folder that its files come to."""

    hub: Hub
    folder: Path
    told: list[str] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    web: Web = field(default_factory=Web)

    @property
    def parts(self) -> Path:
        return self.folder / ".parts"

    @property
    def watch(self) -> Watch:
        return Watch(
            bytes_changed=lambda _job, count: self.changes.append(count),
            told=lambda _job, text: self.told.append(text),
        )

    def publish(self, name: str, data: bytes) -> Job:
        """One more file of the model, and the job to fetch it."""
        repo = self.hub.repos.get("acme/tiny")
        if repo is None:
            self.hub.add("acme/tiny", {name: data})
        else:
            repo.commit({name: data})
        url = f"{self.hub.url}/files/acme/tiny/{name}"
        return Job(name, url, len(data), sha(data), self.folder / name, self.parts)

    def fetch(
        self,
        *jobs: Job,
        watch: Watch | None = None,
        connections: int = 3,
        patience: Patience = QUICK,
    ) -> list[Fetched]:
        return fetch_all(self.web, jobs, watch or self.watch, patience, connections)

    def right(self, job: Job, data: bytes = DATA) -> Fetched:
        """Fetch it, and see that it came."""
        (fetched,) = self.fetch(job)
        assert fetched.failure is None, fetched.failure
        assert job.target.read_bytes() == data
        assert not job.target.is_symlink()
        assert job.target.stat().st_mode & 0o777 == 0o644
        assert self.left == []
        assert sum(self.changes) == len(data)
        return fetched

    def wrong(self, job: Job) -> str:
        """Fetch it, and see that it did not: why, and what to do."""
        (fetched,) = self.fetch(job)
        assert fetched.failure is not None
        assert not job.target.exists()
        assert fetched.failure.fix
        return f"{fetched.failure.message}; fix: {fetched.failure.fix}"

    @property
    def left(self) -> list[str]:
        """Unfinished files."""
        return sorted(path.name for path in self.parts.iterdir())

    @property
    def sent(self) -> int:
        """Bytes of files that the hub has sent so far."""
        return sum(line.sent for line in self.hub.requests if line.status in (200, 206))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Hub(tmp_path / "hub") as hub:
        (tmp_path / "models").mkdir()
        desk = Desk(hub, tmp_path / "models")
        yield desk
        desk.web.close()


@pytest.fixture
def big(desk: Desk) -> Job:
    return desk.publish("w.gguf", DATA)


@pytest.fixture
def known(big: Job) -> Job:
    """With its chain, as of a file that was here before."""
    return replace(big, chain=chain(DATA))
