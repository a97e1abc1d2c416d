"""Findings as text and JSON: what the owner reads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from stackctl import report
from stackctl.checks import CHECKS, run
from stackctl.model import Finding, Phase, Severity, Unavailable
from tests.unit.stackctl.box import HEALTHY, ROOT, with_service
from tests.unit.stackctl.test_compose import same_as_golden

OK = Finding("service.ready", Severity.OK, "main", "ready")
BAD = Finding(
    "engine.on-gpu",
    Severity.ERROR,
    "coder",
    "only 17 of 25 layers are on the GPU",
    evidence="offloaded 17/25 layers to GPU",
    cause="the rest did not fit",
    fix="stackctl restart coder",
    values={"layers": (17, 25)},
)
WARNING = replace(BAD, severity=Severity.WARNING, subject="main", evidence="")


def test_a_problem_says_what_where_why_and_what_to_type() -> None:
    assert report.problem(BAD).splitlines() == [
        "ERROR  coder: only 17 of 25 layers are on the GPU  [engine.on-gpu]",
        "    evidence: offloaded 17/25 layers to GPU",
        "    cause:    the rest did not fit",
        "    fix:      stackctl restart coder",
    ]
    assert "evidence" not in report.problem(WARNING)


def test_evidence_of_several_lines_stays_in_its_column() -> None:
    lines = report.problem(replace(BAD, evidence="one\n  two\nthree")).splitlines()
    assert lines[1:4] == ["    evidence: one", "                two", "              three"]


def test_what_is_fine_of_a_subject_with_a_problem_is_left_out() -> None:
    text = report.text([OK, replace(OK, subject="coder"), BAD])
    assert text.splitlines()[0] == "ok  main   ready"
    assert "coder  ready" not in text
    assert report.text([]) == ""


def test_colour_only_where_asked() -> None:
    assert "\x1b" not in report.text([OK, BAD])
    assert "\x1b[1;31mERROR\x1b[0m" in report.text([BAD], colour=True)


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([OK, OK], "2 checks, all fine"),
        ([OK, BAD], "1 fine, 0 warnings, 1 error"),
        ([WARNING, WARNING], "0 fine, 2 warnings, 0 errors"),
        ([WARNING, BAD, BAD], "0 fine, 1 warning, 2 errors"),
    ],
)
def test_summary(findings: list[Finding], line: str) -> None:
    assert report.summary(findings) == line


def test_json_keeps_values_as_fields() -> None:
    found = json.loads(report.as_json([BAD], ok=False, simulated=True))
    assert (found["ok"], found["simulated"]) == (False, True)
    assert found["findings"][0]["severity"] == "error"
    assert found["findings"][0]["values"] == {"layers": [17, 25]}


def test_table() -> None:
    assert report.table(("A", "LONG"), [("xyz", "1"), ("", "")]) == "A    LONG\nxyz  1\n"


@pytest.mark.parametrize(
    ("used", "total", "bar"),
    [
        (0, 100, "[----------]"),
        (50, 100, "[#####-----]"),
        (200, 100, "[##########]"),
        (0, 0, "[----------]"),
    ],
)
def test_bar(used: float, total: float, bar: str) -> None:
    assert report.bar(used, total, 10) == bar


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (11400, "3h 10m"), (187200, "2d 4h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert report.duration(seconds) == text


def test_the_whole_report_as_the_owner_reads_it() -> None:
    broken = with_service("main", inside=Unavailable("Failed to initialize NVML: Unknown Error"))
    texts = []
    for facts in (HEALTHY, broken):
        findings = run(CHECKS, facts, Phase.RUNNING)
        texts.append(report.text(findings) + "\n\n" + report.summary(findings) + "\n")
    same_as_golden(ROOT / "tests/golden/report.txt", "\n======\n\n".join(texts))
    assert all(text.isascii() for text in texts)
    assert report.SIMULATION.isascii()
