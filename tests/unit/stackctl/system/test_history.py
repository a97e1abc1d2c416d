"""The history's file: what it keeps, and what can happen to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stackctl.model import Finding, Severity, StackError
from stackctl.model.incident import Figure, Incident, Note, Spell
from stackctl.system import history
from stackctl.system.history import NAME, History, book, schema
from tests.bench import history as bench

START = 1_790_000_000.0


def finding(severity: Severity = Severity.ERROR, summary: str = "bad") -> Finding:
    return Finding("a.check", severity, "main", summary, "evidence", "cause", "fix")


def add(folder: Path, now: float, *findings: Finding, figures: tuple[Figure, ...] = ()) -> int:
    return history.keep(folder, lambda b: b.add_run(now, findings, figures))[0]


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / NAME)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_incidents_with_their_notes_come_back_as_they_were(tmp_path: Path) -> None:
    one = Incident(1, "a", "main", Severity.ERROR, "bad", START, "why", "fix", START + 5)
    two = Incident(2, "a", "coder", Severity.ERROR, "bad", START + 9, changed=("driver: 1 -> 2",))

    def work(b: History) -> None:
        b.save(one)
        b.save(two)
        b.note(1, START + 2, "recreated")

    history.keep(tmp_path, work)
    noted = Incident(
        *(1, "a", "main", Severity.ERROR, "bad", START, "why", "fix", START + 5),
        notes=(Note(START + 2, "recreated"),),
    )
    assert history.look(tmp_path, lambda b: b.incidents_since(START + 5)) == (noted, two)
    assert history.look(tmp_path, lambda b: b.incidents_since(START + 6)) == (two,)
    assert history.look(tmp_path, lambda b: b.open_incidents()) == (two,)
    assert history.look(tmp_path, lambda b: b.incidents_after(1, {1})) == (noted, two)
    assert history.look(tmp_path, lambda b: b.incidents_after(2)) == ()
    assert history.look(tmp_path, lambda b: b.last_incident()) == 2


def test_a_finding_is_written_when_it_changes(tmp_path: Path) -> None:
    for minute in range(10):
        add(tmp_path, START + 60 * minute, finding(summary=f"{60 + minute} C"))
    assert (count(tmp_path, "findings"), count(tmp_path, "texts")) == (1, 1)
    add(tmp_path, START + 900, finding(Severity.OK))
    add(tmp_path, START + 960)
    assert history.look(tmp_path, lambda b: b.findings()) == ()
    add(tmp_path, START + 999999, finding(summary="99 C"))
    (back,) = history.look(tmp_path, lambda b: b.findings())
    assert (back.severity, back.cause) == (Severity.ERROR, "cause")
    assert (count(tmp_path, "findings"), count(tmp_path, "texts")) == (3, 1)


def test_figures_come_back_and_their_names_are_written_once(tmp_path: Path) -> None:
    for minute in range(5):
        gpu = Figure("gpu_power_watts", "0", 100.5 + minute)
        more = (Figure("x", "", 1e300),) if minute == 3 else ()
        add(tmp_path, START + 60 * minute, figures=(gpu, *more))
    add(tmp_path, START + 250, figures=(Figure("gpu_power_watts", "0", 7),))  # the same minute
    found = history.look(tmp_path, lambda b: b.figures("gpu_power_watts", "0"))
    assert found == [(START + 60 * m, 100.5 + m) for m in range(5)]
    assert history.look(tmp_path, lambda b: b.figures("x")) == []
    assert count(tmp_path, "layouts") == 2


def test_a_clock_that_jumps_loses_nothing(tmp_path: Path) -> None:
    times = [START, START + 60, START + 1e9, START + 1e9 + 60, START - 1e9, START + 120]
    numbers = [add(tmp_path, at, finding()) for at in times]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert history.look(tmp_path, lambda b: b.run_times(10)) == tuple(times)


def test_what_is_old_goes_by_the_number_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "KEPT", 100)

    def work(b: History) -> None:
        b.save(Incident(1, "a", "main", Severity.ERROR, "bad", START, ended=START))
        for run in range(240):
            state = Severity.ERROR if run % 3 else Severity.OK
            b.add_run(START + 60 * run, [finding(state, "x" * (1 + run % 3))], ())
            b.save_spell(Spell("main", True, run, run), None, run + 1)

    history.keep(tmp_path, work)
    assert count(tmp_path, "runs") == count(tmp_path, "spells") == 100
    assert count(tmp_path, "findings") < 105
    assert count(tmp_path, "incidents") == 1


def test_two_days_stay_small(tmp_path: Path) -> None:
    bench.fill(tmp_path, 2 * 1440)
    assert bench.size(tmp_path) < 50 / 15
    # what `history` reads grows with what happened, not with the runs
    assert count(tmp_path, "spells") < 300
    assert count(tmp_path, "texts") < 10


@pytest.mark.parametrize(
    "content", [b"no database at all " * 99, b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_damaged_file_is_moved_aside_with_a_word(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    number, word = history.keep(tmp_path, lambda b: b.add_run(START, [finding()], ()))
    assert number == 1
    (aside,) = tmp_path.glob(f"{NAME}.damaged-*")
    assert str(aside) in word
    assert aside.read_bytes() == content
    assert history.keep(tmp_path, lambda b: b.run_times(9)) == ((START,), "")


def test_a_file_of_another_program_is_moved_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StackError, match="another program"):
        history.look(tmp_path, lambda b: b.run_times(1))
    _, word = history.keep(tmp_path, lambda b: b.run_times(1))
    assert "another program" in word
    (aside,) = tmp_path.glob(f"{NAME}.damaged-*")
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("SELECT * FROM theirs").fetchall() == []


def test_pages_that_were_overwritten(tmp_path: Path) -> None:
    for minute in range(200):
        figures = tuple(Figure(f"f{n}", "", n) for n in range(50))
        add(tmp_path, START + 60 * minute, finding(), figures=figures)
    size = (tmp_path / NAME).stat().st_size
    with (tmp_path / NAME).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    _, word = history.keep(tmp_path, lambda b: b.add_run(START, [finding()], ()))
    assert "damaged" in word


def test_a_table_that_is_gone(tmp_path: Path) -> None:
    add(tmp_path, START)
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.execute("DROP TABLE spells")
    assert history.keep(tmp_path, lambda b: b.last_spells())[1]


def test_a_bug_of_ours_does_not_move_the_file(tmp_path: Path) -> None:
    add(tmp_path, START)
    with pytest.raises(StackError, match="cannot be used"):
        history.keep(tmp_path, lambda b: b._db.execute("SELECT nonsense"))
    assert not list(tmp_path.glob(f"{NAME}.damaged-*"))


def test_a_newer_one_is_left_alone(tmp_path: Path) -> None:
    add(tmp_path, START)
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.execute("PRAGMA user_version = 99")
    for ask in (history.look, history.keep):
        with pytest.raises(StackError, match="newer stackctl"):
            ask(tmp_path, lambda b: b.run_times(1))
    assert not list(tmp_path.glob(f"{NAME}.damaged-*"))


def test_an_older_one_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, START, finding())
    more = (*schema.MIGRATIONS, ("CREATE TABLE later (x)", "ALTER TABLE notes ADD COLUMN who TEXT"))
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    with pytest.raises(StackError, match="older stackctl"):
        history.look(tmp_path, lambda b: b.run_times(1))
    assert history.keep(tmp_path, lambda b: b.run_times(1)) == ((START,), "")
    assert count(tmp_path, "later") == 0


def test_a_full_disk_is_told_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path, START, finding())

    def work(b: History) -> None:
        (pages,) = b._db.execute("PRAGMA page_count").fetchone()
        b._db.execute(f"PRAGMA max_page_count = {pages}")
        b.keep("x", "y" * 100_000)

    with pytest.raises(StackError, match="disk is full") as told:
        history.keep(tmp_path, work)
    assert "df -h" in told.value.fix
    assert history.keep(tmp_path, lambda b: b.run_times(1)) == ((START,), "")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="a file where a folder"):
        add(tmp_path / "file" / "x", START)
    with pytest.raises(StackError, match="nothing has been recorded"):
        history.look(tmp_path / "none", lambda b: b.run_times(1))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    add(tmp_path, START)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StackError, match="no permission"):
            add(tmp_path, START + 60)
        assert history.look(tmp_path, lambda b: b.run_times(1)) == (START,)
    finally:
        tmp_path.chmod(0o755)


#: writes runs until somebody stops it; each is one transaction of a run and its number as a state
_WRITER = """
import sys
from pathlib import Path
from stackctl.system import history
from stackctl.model.incident import Figure

def work(book):
    number = int(book.state("count") or 0) + 1
    book.keep("count", str(number))
    book.add_run(60.0 * number, (), [Figure("f", "", number)])
    return number

for _ in range(int(sys.argv[2])):
    print(history.keep(Path(sys.argv[1]), work)[0], flush=True)
"""


def writer(folder: Path, runs: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _WRITER, str(folder), str(runs)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 40) for _ in range(2)]
    said = [int(line) for w in writers for line in w.communicate()[0].split()]
    assert [w.returncode for w in writers] == [0, 0]
    assert sorted(said) == list(range(1, 81))
    assert count(tmp_path, "runs") == 80


def test_killed_while_it_writes(tmp_path: Path) -> None:
    for _ in range(5):
        process = writer(tmp_path, 10_000)
        assert process.stdout
        said = [int(process.stdout.readline()) for _ in range(7)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.communicate()[0].splitlines() if line]
        number, word = history.keep(tmp_path, lambda b: int(b.state("count")))
        assert word == ""
        assert number >= said[-1]
        assert count(tmp_path, "runs") == number
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
