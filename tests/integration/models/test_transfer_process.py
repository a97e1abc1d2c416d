"""Downloads as processes: killed, interrupted, two at once, on a full disk, as nobody."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackctl.system.transfer import journal
from tests.hub import FOREVER, Hub, Slow, Stall

ROOT = Path(__file__).parents[3]
RANGE = 1 << 18
SIZE = (12 << 20) + 321
#: no zero byte in it: holes are seen
DATA = random.Random(11).randbytes(SIZE).translate(bytes(n or 1 for n in range(256)))
#: what a kill may cost of what had come: what each of three connections had not noted yet
LOST = 3 * RANGE
PATIENCE = 60
NOBODY = "65534"
#: two blocks of 3 MiB would fit into it, the file and its journal do not
ROOM = 4 << 20


@dataclass
class Box:
    hub: Hub
    folder: Path

    @property
    def target(self) -> Path:
        return self.folder / "w.gguf"

    def argv(self, **more: object) -> list[str]:
        order = {
            "url": f"{self.hub.url}/files/acme/big/w.gguf",
            "target": str(self.target),
            "parts": str(self.folder / ".stackctl" / "parts"),
            "size": SIZE,
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "range": RANGE,
            **more,
        }
        return [sys.executable, "-m", "tests.integration.models.pull", json.dumps(order)]

    def start(self, *before: str, **more: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, *self.argv(**more)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )

    def pull(self, *before: str, **more: object) -> tuple[int, str]:
        done = subprocess.run(
            [*before, *self.argv(**more)],
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def right(self) -> None:
        code, text = self.pull()
        assert (code, text.splitlines()[-1]) == (0, "right"), text
        assert self.target.read_bytes() == DATA
        assert list((self.folder / ".stackctl" / "parts").iterdir()) == []

    @property
    def sent(self) -> int:
        return sum(line.sent for line in self.hub.requests)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Hub(tmp_path / "hub") as hub:
        hub.add("acme/big", {"w.gguf": DATA})
        (tmp_path / "models").mkdir()
        yield Box(hub, tmp_path / "models")


def counts(process: subprocess.Popen[str]) -> Iterator[int]:
    """The bytes that are there, at the start and at each piece that comes."""
    there = 0
    assert process.stdout is not None
    for line in process.stdout:
        word, _, rest = line.partition(" ")
        if word == "bytes":
            there += int(rest)
            yield there


def until(there: Iterator[int], count: int) -> int:
    """The bytes that are there as soon as they are so many, or at the process's end."""
    last = 0
    for last in there:
        if last >= count:
            break
    return last


def test_killed_at_twenty_moments(box: Box) -> None:
    """Never a bad file under its final name, and what had come is not fetched again."""
    rng = random.Random(3)
    box.hub.inject(Slow(rate=4e6, times=FOREVER))
    kills = had = 0
    for _ in range(20):
        with box.start() as process:
            there = counts(process)
            start = next(there)
            assert start >= had - LOST
            had = until(there, start + rng.randrange(1 << 20))
            process.kill()
            had = max([had, *there])
            process.wait(PATIENCE)
        kills += process.returncode == -signal.SIGKILL
        if box.target.exists():
            assert box.target.read_bytes() == DATA
    assert kills >= 10
    box.hub.faults.clear()
    box.right()


def test_power_failure(box: Box) -> None:
    """Another boot, and the disk never got the last bytes: what is proven is kept."""
    box.hub.inject(Slow(rate=4e6, times=FOREVER))
    with box.start() as process:
        until(counts(process), 4 << 20)
        process.kill()
    (part,) = (box.folder / ".stackctl" / "parts").glob("*.part")
    log = part.with_suffix(".log")
    log.write_text(log.read_text().replace(journal._boot(), "another"))
    with part.open("r+b") as file:
        file.seek(2 << 20)
        file.write(bytes((4 << 20) - (2 << 20)))
    box.hub.faults.clear()
    box.hub.forget()
    box.right()
    assert box.sent < SIZE - (1 << 20)


def test_two_at_once_fetch_it_once(box: Box) -> None:
    box.hub.inject(Slow(rate=8e6, times=FOREVER))
    with box.start() as one:
        until(counts(one), 1)
        with box.start() as two:
            texts = [process.communicate(timeout=PATIENCE)[0] for process in (one, two)]
    assert [process.returncode for process in (one, two)] == [0, 0], texts
    assert "another stackctl fetches it; waiting" in texts[1]
    assert box.sent == SIZE
    assert box.target.read_bytes() == DATA


def test_who_waits_goes_on_when_the_other_is_killed(box: Box) -> None:
    box.hub.inject(Slow(rate=4e6, times=FOREVER))
    with box.start() as one:
        there = counts(one)
        until(there, 2 << 20)
        with box.start() as two:
            assert two.stdout is not None
            assert "waiting" in two.stdout.readline()
            one.kill()
            had = max(there)
            assert next(counts(two)) >= had - LOST
            text = two.communicate(timeout=PATIENCE)[0]
    assert two.returncode == 0, text
    assert box.target.read_bytes() == DATA


def test_ctrl_c_does_not_wait_for_a_silent_server(box: Box) -> None:
    box.hub.inject(Stall(after=1000, seconds=300, times=FOREVER))
    with box.start(silence=300) as process:
        until(counts(process), 3000)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    box.hub.faults.clear()
    box.right()


def test_ctrl_c_does_not_wait_for_another(box: Box) -> None:
    box.hub.inject(Stall(after=1000, seconds=300, times=FOREVER))
    with box.start(silence=300) as one:
        until(counts(one), 3000)
        with box.start() as two:
            assert two.stdout is not None
            assert "waiting" in two.stdout.readline()
            two.send_signal(signal.SIGINT)
            assert two.wait(PATIENCE) == 130
        one.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_full_disk_and_room_after_it(box: Box) -> None:
    """In a mount namespace of its own, which ends with its processes."""
    script = f"""
        mount -t tmpfs -o size={ROOM} none "$1" || exit 77
        shift
        "$@"; echo "code $?"; du -k -s "$0"
        mount -o remount,size=64M "$0" || exit 77
        "$@"; echo "code $?"; sha256sum < "$0/w.gguf"
    """
    folder = str(box.folder)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, folder, folder, *box.argv()],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no tmpfs: {done.stderr}")
    lines = done.stdout.splitlines()
    (failure,) = (line for line in lines if line.startswith("failure"))
    assert f"{folder}/" in failure
    assert "the disk is full; what has arrived is kept; fix: make room: df -h " in failure
    assert [line for line in lines if line.startswith("code")] == ["code 1", "code 0"]
    assert lines[-1].split()[0] == hashlib.sha256(DATA).hexdigest()
    # what had come is not fetched again, but for what the failing writes held and buffers had
    assert box.sent <= SIZE + (2 << 20)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (util-linux)")
@pytest.mark.parametrize("shut", [".", ".stackctl/parts"])
def test_no_permission(box: Box, shut: str) -> None:
    """As nobody, who may read everything here, so that Python and the files can be had."""
    with tempfile.TemporaryDirectory() as place:
        box.folder = Path(place) / "models"
        (box.folder / ".stackctl" / "parts").mkdir(parents=True)
        Path(place).chmod(0o755)
        for path in [box.folder, *box.folder.rglob("*")]:
            os.chown(path, int(NOBODY), int(NOBODY))
        os.chown(box.folder / shut, 0, 0)
        read_only = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        code, text = box.pull(
            "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *read_only
        )
        assert code == 1, text
        assert "no permission; fix: give yourself the right: sudo chown -R" in text
        assert not box.target.exists()
