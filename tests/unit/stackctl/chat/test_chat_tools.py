"""Two harmless tools: what a model writes must not harm, nor take for ever."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.chat.calculator import CannotCompute, compute
from stackctl.chat.tools import CALCULATOR, OFFERED, TIME, use

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=9)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * (3 + 4) ** 2", 98),
        ("2^10", 1024),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("sqrt(16) + abs(-1) + round(1.4)", 6.0),
        (" 6 \u00d7 7 ", 42),
        ("1 / 4", 0.25),
        ("(-8) ** 3", -512),
    ],
)
def test_compute(text: str, value: float) -> None:
    assert compute(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "1 / 0",
        "9 ** 9 ** 9",
        "10 ** -100000",
        "2.0 ** 100000",
        "1e308 * 10",
        "1e999",
        "(-8) ** 0.5",
        "sqrt(-1)",
        "0 ** -1",
        "__import__('os').system('true')",
        "().__class__",
        "[1, 2]",
        "'a' * 9",
        "True + 1",
        "x",
        "1 if 1 else 2",
        "round(1.5, 2)",
        "3j",
        "1\x00",
        "(" * 150 + "1" + ")" * 40,
        "1" * 201,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(CannotCompute):
        compute(text)


@given(st.text("0123456789+-*/%^(). e", max_size=60))
def test_anything_ends(text: str) -> None:
    try:
        str(compute(text))
    except CannotCompute:
        return


def test_offered_and_used() -> None:
    assert [tool["function"]["name"] for tool in OFFERED] == [TIME, CALCULATOR]
    assert use(TIME, "", NOW) == "Friday 2026-01-02T03:04:05+09:00 (UTC: 2026-01-01 18:04:05)"
    assert use(CALCULATOR, '{"expression": "6*7"}', NOW) == "42"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("nosuch", "{}"),
        (CALCULATOR, "{"),
        (CALCULATOR, "[]"),
        (CALCULATOR, json.dumps({"expression": 7})),
        (CALCULATOR, json.dumps({"expression": "x"})),
        (CALCULATOR, "[" * 100_000),
    ],
)
def test_a_wrong_call_is_a_result(name: str, arguments: str) -> None:
    assert use(name, arguments, NOW).startswith("error: ")
