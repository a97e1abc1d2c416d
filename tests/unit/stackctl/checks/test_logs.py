"""Logs that nobody can read, and logs without an end."""

from __future__ import annotations

from dataclasses import replace

from stackctl.model import Container, Facts, Severity, Unavailable
from tests.unit.stackctl.box import CODER, HEALTHY, container, findings, only, with_service

SILENT = "Docker: configured logging driver does not support reading"
NOTHING = Unavailable("the log has no line that says where the model was loaded", "no-proof")


def unread(**changes: object) -> Facts:
    mute = {"unread": SILENT, "log_driver": "none", "proof": NOTHING, "vram_mib": 8000}
    return with_service("coder", **mute, **changes)


def test_a_log_that_cannot_be_read_is_no_proof_of_the_contrary() -> None:
    found = only(unread())
    assert (found.check, found.severity, found.subject) == (
        "service.log",
        Severity.WARNING,
        "coder",
    )
    assert found.evidence == SILENT
    assert "none" in found.cause
    assert "stackctl restart coder" in found.fix
    (proof,) = [f for f in findings("engine.on-gpu", unread()) if f.subject == "coder"]
    assert proof.severity is Severity.OK
    assert "by the driver's word alone" in proof.summary


def test_the_driver_may_speak_against_it_all_the_same() -> None:
    facts = unread()
    driver = HEALTHY.driver
    assert not isinstance(driver, Unavailable)
    gpus = tuple(replace(g, processes=()) if g.index == 3 else g for g in driver.gpus)
    facts = replace(facts, driver=replace(driver, gpus=gpus))
    (proof,) = [f for f in findings("engine.on-gpu", facts) if f.subject == "coder"]
    assert proof.severity is Severity.ERROR


def test_a_log_that_can_be_read_and_proves_nothing_is_an_error_as_ever() -> None:
    assert only(with_service("coder", proof=NOTHING)).check == "engine.on-gpu"


def test_why_it_ended_is_not_said_to_be_in_a_log_that_nobody_can_read() -> None:
    facts = unread(state="exited", exit_code=1)
    (found,) = [f for f in findings("service.running", facts) if f.subject == "coder"]
    assert SILENT in found.cause
    assert "names no error" not in found.cause


def test_a_log_without_an_end() -> None:
    found = only(with_service("main", log_driver="json-file", log_bounded=False))
    assert (found.check, found.subject) == ("service.log", "main")
    assert "without max-size" in found.evidence


def test_since_is_on_the_clock_as_it_is_now() -> None:
    made: Container = container(CODER, started_at=5000.0)
    assert made.since == 5000.0
    assert replace(made, began=9000.0).since == 9000.0
