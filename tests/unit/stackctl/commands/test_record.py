"""Runs that are remembered and told: history, alerts, ping, metrics, each of which may fail."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl import cli, settings
from stackctl.checks import CHECKS, run
from stackctl.commands import healing, record, rounds, snapshot, status
from stackctl.commands.look import judge
from stackctl.model import Daemon, Facts, Finding, Phase, Severity, StackError, Unavailable
from stackctl.model.incident import Figure
from stackctl.settings import Recording
from stackctl.system import history, notify, process, versions
from tests.unit.stackctl.box import DRIVER, HEALTHY, with_service
from tests.unit.stackctl.system.test_notify import Post, server
from tests.unit.stackctl.watch.simulated import MINUTE, START, box, error


def up(broken: Sequence[str] = ()) -> list[Figure]:
    return [Figure("service_up", role, float(role not in broken)) for role in ("main", "coder")]


class World:
    """A folder, and a clock that goes on by a minute with each run."""

    def __init__(self, folder: Path, *urls: str, ping: str = "") -> None:
        self.to = Recording(folder / "state", urls, ping, folder / "out" / "stackctl.prom")
        self.now = START
        self.parts = {"driver": "1"}

    def runs(self, times: int, *broken: str, **more: str) -> tuple[Finding, ...]:
        found: tuple[Finding, ...] = ()
        for _ in range(times):
            self.now += MINUTE
            findings = [*box(broken), *(error(s, cause=c) for s, c in more.items())]
            found = record.record(findings, up(broken), self.parts, self.now, self.to)
        return found


def titles(post: Post) -> list[str]:
    return [body["title"].partition(": ")[2] for body in post.bodies]


def test_an_incident_is_told_when_it_opens_and_when_it_is_gone(tmp_path: Path) -> None:
    with server() as post:
        world = World(tmp_path, post.url(), ping=f"http://127.0.0.1:{post.port}/uuid")
        assert world.runs(2) == ()
        world.parts = {"driver": "2"}
        assert world.runs(1, "main") == ()
        assert post.bodies == []
        assert world.runs(3, "main") == ()
        assert titles(post) == ["main: main does not answer"]
        assert "driver: 1 -> 2" in post.bodies[0]["message"]
        healing.note(world.to.folder, "main", "recreated the container", world.now)
        assert world.runs(3) == ()
        assert titles(post)[1:] == ["main is fine again"]
        assert "recreated the container" in post.bodies[1]["message"]
        assert "4m" in post.bodies[1]["message"]
        pings = [path for path in post.paths if path.startswith("/uuid")]
        assert pings == ["/uuid"] * 3 + ["/uuid/fail"] * 4 + ["/uuid"] * 2
    metrics = (tmp_path / "out" / "stackctl.prom").read_text()
    assert "stackctl_open_incidents 0.0" in metrics
    assert 'stackctl_service_up{service="main"} 1.0' in metrics


def test_who_hears_that_it_is_mended_hears_how_to_keep_it_away(tmp_path: Path) -> None:
    fix = "stackctl restart coder; so that it stays away, let Docker give GPUs by CDI"
    lost = replace(error("coder"), fix=fix)
    with server() as post:
        world = World(tmp_path, post.url())
        for findings in ([lost], [lost], [], [], []):
            world.now += MINUTE
            record.record(findings, up(), world.parts, world.now, world.to)
        opened, gone = (body["message"] for body in post.bodies)
    assert fix in opened
    assert "stackctl restart" not in gone
    assert "so that it stays away: let Docker give GPUs by CDI" in gone


def test_a_channel_that_is_down_for_a_while(tmp_path: Path) -> None:
    with server() as down, server() as post:
        world = World(tmp_path, down.url(), post.url())
        down.status = 503
        found = world.runs(2, "main")
        assert [f.check for f in found] == ["alert.channel"]
        assert world.runs(3, "main")
        assert titles(post)[0] == "main: main does not answer"
        assert "alerts do not get through" in titles(post)[1]
        world.runs(2)
        assert len(titles(post)) == 3
        assert not down.bodies
        down.status = 200
        assert world.runs(1) == ()
        (late,) = down.bodies
        assert "2 problems: 1 new, 1 came and went" in late["title"]
        world.runs(3)
        assert len(down.bodies) == 2  # the channel itself is fine again
        assert len(post.bodies) == 4


def test_a_misspelt_address_is_told_at_once_and_stays_secret(tmp_path: Path) -> None:
    (found,) = World(tmp_path, "nonsense://hunter2/hunter2").runs(1)
    assert found.check == "alert.channel"
    assert "knows no such address" in found.summary
    assert "hunter2" not in repr(found)


def test_a_channel_that_is_given_up_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path, "nonsense://x")
    assert world.runs(1)
    world.to = Recording(world.to.folder)
    assert world.runs(3) == ()
    assert healing.open_incidents(world.to.folder) == ()


def test_while_docker_is_down_nothing_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.runs(2, "main")
    lost = [error("docker", "docker.daemon")]
    for _ in range(4):
        world.now += MINUTE
        record.record(lost, [], {}, world.now, world.to)
    found = healing.open_incidents(world.to.folder)
    assert {i.subject for i in found} == {"main", "docker"}


def test_without_a_history_the_ping_and_the_metrics_go_on(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with server() as post:
        world = World(tmp_path, post.url(), ping=f"http://127.0.0.1:{post.port}/uuid")
        (found,) = world.runs(1)
        assert (found.check, found.severity) == ("history.store", Severity.WARNING)
        assert found.fix
        assert post.paths == ["/uuid/fail"]
    assert "stackctl_service_up" in (tmp_path / "out" / "stackctl.prom").read_text()


def test_each_part_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*args: object, **more: object) -> None:
        raise ValueError("hunter2")

    (tmp_path / "out").touch()
    monkeypatch.setattr(notify, "send", bug)
    monkeypatch.setattr(notify, "ping", bug)
    found = World(tmp_path, "json://127.0.0.1:1/x", ping="http://127.0.0.1:1").runs(2, "main")
    assert [f.check for f in found] == ["alert.channel", "alert.ping", "metrics.file"]
    assert "hunter2" not in repr(found)
    assert len(healing.open_incidents(tmp_path / "state")) == 1


def test_a_damaged_history_gives_way_with_a_word(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.runs(1)
    (tmp_path / "state" / history.NAME).write_bytes(b"x" * 9999)
    (found,) = world.runs(1)
    assert "moved to" in found.summary
    assert world.runs(1) == ()


def test_a_healer_gives_up_and_an_operator_lets_it_try_again(tmp_path: Path) -> None:
    with server() as post:
        world = World(tmp_path, post.url())
        world.runs(2, "main")
        folder = world.to.folder
        assert [healing.attempt(folder, "main", world.now) for _ in range(4)] == [True] * 3 + [
            False
        ]
        assert healing.off(folder) == {}
        # it is told in the run in which it is given up, and in each one after
        for _ in range(3):
            (found,) = world.runs(1, "main")
            assert (found.check, found.subject) == ("heal.breaker", "main")
            assert "stackctl heal main --again" in found.fix
        assert any("left alone" in title for title in titles(post))
        assert any("stackctl heal main --again" in body["message"] for body in post.bodies)
        assert healing.given_up(folder) == (found,)
        assert healing.given_up(folder, ["coder"]) == ()
        assert healing.off(folder) == {"main": world.now - 2 * MINUTE}
        assert not healing.may(folder, "main", world.now)
        assert not healing.attempt(folder, "main", world.now + 7200)
        healing.reset(folder, "main")
        assert healing.may(folder, "main", world.now)
        assert not healing.off(folder)
        assert healing.attempt(folder, "main", world.now)
        with pytest.raises(StackError, match="not off"):
            healing.reset(folder, "coder")


def test_figures_and_parts_of_a_real_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "toolkit", lambda: "1.19")
    found = run(CHECKS, HEALTHY, Phase.RUNNING)
    figures = {(f.name, f.of): f.value for f in snapshot.figures(HEALTHY, found)}
    assert figures["service_up", "main"] == 1
    assert figures["service_gpu_memory_mib", "main"] > 0
    assert figures["gpu_memory_total_mib", "0"] > 0
    digests = {"sha256:a": ("other@sha256:b", "engine@sha256:b")}
    parts = snapshot.box(with_service("coder", image_id="sha256:a"), lambda each: digests[each])
    assert parts["image of coder"] == "engine:1 sha256:a engine@sha256:b"
    assert parts["image of main"] == "engine:1"
    assert all(
        parts[name] for name in ("driver", "kernel", "Docker", "container toolkit", "image of main")
    )
    lost = Facts(daemon=Unavailable("no answer"), driver=Unavailable("no driver"))
    assert snapshot.figures(lost, ()) == ()
    assert snapshot.box(lost, lambda _: ())["driver"] == ""
    assert isinstance(HEALTHY.daemon, Daemon)


def test_versions_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = process.Result(0, "NVIDIA Container Toolkit CLI version 1.19.0-1\ncommit: abc", "")
    monkeypatch.setattr(process, "run", lambda *a, **k: said)
    assert versions.toolkit() == "1.19.0-1"
    assert versions.cdi([tmp_path, tmp_path / "none"]) == ""
    (tmp_path / "a.yaml").write_text("one")
    (tmp_path / "b.yaml").mkdir()
    before = versions.cdi([tmp_path])
    (tmp_path / "a.yaml").write_text("two")
    assert len(before) == 12
    assert before != versions.cdi([tmp_path])


def test_a_host_without_the_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert versions.toolkit() == ""


@pytest.fixture
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An hour: main was down for three minutes and was healed; coder still is."""
    monkeypatch.setattr(settings, "find_root", lambda: tmp_path)
    world = World(tmp_path)
    world.to = Recording(tmp_path / ".stackctl")
    monkeypatch.setattr(time, "time", lambda: world.now)
    world.runs(20)
    world.runs(2, main="no memory")
    healing.note(world.to.folder, "main", "recreated the container", world.now)
    world.runs(1, "main")
    world.runs(30)
    world.parts = {"driver": "2"}
    world.runs(7, "coder")
    return world


def test_history_as_text(past: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["history", "--since", "2h"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("changed since all was fine (")
    assert "driver: 1 -> 2" in text
    assert "(3m)  main: main does not answer" in text
    assert "cause:    no memory" in text
    assert "recreated the container" in text
    assert ".. open (" in text
    (row,) = [line for line in text.splitlines() if line.startswith("coder ")]
    assert row.split()[1:6] == ["89.8", "%", "of", "59m", "89.8"]


def test_history_as_json_of_one_role(past: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["history", "coder", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (incident,) = data["incidents"]
    assert (incident["subject"], incident["ended"]) == ("coder", None)
    assert incident["duration_seconds"] == 360
    assert set(data["uptime"]) == {"coder"}
    day = data["uptime"]["coder"]["day"]
    assert day["up_seconds"] + day["down_seconds"] + day["unknown_seconds"] == 86400
    assert data["changed_since_green"] == ["driver: 1 -> 2"]
    assert (data["green"], data["now"]) == ({"driver": "1"}, {"driver": "2"})


def test_what_is_given_up_is_in_history_and_status(
    past: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        healing.attempt(past.to.folder, "coder", past.now)
    past.runs(1, "coder")
    assert cli.run(["history"]) == 0
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(past.now))
    line = (
        f"coder: healing is off since {since}, as three attempts did not help; mend it, then: "
        "stackctl heal coder --again"
    )
    assert line in capsys.readouterr().out
    assert line in status._text(DRIVER, (), status._healing_off())
    found = json.loads(status._json(DRIVER, (), None, status._healing_off()))
    assert found["healing_off"] == {"coder": past.now}


def test_a_round_tells_first_what_changed(
    past: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Unavailable("Failed to initialize NVML: Unknown Error", "smi:255")
    ill, well = judge(with_service("coder", inside=lost)), judge(HEALTHY)
    monkeypatch.setattr(rounds, "look", lambda *_, **__: ill)
    monkeypatch.setattr(snapshot, "box", lambda *_: {"driver": "3"})
    assert cli.run(["verify", "--record"]) == 1
    text = capsys.readouterr().out
    assert text.index("changed since all was fine (") < text.index("driver: 1 -> 3")
    assert text.index("driver: 1 -> 3") < text.index("ERROR  coder: the GPU cannot be used")
    monkeypatch.setattr(rounds, "look", lambda *_, **__: well)
    assert cli.run(["verify", "--record"]) == 0
    assert "changed since" not in capsys.readouterr().out


def test_history_of_nobody(past: World) -> None:
    with pytest.raises(StackError, match="nothing is remembered of 'sales'"):
        cli.run(["history", "sales"])


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 d", "1y", "999999d"])
def test_spans_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as told:
        cli.run(["history", f"--since={text}"])
    assert told.value.code == 2
    assert "is no span of time" in capsys.readouterr().err


def test_history_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_root", lambda: tmp_path)
    with pytest.raises(StackError, match="nothing has been recorded"):
        cli.run(["history"])


def test_no_secret_is_kept(tmp_path: Path) -> None:
    with server() as post:
        world = World(tmp_path, post.url(), "tgram://12:hunter2/hunter2")
        world.runs(2)
    with sqlite3.connect(world.to.folder / history.NAME) as db:
        dump = "\n".join(db.iterdump())
    db.close()
    assert "127.0.0.1" in dump
    assert "hunter2" not in dump
