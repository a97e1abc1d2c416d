"""What idle means: the page cache as it was, and the disk's and CPU's last place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.system import idle, process

ROOT = Path(__file__).resolve().parents[4]


def test_a_process_and_its_later_threads_are_idle() -> None:
    script = (
        "import os, threading\n"
        "from stackctl.system import idle, process\n"
        "assert idle.be_idle() == ''\n"
        "def look():\n"
        "    told = process.run(['ionice', '-p', str(threading.get_native_id())]).out\n"
        "    print(os.nice(0), told)\n"
        "thread = threading.Thread(target=look)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.stdout.split() == ["19", "idle"], done.stderr


def test_without_ionice_the_rest_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_argv: list[str]) -> process.Result:
        raise StackError("ionice: no such program")

    monkeypatch.setattr(process, "run", run)
    monkeypatch.setattr(os, "nice", lambda _by: 19)
    assert "util-linux" in idle.be_idle()


def test_the_page_cache_is_seen_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (4 << 20))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        file.read()
    if idle.cached(path) < 1:
        pytest.skip("this file system does not tell")
    idle.forget(path)
    if idle.cached(path) > 0.5:
        pytest.skip("a file system in memory keeps its files there")
    assert idle.cached(path) == 0


@pytest.mark.parametrize("name", ["absent", "empty", "."])
def test_what_is_no_file_with_content_is_not_cached(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").touch()
    idle.forget(tmp_path / name)
    assert idle.cached(tmp_path / name) == 0
