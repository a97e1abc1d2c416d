"""When a finding becomes an incident, and when that is over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.model import Finding, Severity
from stackctl.watch import incidents
from stackctl.watch.alerts import HOUR
from tests.unit.stackctl.watch.simulated import (
    MINUTE,
    ROLES,
    START,
    Simulation,
    box,
    error,
    fine,
    skipped,
)


def runs(*findings: list[Finding]) -> Simulation:
    simulation = Simulation()
    for number, found in enumerate(findings):
        simulation.now = START + number * MINUTE
        simulation.run(found)
    return simulation


def test_a_blip_is_none() -> None:
    assert not runs([error("main")], [fine("main")], [error("main")], [fine("main")]).all


def test_two_in_a_row_are_one_and_its_start_is_that_of_the_first() -> None:
    simulation = runs([fine("main")], [error("main", cause="no memory")], [error("main")])
    (incident,) = simulation.open
    assert incident.started == START + MINUTE
    assert incident.summary == "main does not answer"


def test_it_is_over_when_it_was_gone_twice_and_ended_the_first_time() -> None:
    simulation = runs(
        *[[error("main")]] * 3, [fine("main")], [error("main")], *[[fine("main")]] * 2
    )
    (incident,) = simulation.all.values()
    assert incident.ended == START + 5 * MINUTE


def test_what_could_not_be_checked_is_not_gone() -> None:
    blind = [skipped("service.answers", "daemon")]
    simulation = runs(*[[error("main")]] * 2, *[blind] * 5)
    assert len(simulation.open) == 1


def test_what_is_skipped_for_another_service_is_gone() -> None:
    other = [skipped("service.answers", "coder")]
    assert not runs(*[[error("main")]] * 2, *[other] * 2).open


def test_a_run_that_saw_nothing_ends_nothing() -> None:
    nothing = [skipped(incidents.EVERYTHING, "daemon"), error("docker", "docker.daemon")]
    simulation = runs(*[[error("main")]] * 2, *[nothing] * 3)
    assert {i.subject for i in simulation.open} == {"main", "docker"}


def test_a_streak_goes_on_over_a_run_that_could_not_look() -> None:
    blind = [skipped("service.answers", "daemon")]
    (incident,) = runs([error("main")], blind, [error("main")]).open
    assert incident.started == START


def test_warnings_are_none_but_where_wanted() -> None:
    def warning(check: str) -> Finding:
        return Finding(check, Severity.WARNING, "x", "hm")

    assert not runs(*[[warning("gpu.room")]] * 3).all
    assert runs(*[[warning("heal.breaker")]] * 3).all


def test_it_gets_worse_and_explained_later() -> None:
    mild = Finding("heal.breaker", Severity.WARNING, "main", "hm")
    bad = Finding("heal.breaker", Severity.ERROR, "main", "dead", cause="because")
    (incident,) = runs([mild], [mild], [bad]).open
    assert (incident.severity, incident.summary) == (Severity.ERROR, "dead")
    assert incident.cause == "because"


def test_what_was_changed_is_kept_with_it() -> None:
    watch, found = incidents.Watch(), [error("main")]
    for _ in range(2):
        step = incidents.step(watch, (), found, START, changed=("driver: 1 -> 2",))
        watch = step.watch
    assert step.opened[0].changed == ("driver: 1 -> 2",)


def test_a_damaged_state_begins_anew() -> None:
    for text in ("", "{", "[]", '{"seen": [1]}', '{"seen": {"a": 1}}', "null"):
        assert incidents.load(text, 7) == incidents.Watch(last_id=7)


RUN = st.tuples(
    st.lists(st.sampled_from(ROLES), unique=True),
    st.booleans(),  # is the channel up
    st.sampled_from([0.0, 1.0, MINUTE, HOUR, 9 * HOUR, 1e9, -MINUTE, -9 * HOUR, -1e9]),
)


@settings(deadline=None)
@given(st.lists(RUN, max_size=60))
def test_whatever_happens_each_is_opened_once_and_told_once(script: list[tuple]) -> None:  # type: ignore[type-arg]
    simulation = Simulation()
    for broken, up, passed in script:
        simulation.now += passed
        simulation.up = up
        simulation.run(box(broken))
        keys = [(i.check, i.subject) for i in simulation.open]
        assert len(keys) == len(set(keys))
        assert all(i.ended is None or i.ended >= i.started for i in simulation.all.values())
    simulation.up = True
    for _ in range(4):
        simulation.now += 2 * HOUR
        simulation.run(box([]))
    assert not simulation.open
    for incident in simulation.all.values():
        words = [word for word in simulation.words(incident.id) if word != "still"]
        assert words in (["opened", "gone"], ["was"])
