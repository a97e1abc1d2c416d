"""`stackctl doctor`: what it prints, what it returns, what it repairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stackctl.checks.doctor import LOOKS, run
from stackctl.commands import doctor, doctor_fix
from stackctl.facts import host as gathering
from stackctl.model import StackError, Unavailable
from stackctl.model.host import NO_RIGHT, HostFacts, Mend, mend_of
from stackctl.system import terminal
from stackctl.system.host import mending
from stackctl.system.host.config import parse
from tests.unit.stackctl.box import MAIN
from tests.unit.stackctl.checks.doctor.hosts import BLIND, engine, guest, host, spec

Seen = pytest.CaptureFixture[str]
PERSISTENCE = {"cards": tuple(replace(card, persistence=False) for card in host().cards)}


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A host to look at; without a terminal."""

    def here(**changes: Any) -> None:
        facts = host(**changes)
        monkeypatch.setattr(gathering, "gather", lambda *_: facts)

    monkeypatch.setattr(terminal, "interactive", lambda: False)
    return here


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Mend]:
    """Repairs are only written down."""
    mended: list[Mend] = []

    def do(mend: Mend) -> str:
        mended.append(mend)
        return ""

    monkeypatch.setattr(mending, "do", do)
    return mended


def answer(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    given = iter(words)

    def ask(_: str) -> str:
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(doctor_fix, "_can_ask", lambda: True)
    monkeypatch.setattr("builtins.input", ask)


def look(**options: bool) -> int:
    return doctor.doctor(**{"fix": False, "yes": False, "as_json": False} | options)


def test_a_healthy_host(box: Callable[..., None], capsys: Seen) -> None:
    box()
    assert look() == 0
    text = capsys.readouterr().out
    for group in dict.fromkeys(look.group for look in LOOKS):
        assert f"{group}\n  ok  " in text
    assert text.endswith(f"{len(LOOKS)} checks, all fine\n")
    assert text.isascii()
    assert max(len(line) for line in text.splitlines()) <= 120


def test_warnings_end_with_0_and_errors_with_1(box: Callable[..., None], capsys: Seen) -> None:
    box(**PERSISTENCE)
    assert look() == 0
    box(engine=engine(guest(MAIN, rules=BLIND)))
    assert look() == 1
    text = capsys.readouterr().out
    assert "\n  ERROR  main: will lose its GPU at the next `systemctl daemon-reload`" in text
    assert "      fix:      stackctl restart main" in text


def test_what_was_left_out_is_told_once(box: Callable[..., None]) -> None:
    down = Unavailable("the Docker daemon is not running", "make setup")
    log = Unavailable("the kernel log is only for root", NO_RIGHT)
    facts = host(engine=down, xids=log, root=False, unread=("the kernel log (gpu.xid)",))
    text = doctor.text(facts, run(LOOKS, facts))
    assert text.count("skipped  ") == 1
    assert "docker.reload, docker.logs" in text
    assert "only for root: the kernel log (gpu.xid): sudo stackctl doctor" in text
    assert text.count("kernel log") == 1


def test_json_has_the_repairs(box: Callable[..., None], capsys: Seen) -> None:
    box(**PERSISTENCE)
    assert look(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    (finding,) = [f for f in told["findings"] if f["severity"] == "warning"]
    assert finding["values"]["mend"]["argv"] == [
        "systemctl",
        "start",
        "nvidia-persistenced.service",
    ]


def test_json_keeps_the_owners_files_to_himself(box: Callable[..., None], capsys: Seen) -> None:
    given = parse('{"proxies": {"https-proxy": "http://ann:pass@proxy"}}')
    given = replace(given, flags=())
    box(engine=engine(guest(MAIN, log_bounded=False)), config=given)
    assert look(as_json=True) == 0
    text = capsys.readouterr().out
    assert "pass@" not in text
    assert '"path": "/etc/docker/daemon.json"' in text


def test_the_list(capsys: Seen) -> None:
    assert doctor.list_looks(as_json=False) == 0
    assert "docker.reload" in capsys.readouterr().out
    assert doctor.list_looks(as_json=True) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [k.id for k in LOOKS]


@pytest.mark.parametrize("options", [{"yes": True}, {"fix": True, "as_json": True}])
def test_options_that_do_not_go_together(options: dict[str, bool]) -> None:
    with pytest.raises(StackError) as error:
        look(**options)
    assert error.value.exit_code == 2


def test_without_a_terminal_nothing_is_done(
    box: Callable[..., None], done: list[Mend], capsys: Seen
) -> None:
    box(**PERSISTENCE)
    assert look(fix=True) == 0
    assert done == []
    text = capsys.readouterr().out
    assert "run:      systemctl start nvidia-persistenced.service" in text
    assert "not done: no terminal to ask on: stackctl doctor --fix --yes" in text
    assert "looked again" not in text


def test_one_by_one(
    box: Callable[..., None], done: list[Mend], capsys: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = engine(guest(MAIN, log_bounded=False, rules=BLIND))
    box(**PERSISTENCE, engine=long)
    answer(monkeypatch, "n", "Y")
    assert look(fix=True) == 1
    assert [mend.path for mend in done] == ["/etc/docker/daemon.json"]
    text = capsys.readouterr().out
    assert '        +    "max-size": "50m",' in text
    assert "not done by stackctl:\n  main: will lose its GPU" in text
    assert "looked again: " in text
    answer(monkeypatch)  # the terminal ends before an answer
    assert look(fix=True) == 1
    assert len(done) == 1


def test_yes_does_all_for_root_and_nothing_for_others(
    box: Callable[..., None], done: list[Mend], capsys: Seen
) -> None:
    box(**PERSISTENCE, root=False)
    assert look(fix=True, yes=True) == 0
    assert done == []
    assert "only root may do it: sudo stackctl doctor --fix" in capsys.readouterr().out
    box(**PERSISTENCE)
    assert look(fix=True, yes=True) == 0
    assert len(done) == 1


def test_a_repair_that_fails_hides_no_other(
    box: Callable[..., None], capsys: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Mend) -> str:
        raise StackError("dockerd ended with 1: no", fix="look")

    monkeypatch.setattr(mending, "do", refuse)
    box(**PERSISTENCE, engine=engine(guest(MAIN, log_bounded=False)))
    assert look(fix=True, yes=True) == 0
    text = capsys.readouterr().out
    assert text.count("FAILED: dockerd ended with 1: no\n    fix: look") == 2
    assert "looked again" not in text


def test_nothing_to_mend(box: Callable[..., None], capsys: Seen) -> None:
    box()
    assert look(fix=True) == 0
    assert capsys.readouterr().out.endswith("\nnothing to mend\n")


def test_two_findings_of_one_repair_ask_once(box: Callable[..., None], done: list[Mend]) -> None:
    stale = spec(versions=("570.1",), majors={"/dev/nvidia-uvm": 1})
    box(specs=(stale,))
    assert look(fix=True, yes=True) == 1
    assert len(done) == 1


def test_no_part_of_a_mend_is_forbidden() -> None:
    """Drivers, reboots, firewalls, restarts of Docker: never by --fix."""
    bad = HostFacts()
    assert run(LOOKS, bad)
    words = " ".join(
        " ".join(mend.argv)
        for facts in (host(**PERSISTENCE), host(engine=engine(guest(MAIN, log_bounded=False))))
        for finding in run(LOOKS, facts)
        if (mend := mend_of(finding))
    )
    for never in ("apt", "reboot", "ufw", "iptables", "docker.service", "kill", "rm "):
        assert never not in words
