"""The Hub's chunk store: what it brings is hashed; what it cannot bring comes over HTTP."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from stackctl.model import Algorithm, Digest, StackError
from stackctl.system import sha256
from stackctl.system.transfer import Fetched, Job, Watch, fetch_all
from stackctl.system.transfer.job import Stopped
from stackctl.system.transfer.part import Part
from stackctl.system.web import Web
from stackctl.system.xet import Feed, feed, reader
from tests.hub.xet import XetHub

ROOT = Path(__file__).resolve().parents[4]
RANGE = 1 << 22
SIZE = 4 * RANGE + 7
NAME = "model.safetensors"


@dataclass
class Desk:
    hub: XetHub
    job: Job
    data: bytes
    told: list[str] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    web: Web = field(default_factory=Web)

    @property
    def watch(self) -> Watch:
        return Watch(
            bytes_changed=lambda _job, count: self.changes.append(count),
            told=lambda _job, text: self.told.append(text),
            stop=self.stop,
        )

    def feed(self, **environ: str) -> Feed:
        made = Feed(self.web, self.hub.url, environ, smallest=1 << 20)
        made._schemes = ("local://",)
        return made

    def fill(self, feeding: Feed) -> int:
        """Feed what is there of the part -> how many bytes are there then."""
        part = Part(self.job.parts, self.job.part_name, self.job.size, self.job.chain)
        try:
            feeding(self.job, part, self.watch)
            return part.have
        finally:
            part.close()

    def ends_right(self) -> list[str]:
        """HTTP does the rest -> its requests for the file."""
        self.hub.forget()
        (fetched,) = fetch_all(self.web, [self.job], self.watch)
        assert fetched.failure is None, fetched.failure
        assert self.job.target.read_bytes() == self.data
        return [line.path for line in self.hub.requests]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[XetHub, bytes]]:
    folder = tmp_path_factory.mktemp("hub")
    data = random.Random(3).randbytes(SIZE)
    with XetHub(folder) as hub:
        repo = hub.add("acme/large", {NAME: data, "small.safetensors": bytes(100)})
        blob = repo.head.files[NAME]
        hub.chunk(blob.path, blob.sha256)
        yield hub, data


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sha256, "RANGE", RANGE)


@pytest.fixture
def desk(published: tuple[XetHub, bytes], tmp_path: Path) -> Iterator[Desk]:
    hub, data = published
    kept = {path: path.read_bytes() for path in hub.xorbs}
    hub.forget()
    url = f"{hub.url}/acme/large/resolve/main/{NAME}"
    digest = Digest(Algorithm.SHA256, hashlib.sha256(data).hexdigest())
    yield Desk(hub, Job(NAME, url, SIZE, digest, tmp_path / NAME, tmp_path / "parts"), data)
    for path, content in kept.items():
        path.chmod(0o644)
        path.write_bytes(content)


def test_a_file_comes_from_the_chunk_store(desk: Desk) -> None:
    assert desk.fill(desk.feed()) == SIZE
    assert sum(desk.changes) == SIZE
    assert [line.method for line in desk.hub.requests] == ["HEAD", "GET"]  # its hash, the token
    assert desk.ends_right() == []
    assert desk.told == []


def test_it_goes_on_where_an_earlier_run_stopped(desk: Desk) -> None:
    part = Part(desk.job.parts, desk.job.part_name, SIZE)
    part.add(0, desk.data[:1000])
    part.add(1, desk.data[RANGE : RANGE + 2000])
    assert feed.missing(part) == [(1000, RANGE), (RANGE + 2000, SIZE)]
    part.close()
    assert desk.fill(desk.feed()) == SIZE
    assert sum(desk.changes) == SIZE - 3000
    assert desk.ends_right() == []


def test_a_flipped_byte_passes_hf_xet_and_not_us(desk: Desk) -> None:
    xorb = desk.hub.xorbs[-1]
    xorb.chmod(0o644)
    with xorb.open("r+b") as file:
        file.seek(1 << 20)
        byte = file.read(1)
        file.seek(1 << 20)
        file.write(bytes([byte[0] ^ 1]))
    assert desk.fill(desk.feed()) == SIZE
    assert desk.told == []  # hf_xet did not see it
    assert desk.ends_right()
    assert desk.told == ["arrived with a wrong hash"]


def test_a_store_that_fails_in_the_middle(desk: Desk) -> None:
    for xorb in desk.hub.xorbs[-1:]:
        xorb.chmod(0o644)
        os.truncate(xorb, 1000)
    desk.fill(desk.feed())
    assert "goes on over HTTP" in desk.told[0]
    assert desk.ends_right()


@pytest.mark.parametrize("knob", ["STACKCTL_XET=0", "HF_HUB_DISABLE_XET=1"])
def test_a_knob_turns_it_off(desk: Desk, knob: str) -> None:
    assert desk.fill(desk.feed(**dict([knob.split("=")]))) == 0
    assert (desk.hub.requests, desk.told) == ([], [])
    assert desk.ends_right()


def test_not_installed_is_no_word(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert desk.fill(desk.feed()) == 0
    assert (desk.hub.requests, desk.told) == ([], [])


def test_what_does_not_pay_or_is_not_there(desk: Desk) -> None:
    feeding = desk.feed()
    whole = desk.job
    desk.job = replace(whole, url=f"{desk.hub.cdn_url}/acme/large/resolve/main/{NAME}")
    assert desk.fill(feeding) == 0  # of another publisher
    assert desk.hub.requests == []
    desk.job = replace(whole, url=f"{desk.hub.url}/acme/large/resolve/main/small.safetensors")
    assert desk.fill(feeding) == 0  # the store has it not
    assert len(desk.hub.requests) == 1
    desk.job = whole
    feeding._smallest = SIZE + 1
    assert desk.fill(feeding) == 0
    assert len(desk.hub.requests) == 1
    assert desk.told == []


def test_a_store_at_a_strange_place(desk: Desk) -> None:
    feeding = desk.feed()
    feeding._schemes = ("https://",)
    assert desk.fill(feeding) == 0
    assert "local://" in desk.told[0]
    assert desk.fill(feeding) == 0  # it is not asked again, and not told again
    assert len(desk.told) == 1


def test_a_hub_that_does_not_answer(desk: Desk) -> None:
    feeding = Feed(desk.web, "http://127.0.0.1:9", {}, smallest=1)
    desk.job = replace(desk.job, url=f"http://127.0.0.1:9/acme/large/resolve/main/{NAME}")
    assert desk.fill(feeding) == 0  # HTTP will say it
    assert desk.told == []


def test_silence_has_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(reader, "_CHILD", str(slow))
    monkeypatch.setattr(reader, "SILENCE", 0.3)
    began = time.monotonic()
    assert desk.fill(desk.feed()) == 0
    assert time.monotonic() - began < 20
    assert "nothing came" in desk.told[0]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('out of chunks')", "out of chunks"),
        ("import os; os.kill(os.getpid(), 9)", "ended unexpectedly"),
        ("pass", "ended too early"),
        ("import os, sys\nwhile True: os.write(1, bytes(1 << 20))", "sends more"),
    ],
)
def test_whatever_the_process_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    (tmp_path / "other.py").write_text(script)
    monkeypatch.setattr(reader, "_CHILD", str(tmp_path / "other.py"))
    desk.fill(desk.feed())
    assert words in desk.told[0]
    assert desk.ends_right()


def test_its_log_is_not_taken_for_content(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hf_xet.py").write_text("""
import os
class XetConfig:
    def with_config(self, changes): return self
class XetSession:
    def __init__(self, config): os.write(1, b"a line of its log")
    def new_download_stream_group(self, **store): return self
    def download_stream(self, info, begin, end): return iter([bytes(end - begin)])
XetFileInfo = lambda name, size: None
""")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    desk.fill(desk.feed())
    assert desk.told == []
    with Path(desk.job.parts, f"{desk.job.part_name}.part").open("rb") as file:
        assert not any(file.read())


def test_the_folder_of_its_log_belongs_to_us(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"stackctl-xet-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert desk.fill(desk.feed()) == 0
    assert "belongs to somebody else" in desk.told[0]


def test_stopped_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    slow = tmp_path / "slow.py"
    slow.write_text(f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\n"
                    "time.sleep(60)")  # fmt: skip
    monkeypatch.setattr(reader, "_CHILD", str(slow))

    def stop() -> None:
        appear(pid)
        desk.stop.set()

    timer = threading.Thread(target=stop)
    timer.start()
    with pytest.raises(Stopped):
        desk.fill(desk.feed())
    timer.join()
    assert gone(int(pid.read_text()))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_dies_with_us(desk: Desk, tmp_path: Path, number: signal.Signals) -> None:
    """And what it has brought is there for the next run."""
    code = f"""
import sys, time
from pathlib import Path
from stackctl.model import Algorithm, Digest
from stackctl.system import sha256
from stackctl.system.transfer import Job, Watch
from stackctl.system.transfer.part import Part
from stackctl.system.web import Web
from stackctl.system.xet import Feed
sha256.RANGE = {RANGE}
job = Job({NAME!r}, {desk.job.url!r}, {SIZE}, Digest(Algorithm.SHA256, {desk.job.digest.hex!r}),
          Path({str(desk.job.target)!r}), Path({str(desk.job.parts)!r}))
feed = Feed(Web(), {desk.hub.url!r}, {{}}, smallest=1)
feed._schemes = ("local://",)
def slowly(_job, count):
    print(count, flush=True)
    time.sleep(0.05)
part = Part(job.parts, job.part_name, job.size)
feed(job, part, Watch(bytes_changed=slowly))
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        for _ in range(5):
            assert process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        (child,) = [int(pid) for path in children for pid in path.read_text().split()]
        process.send_signal(number)
    assert gone(child)
    part = Part(desk.job.parts, desk.job.part_name, SIZE)
    assert part.have > 0
    part.close()
    assert desk.fill(desk.feed()) == SIZE
    assert desk.ends_right() == []


def test_a_file_that_http_refuses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = replace(desk.job, size=50_000_000_001)
    failed = Fetched(job, failure=StackError("answers 400", fix="stackctl models update"))
    assert desk.feed().explained(failed) is failed
    off = desk.feed(STACKCTL_XET="0").explained(failed).failure
    assert off is not None
    assert "unset STACKCTL_XET" in off.fix
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    without = desk.feed().explained(failed).failure
    assert without is not None
    assert "pip install hf-xet" in without.fix
    small = replace(failed, job=desk.job)
    assert desk.feed().explained(small) is small


def appear(path: Path) -> None:
    while not (path.exists() and path.read_text()):
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Within moments."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
