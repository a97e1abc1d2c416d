"""What the looks at models come to: who is at fault, and what to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.checks import run
from stackctl.checks.models import CHECKS
from stackctl.model import (
    BadLock,
    Damage,
    DamagedModel,
    Finding,
    MissingModel,
    Phase,
    Severity,
    UnsureModel,
)
from tests.unit.stackctl.box import CODER, HEALTHY, MAIN

BOTH = (Phase.PREFLIGHT, Phase.RUNNING)


def findings(phase: Phase = Phase.PREFLIGHT, **changes: object) -> tuple[Finding, ...]:
    facts = replace(HEALTHY, planned=(MAIN, CODER), **changes)  # type: ignore[arg-type]
    return run(CHECKS, facts, phase)


def test_nothing_is_said_of_models_that_are_fine() -> None:
    assert [findings(phase) for phase in BOTH] == [(), ()]


def test_a_model_that_is_missing() -> None:
    (found,) = findings(missing_models=(MissingModel("main", "/srv/m.gguf", "fetch it"),))
    assert (found.check, found.subject, found.fix) == ("model.present", "main", "fetch it")
    assert "never downloaded" in found.cause


@pytest.mark.parametrize("phase", BOTH)
def test_a_model_of_which_a_part_is_missing(phase: Phase) -> None:
    names = tuple(f"{n}.safetensors" for n in range(5))
    lacking = MissingModel("main", "/srv/0.safetensors", "stackctl models pull main", names)
    (found,) = findings(phase, missing_models=(lacking,))
    assert found.summary == "its model is not there: /srv/0.safetensors and 4 more"
    assert found.evidence.endswith("2.safetensors and 2 more")
    assert "in part" in found.cause


@pytest.mark.parametrize(
    ("damage", "check", "word"),
    [
        (Damage.STRUCTURE, "model.whole", "broke off"),
        (Damage.HASH, "model.hash", "this disk's copy is bad"),
        (Damage.UNSTATED, "model.hash", "nobody knows"),
        (Damage.DISK, "model.readable", "the disk has errors"),
        (Damage.RIGHTS, "model.readable", "no right"),
        (Damage.PUBLISHER, "model.published", "so there as well"),
    ],
)
@pytest.mark.parametrize("phase", BOTH)
def test_damage_is_an_error_before_up_and_in_verify(
    phase: Phase, damage: Damage, check: str, word: str
) -> None:
    problems = tuple(f"{n}.safetensors: cut" for n in range(5))
    broken = DamagedModel("coder", "/srv/m", problems, "stackctl models repair coder", damage)
    (found,) = findings(phase, damaged_models=(broken,))
    assert (found.check, found.severity) == (check, Severity.ERROR)
    assert (found.subject, found.fix) == ("coder", "stackctl models repair coder")
    assert "/srv/m" in found.summary
    assert found.evidence.endswith("2.safetensors: cut and 2 more")
    assert word in found.cause


def test_a_change_is_a_warning_in_verify_and_no_obstacle_for_up() -> None:
    unsure = UnsureModel("main", "/srv/m.gguf", ("m.gguf",), "stackctl models verify main")
    (found,) = findings(Phase.RUNNING, unsure_models=(unsure,))
    assert (found.check, found.severity) == ("model.unsure", Severity.WARNING)
    assert found.fix == "stackctl models verify main"
    assert findings(Phase.PREFLIGHT, unsure_models=(unsure,)) == ()


def test_a_lock_that_cannot_be_read() -> None:
    bad = BadLock("main", "models.lock, line 3: not JSON", "restore it")
    for phase in BOTH:
        (found,) = findings(phase, bad_locks=(bad,))
        assert (found.check, found.severity, found.fix) == (
            "model.lock",
            Severity.ERROR,
            "restore it",
        )
