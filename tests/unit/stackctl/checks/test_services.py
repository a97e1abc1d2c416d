"""docker.*, host.*, model.present and service.*: healthy is fine, each fault is found."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from stackctl.checks import CHECKS, daemon, models, run, way, worst
from stackctl.model import (
    Check,
    Daemon,
    Explanation,
    Facts,
    Finding,
    MissingModel,
    Phase,
    Progress,
    Served,
    Severity,
    Space,
    Unavailable,
)
from tests.failures_page import MARK
from tests.unit.stackctl.box import (
    EMPTY,
    HEALTHY,
    MAIN,
    ROOT,
    SERVICES,
    bad,
    findings,
    only,
    with_service,
)


@pytest.mark.parametrize(("facts", "phase"), [(HEALTHY, Phase.RUNNING), (EMPTY, Phase.PREFLIGHT)])
def test_a_healthy_box_is_fine(facts: Facts, phase: Phase) -> None:
    assert {f.severity for f in run(CHECKS, facts, phase)} == {Severity.OK}
    assert bad(facts, phase) == ()


def test_every_check_that_is_asked_has_something_to_say_of_a_healthy_box() -> None:
    told = {f.check for f in run(CHECKS, HEALTHY, Phase.RUNNING)}
    told |= {f.check for f in run(CHECKS, EMPTY, Phase.PREFLIGHT)}
    silent = {"gpu.exists", "gpu.xid", "host.port", "host.disk", "host.kernel", "service.there"}
    silent |= {
        "gpu.cuda",
        "gateway.reaches",
        "gateway.tls",
        "service.log",
        "tools.emulated",
        *(c.id for c in (*models.CHECKS, *way.CHECKS)),
    }
    assert told | silent == {c.id for c in CHECKS}


#: no checks: findings of what `verify --record` and `heal` do themselves
WATCH = {
    "alert.channel",
    "alert.ping",
    "heal.breaker",
    "history.settings",
    "history.store",
    "metrics.file",
    "net.forward",
}


def test_ids_are_unique_and_every_one_is_a_heading_of_the_troubleshooting_page() -> None:
    ids = [c.id for c in CHECKS]
    assert len(ids) == len(set(ids))
    by_hand, _, _ = (ROOT / "docs" / "troubleshooting.md").read_text().partition(MARK)
    lines = by_hand.splitlines()
    headings = {line.removeprefix("## ").strip() for line in lines if line.startswith("## ")}
    assert headings == {*ids, *WATCH}


def test_a_box_without_driver_never_verifies_green() -> None:
    facts = replace(HEALTHY, driver=Unavailable("Driver Not Loaded", "nvml:9"))
    found = run(CHECKS, facts, Phase.RUNNING)
    assert worst(found) is Severity.ERROR
    assert only(facts).check == "gpu.driver"
    assert "modprobe nvidia" in only(facts).fix
    skipped = {f.check for f in found if f.severity is Severity.SKIPPED}
    assert {"gpu.health", "gpu.xid", "gpu.exists", "gpu.assigned", "gpu.room"} <= skipped
    assert "engine.on-gpu" not in {f.check for f in found if f.severity is Severity.OK}


def test_a_box_without_daemon_never_verifies_green() -> None:
    gone = Unavailable("the Docker daemon is not running", "make setup")
    facts = replace(HEALTHY, daemon=gone, observed=())
    found = only(facts)
    assert (found.check, found.fix) == ("docker.daemon", "make setup")
    (skipped,) = findings("service.running", facts)
    assert skipped.severity is Severity.SKIPPED
    assert "not running" in skipped.summary


def test_a_box_of_which_nothing_was_asked_is_not_green() -> None:
    assert worst(run(CHECKS, Facts(), Phase.RUNNING)) is Severity.ERROR
    assert worst(run(CHECKS, Facts(), Phase.PREFLIGHT)) is Severity.ERROR


def test_a_crashing_check_is_a_finding_and_the_others_go_on() -> None:
    def broken(_facts: Facts) -> tuple[Finding, ...]:
        raise ZeroDivisionError("oh")

    checks = (Check("x.broken", "Broken", Phase.BOTH, broken), *CHECKS)
    first, *rest = run(checks, HEALTHY, Phase.RUNNING)
    assert (first.check, first.severity) == ("x.broken", Severity.ERROR)
    assert "ZeroDivisionError: oh" in first.summary
    assert first.fix
    assert len(rest) == len(run(CHECKS, HEALTHY, Phase.RUNNING))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v2.40.3+dfsg", (2, 40, 3)),
        ("28.5.2+dfsg4", (28, 5, 2)),
        ("29.0.0-rc.1", (29, 0, 0)),
        ("2.40.3-3", (2, 40, 3)),
        ("", ()),
        ("dev", ()),
    ],
)
def test_versions(text: str, numbers: tuple[int, ...]) -> None:
    assert daemon.version(text) == numbers


@pytest.mark.parametrize(("version", "fine"), [("28.2.0", True), ("28.1.9", False), ("29", True)])
def test_docker_version(version: str, fine: bool) -> None:
    facts = replace(HEALTHY, daemon=Daemon(version))
    assert (bad(facts) == ()) is fine
    if not fine:
        assert (only(facts).check, only(facts).fix) == ("docker.daemon", "make setup")


@pytest.mark.parametrize(("version", "fine"), [("2.24.4", True), ("v2.24.3", False)])
def test_compose_version(version: str, fine: bool) -> None:
    facts = replace(EMPTY, compose=version)
    assert (bad(facts, Phase.PREFLIGHT) == ()) is fine


def test_compose_missing() -> None:
    facts = replace(EMPTY, compose=Unavailable("docker compose is not installed"))
    assert only(facts, Phase.PREFLIGHT).check == "docker.compose"


def test_a_taken_port() -> None:
    facts = replace(EMPTY, port_holders={8001: "nginx (pid 812)"})
    found = only(facts, Phase.PREFLIGHT)
    assert (found.check, found.subject) == ("host.port", "main")
    assert "8001" in found.summary
    assert "nginx (pid 812)" in found.summary
    assert "MAIN_PORT" in found.fix


def test_a_port_held_by_our_own_container_is_free() -> None:
    ours = replace(HEALTHY, planned=SERVICES, port_holders={8001: "container stackctl-main-1"})
    assert bad(ours, Phase.PREFLIGHT) == ()
    other = replace(ours, port_holders={8001: "container other-main-1"})
    assert only(other, Phase.PREFLIGHT).check == "host.port"


def test_one_port_for_two_services() -> None:
    same = replace(MAIN, name="coder", role="coder", gpus=SERVICES[1].gpus, vram_mib=15700)
    facts = replace(EMPTY, planned=(MAIN, same))
    found = only(facts, Phase.PREFLIGHT)
    assert "also given to main" in found.summary
    assert "CODER_PORT" in found.fix


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.RUNNING])
def test_a_full_disk(phase: Phase) -> None:
    start = EMPTY if phase is Phase.PREFLIGHT else HEALTHY
    facts = replace(start, space=(Space("/var/lib/docker", 2047), Space("/srv", 2048)))
    found = only(facts, phase)
    assert (found.check, found.values["path"]) == ("host.disk", "/var/lib/docker")


def test_a_missing_model() -> None:
    missing = MissingModel("main", "/srv/models/x.gguf", "put it there")
    found = only(replace(EMPTY, missing_models=(missing,)), Phase.PREFLIGHT)
    assert (found.check, found.subject, found.fix) == ("model.present", "main", "put it there")
    assert "/srv/models/x.gguf" in found.summary


def test_no_container_at_all() -> None:
    found = only(replace(HEALTHY, observed=()))
    assert (found.check, found.fix) == ("service.running", "make up")


CAUSE = Explanation("ValueError: Free memory on device cuda:0 ...", "taken", "stop the other")


@pytest.mark.parametrize(
    ("changes", "summary", "fix"),
    [
        ({"state": "exited", "exit_code": 1}, "is exited, exit code 1", "stackctl up main"),
        ({"state": "created"}, "was never started", "stackctl up main"),
        ({"state": "restarting", "exit_code": 2}, "restarting, exit code 2", "stackctl up main"),
        ({"state": "dead", "exit_code": 0}, "is dead", "stackctl up main"),
        ({"state": "paused"}, "is paused", "stackctl up main"),
        ({"state": "exited", "exit_code": 137}, "killed (exit code 137)", "free -h"),
        ({"state": "exited", "oom_killed": True}, "out of memory", "free -h"),
        ({"oom_killed": True}, "out of memory", "free -h"),
        ({"restarts": 3}, "restarted 3 times", "stackctl logs main"),
    ],
)
def test_a_container_that_does_not_run(changes: dict[str, object], summary: str, fix: str) -> None:
    found = only(with_service("main", **changes))
    assert (found.check, found.severity, found.subject) == (
        "service.running",
        Severity.ERROR,
        "main",
    )
    assert summary in found.summary
    assert fix in found.fix


def test_the_known_cause_is_told() -> None:
    facts = with_service("main", state="exited", exit_code=1, explanations=(CAUSE,))
    found = only(facts)
    assert (found.evidence, found.cause, found.fix) == (CAUSE.line, CAUSE.cause, CAUSE.fix)


def test_programs_are_told_the_entry_of_the_catalogue() -> None:
    known = replace(CAUSE, id="gpu-memory-taken")
    for changes in ({"state": "exited", "exit_code": 1, "explanations": (known,)}, LOADING):
        found = only(with_service("main", **{"explanations": (known,), **changes}))
        assert found.values["failure"] == "gpu-memory-taken"
    assert only(with_service("main", state="exited", exit_code=1)).values["failure"] == ""


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"state": "created"}, "nothing has started it"),
        ({"state": "exited"}, "was stopped"),
        ({"state": "exited", "exit_code": 143}, "was stopped"),
        ({"state": "exited", "exit_code": 3}, "unknown"),
        ({"state": "restarting"}, "unknown"),
    ],
)
def test_an_end_without_any_error(changes: dict[str, object], cause: str) -> None:
    found = only(with_service("main", last_line="no such luck", **changes))
    assert cause in found.cause
    assert found.evidence == "no such luck"


@pytest.mark.parametrize("restarts", [1, 7])
def test_why_it_ended_before_docker_started_it_again(restarts: int) -> None:
    found = only(with_service("main", restarts=restarts, died=(CAUSE,), last_line="all is well"))
    assert (found.evidence, found.cause) == (CAUSE.line, CAUSE.cause)
    assert found.fix == f"{CAUSE.fix}; stackctl restart main sets the count back"
    unknown = only(with_service("main", restarts=restarts, last_line="all is well"))
    assert unknown.evidence == ""


def test_the_last_line_of_one_that_was_killed_is_no_reason() -> None:
    found = only(with_service("main", state="exited", exit_code=137, last_line="all is well"))
    assert found.evidence == "last line: all is well"


def test_dockers_own_error_is_evidence() -> None:
    error = "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7"
    assert only(with_service("main", state="created", error=error)).evidence == error


@pytest.mark.parametrize(("restarts", "word"), [(1, "once"), (2, "2 times")])
def test_few_restarts_are_a_warning(restarts: int, word: str) -> None:
    found = only(with_service("main", restarts=restarts))
    assert (found.severity, found.check) == (Severity.WARNING, "service.running")
    assert word in found.summary


REFUSED = Unavailable("http://127.0.0.1:8001 refuses the connection", "refused")


LOADING = {
    "ready": REFUSED,
    "proof": Unavailable("no line", "no-proof"),
    "progress": Progress("starting"),
}


def test_an_engine_that_loads_is_a_warning() -> None:
    facts = with_service(
        "main",
        ready=REFUSED,
        proof=Unavailable("no line", "no-proof"),
        progress=Progress("loading weights", 40),
        started_at=time.time() - 30,
    )
    found = only(facts)
    assert (found.check, found.severity) == ("service.ready", Severity.WARNING)
    assert "loading weights, 40 %" in found.summary


@pytest.mark.parametrize(
    "changes",
    [
        {"started_at": time.time() - 7200},
        {"started_at": time.time(), "explanations": (CAUSE,)},
        {"started_at": time.time(), "progress": Progress("loaded", 100)},
    ],
)
def test_an_engine_that_hangs_is_an_error(changes: dict[str, object]) -> None:
    lacking = Unavailable("no line", "no-proof")
    start = {"ready": REFUSED, "proof": lacking, "progress": Progress("starting")}
    found = only(with_service("main", **{**start, **changes}))
    assert (found.check, found.severity) == ("service.ready", Severity.ERROR)
    assert "refuses the connection" in found.summary
    assert found.cause


def test_another_model_than_promised() -> None:
    found = only(with_service("main", served=Served(("llama",), 131072)))
    assert found.check == "service.model"
    assert "model-of-main" in found.summary
    assert "llama" in found.evidence
    assert "MAIN_MODEL" in found.fix


def test_a_shorter_context_than_promised() -> None:
    found = only(with_service("main", served=Served(("model-of-main",), 4096)))
    assert found.check == "service.context"
    assert "4096" in found.summary
    assert "131072" in found.summary
    assert "MAIN_CONTEXT" in found.fix


def test_a_longer_context_is_fine_and_an_untold_one_is_not_judged() -> None:
    assert bad(with_service("main", served=Served(("model-of-main",), 262144))) == ()
    untold = with_service("main", served=Served(("model-of-main",), None))
    found = [f for f in findings("service.context", untold) if f.subject == "main"]
    assert [f.severity for f in found] == [Severity.SKIPPED]


def test_no_answer() -> None:
    found = only(with_service("main", answer=Unavailable("no answer within 120 s", "timeout")))
    assert found.check == "service.answer"
    assert "within 120 s" in found.summary
    assert found.cause.startswith("unknown")
    failed = Unavailable("/v1/chat/completions answers 500", "http:500")
    found = only(with_service("main", answer=failed, explanations=(CAUSE,)))
    assert (found.evidence, found.cause, found.fix) == (CAUSE.line, CAUSE.cause, CAUSE.fix)


def test_long_answers_are_cut_and_unasked_ones_not_judged() -> None:
    (long,) = [
        f
        for f in findings("service.answer", with_service("main", answer="x" * 100))
        if f.subject == "main"
    ]
    assert len(long.summary) < 80
    none = findings("service.answer", with_service("main", answer=None))
    assert "main" not in {f.subject for f in none}


@pytest.mark.parametrize(
    ("title", "version", "summary"),
    [("vLLM", "0.32.0", "ready (vLLM 0.32.0)"), ("whisper.cpp", "", "ready"), ("", "", "ready")],
)
def test_a_ready_engine_tells_its_version(title: str, version: str, summary: str) -> None:
    facts = with_service("coder", title=title, version=version)
    (found,) = (f for f in findings("service.ready", facts) if f.subject == "coder")
    assert found.severity is Severity.OK
    assert found.summary == summary
    assert found.values == {"engine": "ollama", "version": version}
