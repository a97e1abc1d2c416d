"""Timers: their texts, and what install and remove do on a folder that plays a host."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from stackctl import settings
from stackctl.commands import watch
from stackctl.commands.watch_units import Watch, cron, systemd
from stackctl.model import StackError
from stackctl.system import process

MINE = Watch(Path("/srv/stack"), Path("/srv/stack/.venv/bin/stackctl"), "root")
ODD = Watch(Path('/srv/100% "my" stack $x'), Path("/srv/a b/stackctl"), "me")
UNITS = "etc/systemd/system"


def host(folder: Path, *parts: str) -> Path:
    for part in parts:
        (folder / part).mkdir(parents=True)
    return folder


@pytest.fixture
def booted(tmp_path: Path) -> Path:
    return host(tmp_path / "host", "run/systemd/system", UNITS)


@pytest.fixture
def with_cron(tmp_path: Path) -> Path:
    made = host(tmp_path / "host", "etc/cron.d", "usr/sbin")
    (made / "usr/sbin/cron").touch()
    return made


def test_units_run_what_the_timer_is_for() -> None:
    texts = systemd(MINE)
    service = texts["/etc/systemd/system/stackctl-watch.service"]
    assert '"/srv/stack/.venv/bin/stackctl" verify --heal --record --quiet\n' in service
    assert "TimeoutStartSec=" in service
    assert "STACKCTL_HOME=/srv/stack" in service
    assert "OnCalendar=minutely" in texts["/etc/systemd/system/stackctl-watch.timer"]
    weights = texts["/etc/systemd/system/stackctl-weights.service"]
    assert "models verify --full --share 7 --idle\n" in weights
    assert "IOSchedulingClass=idle" in weights


@pytest.mark.parametrize("mine", [MINE, ODD])
def test_systemd_understands_the_units(tmp_path: Path, mine: Watch) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    texts = systemd(mine)
    paths = []
    for name, text in texts.items():
        path = tmp_path / Path(name).name
        # it looks whether the program is there
        path.write_text(text.replace(str(mine.program), "/bin/true"))
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "stackctl-" in line]
    assert said == []


@pytest.mark.parametrize("mine", [MINE, ODD])
def test_the_line_of_cron_is_what_a_shell_understands(tmp_path: Path, mine: Watch) -> None:
    (text,) = cron(mine).values()
    line = next(line for line in text.splitlines() if line.startswith("* * * * *"))
    user, _, command = line.removeprefix("* * * * * ").partition(" ")
    assert user == mine.user
    # cron turns \% into %; a bare one would end the command
    assert "%" not in command.replace("\\%", "")
    words = command.replace("\\%", "%").partition(" && ")[2].partition(" >")[0]
    told = subprocess.run(
        ["sh", "-c", f'printf "%s\\n" {words}'], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told[:3] == ["timeout", "--kill-after=30", "900"]
    assert f"STACKCTL_HOME={mine.root}" in told
    assert told[-5:] == [str(mine.program), "verify", "--heal", "--record", "--quiet"]


def test_install_and_remove_with_systemd(booted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.install(dry_run=True, host=booted) == 0
    assert list((booted / UNITS).iterdir()) == []
    assert watch.install(dry_run=False, host=booted) == 0
    units = sorted(path.name for path in (booted / UNITS).glob("stackctl-*"))
    assert units == [
        "stackctl-watch.service",
        "stackctl-watch.timer",
        "stackctl-weights.service",
        "stackctl-weights.timer",
    ]
    wanted = sorted(path.name for path in (booted / UNITS / "timers.target.wants").iterdir())
    assert wanted == ["stackctl-watch.timer", "stackctl-weights.timer"]
    capsys.readouterr()
    assert watch.install(dry_run=False, host=booted) == 0
    assert "there already" in capsys.readouterr().out
    assert watch.remove(dry_run=False, host=booted) == 0
    assert list((booted / UNITS).glob("**/stackctl-*")) == []
    assert watch.remove(dry_run=False, host=booted) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_install_and_remove_with_cron(with_cron: Path) -> None:
    assert watch.install(dry_run=False, host=with_cron) == 0
    file = with_cron / "etc/cron.d/stackctl-watch"
    assert file.stat().st_mode & 0o777 == 0o644
    assert file.read_text().endswith("\n")
    assert watch.remove(dry_run=False, host=with_cron) == 0
    assert not file.exists()


def test_a_host_without_either(tmp_path: Path) -> None:
    with pytest.raises(StackError) as said:
        watch.install(dry_run=False, host=tmp_path)
    assert "neither systemd nor cron" in said.value.message
    assert said.value.fix


def test_two_clones_do_not_watch_one_box(
    booted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watch.install(dry_run=False, host=booted) == 0
    before = (booted / UNITS / "stackctl-watch.service").read_text()
    monkeypatch.setattr(settings, "find_root", lambda: tmp_path)
    for verb in (watch.install, watch.remove):
        with pytest.raises(StackError, match="another clone"):
            verb(dry_run=False, host=booted)
    assert (booted / UNITS / "stackctl-watch.service").read_text() == before


def test_only_root_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "is_root", lambda: False)
    with pytest.raises(StackError) as said:
        watch._need_root(Path("/"), "install")
    assert said.value.fix == "sudo make watch-install"
