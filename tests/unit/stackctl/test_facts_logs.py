"""Why a container ended, or gives no answer: from the daemon's error, its log, its last life."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackctl.facts import died, first_error, logs, observe, refused
from stackctl.model import Container, Observed, StackError
from stackctl.system import http
from tests.unit.stackctl.box import CODER, STARTED, container, log

VLLM = replace(CODER, engine="vllm")
OTHER = replace(CODER, engine="")
MISSING = "gguf_init_from_file: failed to open GGUF file '/models/x.gguf' (No such file)\n"
STRANGE = "INFO loading\nFATAL: the moon is in the wrong phase\nINFO bye\n"


class FakeDocker:
    """Logs by the second at which their lines were written."""

    def __init__(self, *written: tuple[float, str]) -> None:
        self.written = written

    def log(self, of: Container) -> str:
        return "".join(text for at, text in self.written if at >= of.started_at)


def look(text: str, engine: str = "llama-cpp", **state: Any) -> Observed:
    docker: Any = FakeDocker((STARTED, text))
    service = replace(CODER, engine=engine)
    return logs.look(docker, service, container(service, **state))[0]


DEAD: dict[str, Any] = {"state": "exited", "exit_code": 1}
RESTARTING: dict[str, Any] = {"state": "restarting", "exit_code": 0}


def test_the_known_cause_of_an_end() -> None:
    (why,) = look(MISSING, **DEAD).explanations
    assert why.id == "gguf-missing"
    assert "stackctl models" in why.fix
    assert "coder" in why.fix
    assert "`" not in why.fix


@pytest.mark.parametrize("state", [DEAD, RESTARTING])
@pytest.mark.parametrize("engine", ["llama-cpp", ""])
def test_an_unknown_end_is_called_so_and_shown(state: dict[str, Any], engine: str) -> None:
    (why,) = look(STRANGE, engine, **state).explanations
    assert why.line == STRANGE.strip()
    assert why.cause.startswith("unknown")
    assert (why.id, "stackctl logs coder" in why.fix) == ("", True)


@pytest.mark.parametrize(
    "state",
    [{}, {"state": "paused"}, *({"state": "exited", "exit_code": c} for c in (0, 137, 143))],
)
def test_an_error_that_was_survived_explains_nothing(state: dict[str, Any]) -> None:
    assert look(STRANGE, **state).explanations == ()


@pytest.mark.parametrize("engine", ["llama-cpp", ""])
def test_the_daemons_error_is_nearer_than_the_log_of_an_earlier_life(engine: str) -> None:
    error = "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7"
    (why,) = look(MISSING, engine, error=error, **DEAD).explanations
    assert (why.id, why.line) == ("cdi-missing", error)
    (why,) = look(MISSING, engine, error="something new, token=hunter2hunter", **DEAD).explanations
    assert (why.id, why.line) == ("", "something new, token=***")
    assert why.cause.startswith("unknown")
    assert "stackctl up coder" in why.fix


def test_a_log_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_of: Container) -> str:
        raise StackError("gone")

    docker: Any = FakeDocker()
    monkeypatch.setattr(docker, "log", gone)
    seen, text = logs.look(docker, VLLM, container(VLLM, **DEAD))
    assert (text, seen.explanations, seen.last_line) == ("", (), "")


def test_secrets_are_in_no_last_line() -> None:
    assert look("serving with --api-key abcdef123456\n").last_line.endswith("--api-key ***")


BANNER = "engine 1.0\nloading\n"


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (BANNER + MISSING, BANNER, "gguf-missing"),
        (BANNER + MISSING, "", "gguf-missing"),
        (BANNER + MISSING + BANNER + MISSING, BANNER + STRANGE, "gguf-missing"),
        (BANNER + STRANGE, BANNER + MISSING, ""),
        ("", BANNER + MISSING, None),
        (BANNER, BANNER + MISSING, ""),
    ],
)
def test_why_an_engine_ended_before_docker_started_it_again(
    before: str, now: str, expected: str | None
) -> None:
    docker: Any = FakeDocker((STARTED - 900, STRANGE), (STARTED - 20, before), (STARTED, now))
    seen = Observed(CODER_LLAMA, container(CODER_LLAMA, restarts=1))
    why = died(docker, seen)
    assert [e.id for e in why] == ([] if expected is None else [expected])
    assert why == died(docker, seen, now)


def test_one_that_ended_without_a_word_has_its_last_line() -> None:
    docker: Any = FakeDocker((STARTED - 20, BANNER), (STARTED, BANNER))
    (why,) = died(docker, Observed(CODER_LLAMA, container(CODER_LLAMA, restarts=1)))
    assert (why.line, "names no error" in why.cause) == ("loading", True)


CODER_LLAMA = replace(CODER, engine="llama-cpp")


def test_verify_asks_why_only_where_docker_started_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    docker: Any = FakeDocker((STARTED - 20, BANNER + MISSING), (STARTED, BANNER))
    plain = replace(CODER_LLAMA, gpus=replace(CODER.gpus, ids=()))
    assert observe(docker, plain, container(plain)).died == ()
    (why,) = observe(docker, plain, container(plain, restarts=2)).died
    assert why.id == "gguf-missing"


def test_why_a_request_was_refused() -> None:
    old = "ERROR of yesterday\n"
    docker: Any = FakeDocker((STARTED, old), (STARTED, "ERROR worker lost its mind\n"))
    seen = Observed(VLLM, container(VLLM))
    told = '{"error": "\\"auto\\" tool choice requires --enable-auto-tool-choice"}'
    assert [e.id for e in refused(docker, seen, told)] == ["tools-off"]
    said = "/v1/x answers 500: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate"
    assert "memory" in refused(docker, seen, said)[0].cause
    (why,) = refused(docker, seen, "/v1/x answers 500", old)
    assert why.line == "ERROR worker lost its mind"
    assert refused(docker, seen, "no answer", docker.log(seen.container)) == ()


def test_the_first_error_of_one_that_nobody_waits_for_any_longer() -> None:
    docker: Any = FakeDocker((STARTED, STRANGE))
    (why,) = first_error(docker, Observed(OTHER, container(OTHER)))
    assert "moon" in why.line
    known = look(log("vllm-memory-taken"), "vllm", **DEAD)
    assert first_error(docker, known) == known.explanations
