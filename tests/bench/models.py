"""Model files: hashing, the quick look, downloads; against openssl, huggingface_hub, the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pairs import Pairs, measure
from tests.hub import make
from tests.integration.stack.box import run

GIB = 1 << 30
ID = "bench/model"
#: KiB of the largest of our commands
_LARGEST = [0]


@dataclass(frozen=True)
class Limit:
    """A figure that may not be exceeded."""

    name: str
    value: float
    bar: float
    unit: str

    @property
    def passed(self) -> bool:
        return self.value < self.bar

    def __str__(self) -> str:
        verdict = "PASS" if self.passed else "FAIL"
        return f"{self.name}: {self.value:.1f} {self.unit}  bar: below {self.bar:.0f}  {verdict}"


@dataclass(frozen=True)
class Hub:
    """A hub as a process, with one model of 4 files of 1 GiB, and a small one."""

    url: str
    folder: Path

    def environ(self, models: Path) -> dict[str, str]:
        # as in a user's shell: what is imported is compiled once
        usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {
            **usual,
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(self.folder / "home"),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "MODELS_DIR": str(models),
        }


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    published = folder / "published"
    make.model(published / ID, 4 * GIB, shards=4)
    make.model(published / "bench/small", 64 << 20, shards=4)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hub", str(published)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield Hub(process.stdout.readline().strip(), folder)
    finally:
        process.terminate()
        process.wait()


def _must(argv: list[str], environ: dict[str, str]) -> None:
    result = run(argv, env=environ, timeout=300)
    assert result.code == 0, f"{' '.join(argv)}: {result.text}"


def _stackctl(here: Hub, models: Path, *words: str) -> None:
    models.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "stackctl", "models", *words],
        env=here.environ(models),
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    _LARGEST[0] = max(_LARGEST[0], used.ru_maxrss)


def _snapshot(here: Hub, target: Path) -> None:
    code = f"import huggingface_hub as h; h.snapshot_download({ID!r}, local_dir={str(target)!r})"
    _must([sys.executable, "-c", code], here.environ(target))


def pull(here: Hub) -> Pairs:
    """Ours is verified, theirs is not."""
    ours, theirs = here.folder / "ours", here.folder / "theirs"

    def remove() -> None:
        shutil.rmtree(ours, ignore_errors=True)
        shutil.rmtree(theirs, ignore_errors=True)

    _stackctl(here, ours, "pull", f"hf:{ID}")  # the hub has to hash its files once
    result = measure(
        "models pull of 4 GiB : snapshot_download",
        1.0,
        lambda: _stackctl(here, ours, "pull", f"hf:{ID}"),
        lambda: _snapshot(here, theirs),
        times=3,
        before=remove,
    )
    if not ours.exists():
        _stackctl(here, ours, "pull", f"hf:{ID}")
    return result


def pull_again(here: Hub) -> Pairs:
    """Time may not grow with the bytes that are there already."""
    ours, small = here.folder / "ours", here.folder / "small"
    _stackctl(here, small, "pull", "hf:bench/small")
    return measure(
        "pull of 4 GiB that are there : of 64 MiB",
        1.2,
        lambda: _stackctl(here, ours, "pull", f"hf:{ID}"),
        lambda: _stackctl(here, small, "pull", "hf:bench/small"),
        times=7,
    )


def hashing(here: Hub) -> Pairs:
    """4 x 1 GiB from the page cache: two threads of ours, two openssl."""
    from stackctl.model import Algorithm, Digest
    from stackctl.system.hashing import Pace, Task, hash_files

    shards = _shards(here)
    wanted = [Digest(Algorithm.SHA256, "0" * 64)] * len(shards)

    def ours() -> None:
        tasks = [Task(path, digest) for path, digest in zip(shards, wanted, strict=True)]
        assert all(len(found.hex) == 64 for found in hash_files(tasks, Pace(), 2))

    return measure("hashing 4 GiB : two openssl dgst", 1 / 0.93, ours, lambda: _openssl(shards), 5)


def full_verify(here: Hub) -> Pairs:
    """The whole command; theirs goes one file after the other, and asks the hub."""
    ours = here.folder / "ours"
    theirs = next(ours.glob("huggingface/hub/models--*/snapshots/*"))
    program = str(Path(sys.executable).with_name("hf"))
    return measure(
        "models verify --full : hf cache verify",
        1 / 1.8,
        lambda: _stackctl(here, ours, "verify", "--full"),
        lambda: _must(
            [program, "cache", "verify", ID, "--local-dir", str(theirs)], here.environ(ours)
        ),
        times=3,
    )


def cold(here: Hub) -> Pairs:
    """From the disk, against two readers that do not hash."""
    from stackctl.model import Algorithm, Digest
    from stackctl.system.hashing import Pace, Task, hash_files

    shards = _shards(here)
    tasks = [Task(path, Digest(Algorithm.SHA256, "0" * 64)) for path in shards]

    def ours() -> None:
        assert all(found.hex for found in hash_files(tasks, Pace(), 2))

    return measure(
        "hashing 4 GiB cold : dd of the same",
        1 / 0.9,
        ours,
        lambda: _readers(["dd", "bs=1M", "status=none", "of=/dev/null"], shards),
        times=3,
        before=lambda: _drop(shards),
    )


def _shards(here: Hub) -> list[Path]:
    return sorted((here.folder / "published" / ID).glob("*.safetensors"))


def _openssl(shards: list[Path]) -> None:
    _wait(
        subprocess.Popen(
            ["openssl", "dgst", "-sha256", *map(str, shards[half::2])], stdout=subprocess.DEVNULL
        )
        for half in (0, 1)
    )


def _readers(argv: list[str], shards: list[Path]) -> None:
    for pair in zip(shards[::2], shards[1::2], strict=True):
        _wait(subprocess.Popen([*argv, f"if={path}"]) for path in pair)


def _wait(processes: Iterator[subprocess.Popen[bytes]]) -> None:
    assert not any(process.wait() for process in list(processes))


def _drop(shards: list[Path]) -> None:
    """Out of the page cache."""
    for path in shards:
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def quick(folder: Path) -> Limit:
    """The look before every `up`: a tree like gpt-oss-120b, sparse files of their true size."""
    from stackctl.models.formats import scan

    tree = folder / "sparse"
    make.model(tree, 64 * GIB, shards=20, sparse=True)
    seconds = min(_timed(lambda: scan(tree)) for _ in range(5))
    return Limit("quick look at a tree of 64 GiB in 20 shards", seconds * 1000, 50, "ms")


def memory() -> Limit:
    """The largest that any of our commands was so far."""
    return Limit("memory of models pull and verify", _LARGEST[0] / 1024, 150, "MiB")


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
