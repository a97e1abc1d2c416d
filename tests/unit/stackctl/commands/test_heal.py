"""Healing around its plan: incidents, attempts, memory of the GPU, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl import cli
from stackctl.commands import heal, heal_act, healing, plan
from stackctl.commands.heal_act import Done, Result
from stackctl.commands.heal_plan import Step
from stackctl.commands.look import Look, judge
from stackctl.model import Driver, Stack, StackError, Unavailable
from stackctl.settings import Settings
from stackctl.system import files, nvml
from tests.unit.stackctl.box import CODER, DRIVER, EMPTY, HEALTHY, SERVICES, gpu, held, with_service

REVOKED = Unavailable("Failed to initialize NVML: Unknown Error", "smi:255")
ILL = judge(with_service("coder", inside=REVOKED))
HUNG = judge(with_service("coder", ready=Unavailable("no answer in 3 s")))
WELL = judge(HEALTHY)


class Images:
    """In the place of the daemon."""

    there = True

    def image_exists(self, _image: str) -> bool:
        return self.there


class World:
    """A clone whose containers are made by nobody; what was tried is written down."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / ".stackctl"
        self.tried: list[str] = []
        self.result = Result(Done.PROVEN)
        self.facts = replace(EMPTY, planned=(CODER,))

    def preflight(self, *_: object) -> object:
        return self.facts

    def mend(self, _docker: object, steps: list[Step], *_: object) -> dict[str, Result]:
        self.tried += [step.service for step in steps]
        return {step.subject: self.result for step in steps}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    (tmp_path / "env").mkdir()
    monkeypatch.setattr(plan, "load", lambda: Settings(tmp_path, "sim", (), {}, {}))
    monkeypatch.setattr(plan, "resolve", lambda _config: Stack("stackctl", SERVICES))
    monkeypatch.setattr(heal_act, "preflight", made.preflight)
    monkeypatch.setattr(heal_act, "mend", made.mend)
    monkeypatch.setattr(heal, "Docker", Images)
    monkeypatch.setattr(heal, "_AGAIN", 0.0)
    yield made
    Images.there = True


def ill() -> Look:
    return ILL


def test_nothing_to_do(world: World) -> None:
    assert heal.heal(WELL, ill) is False
    assert world.tried == []
    assert not world.state.exists()


def test_by_hand_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert heal.heal(ILL, ill) is True
    assert world.tried == ["coder"]
    assert "coder: recreated, as the container lost" in capsys.readouterr().out


def test_a_dry_run_only_tells(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert heal.heal(ILL, ill, dry_run=True) is False
    assert world.tried == []
    assert not world.state.exists()
    assert "would recreate coder" in capsys.readouterr().out


def test_mended_by_somebody_else_meanwhile(world: World) -> None:
    assert heal.heal(ILL, lambda: WELL) is True
    assert world.tried == []


def test_a_blip_is_looked_at_twice(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert heal.heal(HUNG, lambda: WELL) is True
    assert world.tried == []
    assert "looking again" in capsys.readouterr().out


def test_a_timer_heals_only_incidents(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert heal.heal(ILL, ill, watching=True) is False
    assert world.tried == []
    assert "seen for the first time" in capsys.readouterr().out


def test_three_attempts_and_one_more_when_asked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.result = Result(Done.FAILED, "no reason")
    for _ in range(5):
        heal.heal(ILL, ill)
    assert world.tried == ["coder"] * 3
    out = capsys.readouterr().out
    assert out.count("tried: the container lost its device permissions; but no reason") == 3
    assert "stackctl heal coder --again" in out
    # nor would it, says a dry run
    assert heal.heal(ILL, ill, dry_run=True) is False
    out = capsys.readouterr().out
    assert "would recreate" not in out
    assert "coder: not healed: the container lost its device permissions" in out
    assert "three attempts within an hour did not help" in out
    healing.reset(world.state, "coder")
    heal.heal(ILL, ill)
    assert world.tried == ["coder"] * 4


@pytest.mark.parametrize("watching", [True, False])
def test_without_memory_no_attempt(
    world: World,
    watching: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> bool:
        raise StackError("the disk is full", fix="df -h")

    monkeypatch.setattr(healing, "attempt", broken)
    monkeypatch.setattr(healing, "open_incidents", broken)
    heal.heal(ILL, ill, watching=watching)
    assert world.tried == []
    assert "the disk is full" in capsys.readouterr().out


def test_what_up_would_refuse_is_not_touched(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.facts = replace(world.facts, port_holders={8002: "nginx (pid 812)"})
    heal.heal(ILL, ill)
    assert world.tried == []
    assert "port 8002 is taken by nginx (pid 812)" in capsys.readouterr().out
    world.facts = replace(EMPTY, planned=(CODER,))
    Images.there = False
    heal.heal(ILL, ill)
    assert world.tried == []
    assert "its image is gone" in capsys.readouterr().out


def test_a_driver_that_went_away_meanwhile(world: World) -> None:
    world.facts = replace(world.facts, driver=Unavailable("Driver Not Loaded", "nvml:9"))
    heal.heal(ILL, ill)
    assert world.tried == []


def test_settings_that_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Settings:
        raise StackError("env/stack.env:3: cannot be read", fix="write NAME=value", exit_code=2)

    monkeypatch.setattr(plan, "load", broken)
    assert heal.heal(ILL, ill) is False
    assert "env/stack.env:3" in capsys.readouterr().out


def test_never_beside_up(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with files.lock(world.state / "lock", "up"):
        assert heal.heal(ILL, ill) is False
    assert world.tried == []
    assert "`stackctl up` (pid " in capsys.readouterr().out


def driver(**changes: object) -> Driver:
    return replace(DRIVER, gpus=(gpu(3, **changes),))


def test_memory_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [driver(**held("coder")), driver(used_mib=40000), driver()]
    monkeypatch.setattr(nvml, "read", lambda: states.pop(0))
    monkeypatch.setattr(heal_act, "_PAUSE", 0.0)
    heal_act.wait_for_memory(CODER, [3], ["coder".ljust(64, "0")])
    assert states == []


def test_memory_that_is_never_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "read", lambda: driver(**held("somebody", mib=40000)))
    monkeypatch.setattr(heal_act, "_FREEING", 0.0)
    with pytest.raises(StackError, match="held by pid 100: 40000 MiB") as said:
        heal_act.wait_for_memory(CODER, [3], [])
    assert said.value.fix


@pytest.mark.parametrize(
    "argv",
    [
        ["verify", "--record", "main"],
        ["verify", "--record", "--project", "x"],
        ["verify", "--heal", "--json"],
        ["heal", "--again"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(StackError) as said:
        cli.run(argv)
    assert said.value.exit_code == 2
    assert said.value.fix
