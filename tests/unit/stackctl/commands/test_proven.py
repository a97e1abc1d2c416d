"""What was proven last, in the history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackctl import settings
from stackctl.commands import proven
from stackctl.commands.history import history
from stackctl.commands.proven import Proof
from stackctl.system import history as store

TOOLS = Proof(
    "coder", "prove tools", 1000.0, ok=False, said="19 of 20 answers right", simulated=True
)
BENCH = Proof("main", "bench", 2000.0, ok=True, said="52 tok/s")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "compose.yaml").touch()
    monkeypatch.setenv("STACKCTL_HOME", str(tmp_path))
    return settings.recording(tmp_path).folder


def test_the_last_of_each_kind_and_service(home: Path) -> None:
    proven.remember([TOOLS, BENCH])
    again = Proof("coder", "prove tools", 3000.0, ok=True, said="20 of 20 answers right")
    proven.remember([again])
    assert store.look(home, proven.read) == (again, BENCH)


def test_history_tells_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proven.remember([TOOLS, BENCH])
    assert history((), since=86400.0, as_json=False) == 0
    text = capsys.readouterr().out
    assert "WRONG: 19 of 20 answers right (SIMULATED GPU)" in text
    assert "52 tok/s\n" in text
    # nobody has looked at the box yet: neither that nothing was wrong, nor when it was looked at
    assert "no incident" not in text
    assert "make watch-install" in text
    history(("main",), since=86400.0, as_json=True)
    (told,) = json.loads(capsys.readouterr().out)["proofs"]
    assert (told["of"], told["by"], told["ok"]) == ("main", "bench", True)


def test_what_cannot_be_read_never_was(home: Path) -> None:
    proven.remember([BENCH])
    store.keep(home, lambda book: book.keep("proof:x:bench", "{"))
    store.keep(home, lambda book: book.keep("proof:y:bench", '{"other": 1}'))
    assert store.look(home, proven.read) == (BENCH,)


def test_no_proof_no_history(home: Path) -> None:
    proven.remember([])
    assert not home.exists()


def test_no_disk_is_said_and_nothing_more(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.write_text("no folder")
    proven.remember([BENCH])
    assert "not in the history" in capsys.readouterr().err
