"""What is typed after `stackctl keys`."""

from __future__ import annotations

import argparse
import time

import pytest

from stackctl.cli import gateway, run

DAY = 86400.0


def test_limits() -> None:
    assert gateway.limit("60") == 60
    assert gateway.limit("none") is None


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "1e3", "٣", "1000001"])
def test_no_limits(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no limit"):
        gateway.limit(text)


def test_models() -> None:
    assert gateway.models("coder,,main,coder") == ("coder", "main")
    assert gateway.models("all") == ()
    with pytest.raises(argparse.ArgumentTypeError, match="names no model"):
        gateway.models(",")


def test_spans_and_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        now = time.mktime((2027, 3, 27, 12, 0, 0, 0, 0, -1))
        monkeypatch.setattr(time, "time", lambda: now)
        assert gateway.moment("never") is None
        assert gateway.moment("12h") == now + 12 * 3600
        assert gateway.moment("30d") == now + 30 * DAY
        # to the end of that day, also of one with 23 hours
        assert gateway.moment("2027-03-27") == now + DAY / 2
        assert gateway.moment("2027-03-28") == now + DAY / 2 + DAY - 3600
        assert gateway.moment("2027-12-31") == time.mktime((2028, 1, 1, 0, 0, 0, 0, 0, -1))
        for text, why in (
            ("2027-03-26", "over already"),
            ("2027-02-30", "no date"),
            ("0000-01-01", "no date"),
            ("tomorrow", "2027-01-31"),
        ):
            with pytest.raises(argparse.ArgumentTypeError, match=why):
                gateway.moment(text)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "argv",
    [
        ["keys"],
        ["keys", "add"],
        ["keys", "add", "a", "--priority", "urgent"],
        ["keys", "add", "a", "--expires", "2020-01-01"],
        ["keys", "rotate", "a", "--keep", "soon"],
        ["keys", "revoke"],
    ],
)
def test_mistakes_are_told(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(argv)
    assert ended.value.code == 2
    assert "usage: stackctl keys" in capsys.readouterr().err
