"""`stackctl keys` where no gateway has ever run, and beside another stackctl."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from stackctl.cli import run
from stackctl.commands.gateway.apply import Place
from stackctl.gateway import keys
from stackctl.model import StackError
from stackctl.system import files


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "compose.yaml").touch()
    monkeypatch.setenv("STACKCTL_HOME", str(tmp_path))
    return Place(tmp_path)


def kept(place: Place) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(place.keys.read_text())["keys"]}


def test_the_key_alone_is_on_stdout(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "add", "alice", "--rpm", "60", "--priority", "low"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("sk-stack-")
    assert out.count("\n") == 1
    assert "60/min, low" in err
    assert "stackctl up gateway" in err
    row = kept(place)["alice"]
    assert row["sha256"] == keys.digest(out.strip())
    assert (row["rpm"], row["priority"], row["expires"]) == (60, 100, None)
    assert place.keys.stat().st_mode & 0o777 == 0o600


def test_list(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "list"]) == 0
    assert "no keys yet" in capsys.readouterr().out
    run(["keys", "add", "alice", "--expires", "2d"])
    capsys.readouterr()
    assert run(["keys", "list"]) == 0
    out = capsys.readouterr().out
    assert "in 1d 23h" in out
    assert "does not run" in out
    assert run(["keys", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gateway_runs"] is False
    assert [(row["name"], row["usage"]) for row in told["keys"]] == [("alice", None)]


def test_change_and_revoke(place: Place) -> None:
    run(["keys", "add", "alice", "--rpm", "60", "--concurrent", "2"])
    assert run(["keys", "change", "alice", "--rpm", "none", "--expires", "1d"]) == 0
    row = kept(place)["alice"]
    assert (row["rpm"], row["concurrent"]) == (None, 2)
    assert row["expires"] == pytest.approx(time.time() + 86400, abs=60)
    assert run(["keys", "revoke", "alice"]) == 0
    assert kept(place) == {}


def test_rotate(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["keys", "add", "alice", "--rpm", "60"])
    first = kept(place)["alice"]["sha256"]
    run(["keys", "rotate", "alice", "--keep", "1h"])
    run(["keys", "rotate", "alice", "--keep", "2h"])
    row = kept(place)["alice"]
    assert row["rpm"] == 60
    assert row["former"][0]["sha256"] == first
    assert len(row["former"]) == 2
    # what has ended is kept no longer
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 5400)
    run(["keys", "change", "alice", "--rpm", "9"])
    assert len(kept(place)["alice"]["former"]) == 1
    run(["keys", "rotate", "alice"])
    assert kept(place)["alice"]["former"] == []


def test_an_expired_key_is_not_rotated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["keys", "add", "alice", "--expires", "1h"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7200)
    with pytest.raises(StackError, match="has expired"):
        run(["keys", "rotate", "alice"])


@pytest.mark.parametrize(
    ("argv", "message", "fix"),
    [
        (["add", "alice"], "there is a key named alice already", "rotate alice"),
        (["add", "a b"], "'a b' is no name", "letters, digits"),
        (["revoke", "bob"], "no key named bob", "choose from: alice"),
        (["rotate", "bob"], "no key named bob", "choose from: alice"),
        (["change", "bob", "--rpm", "1"], "no key named bob", "choose from: alice"),
        (["change", "alice"], "nothing is to be changed", "--rpm"),
        (["add", "bob", "--models", "main"], "does not know yet", "stackctl up"),
    ],
)
def test_mistakes(place: Place, argv: list[str], message: str, fix: str) -> None:
    run(["keys", "add", "alice"])
    before = place.keys.read_bytes()
    with pytest.raises(StackError, match=message) as told:
        run(["keys", *argv])
    assert fix in told.value.fix
    assert place.keys.read_bytes() == before


def test_a_model_that_there_is_not(place: Place) -> None:
    files.write(place.conf / "models.map", "gpt-oss-20b coder\n")
    with pytest.raises(StackError, match="no model 'nix'") as told:
        run(["keys", "add", "bob", "--models", "coder,nix"])
    assert told.value.fix == "choose from: coder, gpt-oss-20b"
    assert not place.keys.exists()


def test_a_damaged_file_is_not_written_over(place: Place) -> None:
    files.write(place.keys, "{")
    with pytest.raises(StackError, match="cannot be read as a list of keys"):
        run(["keys", "add", "alice"])
    assert place.keys.read_text() == "{"


def test_one_waits_for_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with files.lock(place.lock, "up"):
        other = threading.Thread(target=run, args=(["keys", "add", "alice"],))
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(20)
    assert "alice" in kept(place)
    monkeypatch.setattr("stackctl.commands.gateway.apply.PATIENCE", 0.1)
    with files.lock(place.lock, "up"), pytest.raises(files.Busy, match="`stackctl up`"):
        run(["keys", "add", "bob"])
