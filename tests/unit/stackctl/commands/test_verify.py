"""Several stacks on one box are told apart."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from stackctl.commands import look
from stackctl.commands.look import judge
from stackctl.model import Facts, Severity
from tests.unit.stackctl.box import DRIVER, HEALTHY, gpu, with_service


def two_projects() -> Facts:
    second = tuple(
        replace(o, container=replace(o.container, id=o.container.id[::-1], project="second"))
        for o in HEALTHY.observed
        if o.service.name == "coder"
    )
    return replace(HEALTHY, observed=HEALTHY.observed + second)


@pytest.mark.parametrize(("age", "looks"), [(5, 2), (3600, 1)])
def test_the_driver_may_be_a_moment_behind_an_engine_that_has_just_started(
    monkeypatch: pytest.MonkeyPatch, age: int, looks: int
) -> None:
    began = time.time() - age
    facts = with_service("coder", started_at=began)
    silent = replace(DRIVER, gpus=tuple(gpu(i) for i in range(4)))
    seen = [judge(replace(facts, driver=silent)), judge(facts)]
    asked = iter(seen)
    monkeypatch.setattr(look, "_look", lambda *_words: next(asked))
    monkeypatch.setattr(look, "_PAUSE", 0)
    assert look.look((), None) is seen[looks - 1]


def test_one_project_is_not_named() -> None:
    assert {f.subject for f in judge(HEALTHY).findings} >= {"main", "coder"}


def test_services_of_two_projects_are_named_apart() -> None:
    first = HEALTHY.observed[0].container.project
    subjects = {f.subject for f in judge(two_projects()).findings}
    assert subjects >= {f"{first}/coder", "second/coder", f"{first}/main"}
    assert "coder" not in subjects


def test_fixes_are_typed_without_the_project() -> None:
    found = judge(two_projects()).findings
    errors = [f for f in found if f.severity is Severity.ERROR]
    assert errors
    assert all("second/" not in f.fix for f in errors)


def test_room_counts_both_projects() -> None:
    facts = two_projects()
    heavy = tuple(
        replace(o, service=replace(o.service, vram_mib=30000)) if o.service.name == "coder" else o
        for o in facts.observed
    )
    found = [f for f in judge(replace(facts, observed=heavy)).findings if f.check == "gpu.room"]
    (full,) = [f for f in found if f.severity is Severity.ERROR]
    assert full.subject == "GPU 3"
    assert "second/coder" in full.evidence
