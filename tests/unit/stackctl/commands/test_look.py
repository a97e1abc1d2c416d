"""A look at what runs while somebody else works on it."""

from __future__ import annotations

from dataclasses import replace

from stackctl.commands.look import aside, judge
from stackctl.model import Severity
from tests.unit.stackctl.box import HEALTHY

SEEN = HEALTHY.observed[1]
NAME = SEEN.service.name
GONE = replace(
    HEALTHY, observed=(replace(SEEN, container=replace(SEEN.container, state="exited")),)
)


def test_of_a_role_that_is_tuned_nothing_is_said() -> None:
    seen = judge(GONE)
    assert seen.failed
    told = aside(seen, f"`stackctl tune {NAME}` (pid 1, since 10:00:00)")
    assert not told.failed
    (line,) = [f for f in told.findings if (f.subject, f.severity) == (NAME, Severity.OK)]
    assert "tuned" in line.summary
    others = [f for f in seen.findings if f.subject != NAME]
    assert [f for f in told.findings if f.subject != NAME] == others


def test_of_all_others_everything() -> None:
    seen = judge(GONE)
    for holder in ("", "`stackctl up` (pid 1, since 10:00:00)", f"`stackctl tune {NAME}2` (pid 1)"):
        assert aside(seen, holder) == seen


def test_where_several_projects_run() -> None:
    other = replace(SEEN, container=replace(SEEN.container, project="other", name="other-1"))
    seen = judge(replace(GONE, observed=(*GONE.observed, other)))
    told = aside(seen, f"`stackctl tune {NAME}` (pid 1)")
    assert not [f for f in told.findings if f.severity is Severity.ERROR]
