"""Gates and waves, with a daemon that is a dictionary and a driver that answers at once."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from stackctl import facts as gather
from stackctl.commands import gates, hang, waves
from stackctl.model import (
    Container,
    DamagedModel,
    Finding,
    Gpu,
    Observed,
    Progress,
    Request,
    Service,
    Severity,
    Stack,
    StackError,
    Unavailable,
)
from stackctl.system import http, nvml, terminal
from tests.unit.stackctl.box import (
    CODER,
    DRIVER,
    GPUS,
    MAIN,
    STARTED,
    container,
    held,
    log,
    uuid,
)

QUICK = replace(CODER, engine="llama-cpp", depends_on=())
SMI = f"{uuid(3)}, Quadro RTX 8000\n"


class FakeDocker:
    """Containers that start at once. `states` are what each inspection sees, the last for ever."""

    def __init__(self, *services: Service, text: str = "", smi: tuple[int, str] = (0, SMI)) -> None:
        self.text, self.smi = text, smi
        self.pairs = {container(s).id: (s, container(s, state="created")) for s in services}
        self.started: list[str] = []
        self.states: list[dict[str, Any]] = []

    def services(self, _project: str = "") -> tuple[tuple[Service, Container], ...]:
        return tuple(self.pairs.values())

    def service(self, container_id: str) -> tuple[Service, Container] | None:
        if container_id not in self.pairs:
            return None
        service, now = self.pairs[container_id]
        if self.states:
            changes = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            now = replace(now, **changes)
        return service, now

    def start(self, container_id: str) -> None:
        service, now = self.pairs[container_id]
        self.started.append(service.name)
        self.pairs[container_id] = service, replace(now, state="running")

    def execute(self, _id: str, argv: list[str]) -> tuple[int, str]:
        if argv[0] == "nvidia-smi":
            return self.smi
        if self.smi[0]:
            return 0, "failed cuInit 100 CUDA_ERROR_NO_DEVICE\n"
        shown = [line.partition(",")[0][4:] for line in self.smi[1].splitlines() if "," in line]
        return 0, "".join(f"device {each}\n" for each in shown) + "end\n"

    def log(self, _container: Container) -> str:
        return self.text


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that sees the model's memory; an engine that answers as llama.cpp does."""
    gpus = (*GPUS[:3], replace(GPUS[3], **held("coder", mib=15700)))
    monkeypatch.setattr(nvml, "read", lambda: replace(DRIVER, gpus=gpus))
    monkeypatch.setattr(gates, "_SETTLE", 0.0)
    monkeypatch.setattr(gates, "_PAUSE", 0.001)
    bodies = {
        "/health": {"status": "ok"},
        "/v1/models": {"data": [{"id": "model-of-coder"}]},
        "/props": {"default_generation_settings": {"n_ctx": 131072}},
    }
    answer = {"choices": [{"message": {"content": "Paris."}}]}

    def get(_url: str, path: str) -> tuple[int, Any]:
        return 200, bodies.get(path, {})

    def send(_url: str, _request: Request, *, timeout: float) -> tuple[int, Any]:
        return 200, answer

    monkeypatch.setattr(http, "get", get)
    monkeypatch.setattr(http, "send", send)


@pytest.fixture
def board() -> terminal.Board:
    return terminal.Board()


def passed(
    docker: FakeDocker, board: terminal.Board, timeout: float = 5, silent: float = 60
) -> gates.Result:
    (container_id,) = docker.pairs
    docker.start(container_id)
    patience = gates.Patience(timeout, silent)
    return gates.pass_all(docker, container_id, patience, board, Event())  # type: ignore[arg-type]


def error(result: gates.Result) -> Finding:
    (found,) = (f for f in result.findings if f.severity is Severity.ERROR)
    assert found.fix
    return found


def test_a_good_service_passes_every_gate(
    board: terminal.Board, capsys: pytest.CaptureFixture[str]
) -> None:
    result = passed(FakeDocker(QUICK, text=log("llama-cpp-20b-good")), board)
    assert {f.severity for f in result.findings} == {Severity.OK}
    assert {"engine.on-gpu", "service.answer", "gpu.assigned"} <= {f.check for f in result.findings}
    assert [gpu.index for gpu in result.gpus] == [3]
    assert "proven: 25/25 layers on GPU, 15700 MiB held" in capsys.readouterr().out


def test_a_gpu_that_does_not_work_inside_stops_it_before_it_loads(board: terminal.Board) -> None:
    docker = FakeDocker(QUICK, smi=(255, "Failed to initialize NVML: Unknown Error\n"))
    result = passed(docker, board)
    assert error(result).check == "gpu.inside"
    assert "service.answer" not in {f.check for f in result.findings}


def test_another_gpu_inside_stops_it(board: terminal.Board) -> None:
    result = passed(FakeDocker(QUICK, smi=(0, f"{uuid(0)}, x\n")), board)
    assert error(result).check == "gpu.assigned"


def test_an_engine_that_ends_while_loading_is_told_with_its_root_cause(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: Unavailable("refused", "refused"))
    docker = FakeDocker(replace(QUICK, engine="vllm"), text=log("vllm-memory-taken"))
    docker.states = [{}, {}, {"state": "exited", "exit_code": 1}]
    found = error(passed(docker, board))
    assert (found.check, found.subject) == ("service.running", "coder")
    assert "Free memory on device cuda:0" in found.evidence
    assert "already holds memory" in found.cause


def test_one_restart_while_loading_is_a_failure(board: terminal.Board) -> None:
    docker = FakeDocker(QUICK, text=log("llama-cpp-out-of-memory"))
    docker.states = [{}, {"state": "restarting", "restarts": 1, "exit_code": 1}]
    found = error(passed(docker, board))
    assert "is restarting, exit code 1" in found.summary
    assert "cudaMalloc failed" in found.evidence


def test_the_root_cause_is_told_when_docker_has_started_it_again(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs now has not failed yet: the log of its last life tells why it ended."""
    docker = FakeDocker(QUICK, text=log("llama-cpp-out-of-memory"))
    docker.states = [{}, {"restarts": 1}]
    now, whole = "", docker.log
    monkeypatch.setattr(docker, "log", lambda c: now if c.started_at == STARTED else whole(c))
    found = error(passed(docker, board))
    assert "restarted once" in found.summary
    assert "cudaMalloc failed" in found.evidence


def test_an_engine_that_is_never_ready(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    found = error(passed(FakeDocker(QUICK, text=log("llama-cpp-loading")), board, timeout=0.02))
    assert found.check == "service.ready"
    assert "loading weights" in found.summary
    assert "hangs, or the disk is slow" in found.cause


@pytest.mark.parametrize(("timeout", "silent"), [(0.02, 60), (5, 0.05)])
def test_the_first_unknown_error_of_an_engine_that_is_never_ready(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch, timeout: float, silent: float
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    text = "loading\nFATAL: the moon is in the wrong phase\nwaiting\n"
    found = error(passed(FakeDocker(QUICK, text=text), board, timeout=timeout, silent=silent))
    assert found.evidence == text.strip()
    assert found.cause.startswith("unknown")
    assert found.values["failure"] == ""


HANGS = [
    ("srv load_model: loading model", "the structure of the weights is whole", "dmesg"),
    ("(pynccl.py:70) vLLM is using nccl==2.27.3", "cannot talk to each other", "iommu=pt"),
    ("Capturing CUDA graphs (mixed prefill-decode)", "kernels are compiled", "--stall 1800"),
]


@pytest.mark.parametrize(("line", "cause", "fix"), HANGS)
def test_an_engine_that_hangs(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch, line: str, cause: str, fix: str
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    found = error(passed(FakeDocker(QUICK, text=f"{line}\n"), board, silent=0.05))
    assert "hangs while loading" in found.summary
    assert found.evidence == f"last line: {line}"
    assert cause in found.cause
    assert fix in found.fix


def test_a_hang_looks_at_the_weights(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    problems = ("model.gguf: 5 bytes, its header promises 9",)
    broken = DamagedModel("coder", "/models/model.gguf", problems, "stackctl models repair x")
    monkeypatch.setattr(gather, "damaged_model", lambda _service: broken)
    found = error(passed(FakeDocker(QUICK, text="loading\n"), board, silent=0.05))
    assert problems[0] in found.cause
    assert found.fix == "stackctl models repair x; then: stackctl restart coder"


def test_growing_gpu_memory_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang, "_ASK_DRIVER_EVERY", -1.0)
    held_mib = iter(range(100))
    monkeypatch.setattr(hang, "_held_mib", lambda _id: next(held_mib))
    (pair,) = FakeDocker(QUICK).pairs.values()
    seen, life = Observed(*pair, last_line="the same"), hang.SignOfLife()
    assert [life.silence(seen) for _ in range(3)] == [0, 0, 0]
    monkeypatch.setattr(hang, "_held_mib", lambda _id: 7)
    life.silence(seen)
    assert life.silence(seen) > 0


def test_a_model_on_the_cpu_fails_the_last_gate(board: terminal.Board) -> None:
    found = error(passed(FakeDocker(QUICK, text=log("llama-cpp-20b-cpu")), board))
    assert found.check == "engine.on-gpu"
    assert "runs on the CPU" in found.summary


def test_a_model_that_cannot_be_loaded(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Unavailable("model not found, try pulling it first", "http:404")
    monkeypatch.setattr(gather, "load_model", lambda _seen, _timeout: failed)
    found = error(passed(FakeDocker(replace(QUICK, engine="ollama")), board))
    assert found.check == "service.ready"
    assert "could not load model-of-coder: model not found" in found.summary
    text = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n"
    found = error(passed(FakeDocker(replace(QUICK, engine="vllm"), text=text), board))
    assert found.evidence == text.strip()
    assert "memory" in found.cause


def test_a_container_that_is_taken_away(board: terminal.Board) -> None:
    docker = FakeDocker(QUICK)
    with pytest.raises(StackError, match="removed"):
        gates.pass_all(docker, "gone", 5, board, Event())  # type: ignore[arg-type]


def test_an_interrupt_ends_the_waiting(
    board: terminal.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "get", lambda _url, _path: (503, {}))
    docker = FakeDocker(QUICK)
    (container_id,) = docker.pairs
    docker.start(container_id)
    stop = Event()
    stop.set()
    with pytest.raises(StackError, match="interrupted"):
        gates.pass_all(docker, container_id, gates.Patience(5, 60), board, stop)  # type: ignore[arg-type]


def named(name: str, *depends_on: str) -> Service:
    return replace(MAIN, name=name, role=name, depends_on=depends_on)


@pytest.mark.parametrize(
    ("services", "order"),
    [
        ((named("a"), named("b")), "ab"),
        ((named("a", "b"), named("b", "c"), named("c")), "cba"),
        ((named("a", "c"), named("b"), named("c")), "cab"),
        ((named("a", "not-chosen"), named("b")), "ab"),
        ((named("a", "b", "c"), named("b", "c"), named("c")), "cba"),
    ],
)
def test_dependencies_come_first(services: tuple[Service, ...], order: str) -> None:
    assert "".join(s.name for s in waves._in_order(services)) == order


def wave(
    monkeypatch: pytest.MonkeyPatch, docker: FakeDocker, *chosen: Service, bad: str = ""
) -> dict[str, waves.Outcome]:
    def gate(_docker: Any, container_id: str, *_rest: Any) -> gates.Result:
        service = docker.pairs[container_id][0]
        severity = Severity.ERROR if service.name == bad else Severity.OK
        found = Finding("engine.on-gpu", severity, service.name, "37/37 layers on GPU", fix="x")
        gpus: tuple[Gpu, ...] = GPUS[:2]
        return gates.Result(None, (found,), gpus)

    monkeypatch.setattr(gates, "pass_all", gate)
    stack = Stack("stackctl", chosen)
    outcomes = waves.start(docker, stack, chosen, 5)  # type: ignore[arg-type]
    return {o.service.name: o for o in outcomes}


def test_all_are_started_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    services = (named("a", "b"), named("b"))
    docker = FakeDocker(*services)
    outcomes = wave(monkeypatch, docker, *services)
    assert docker.started == ["b", "a"]
    assert [o.done for o in outcomes.values()] == [True, True]
    assert outcomes["a"].proof == "37/37 layers on GPU"


def test_what_depends_on_a_failure_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    services = (named("a", "b"), named("b"), named("c"))
    docker = FakeDocker(*services)
    outcomes = wave(monkeypatch, docker, *services, bad="b")
    assert sorted(docker.started) == ["b", "c"]
    assert (outcomes["b"].word, outcomes["b"].proof) == ("failed", "")
    assert outcomes["a"].word == "not started: b failed"
    assert outcomes["c"].done


def test_a_container_that_was_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = wave(monkeypatch, FakeDocker(), named("a"))
    assert outcomes["a"].word == "failed"
    assert "not created" in outcomes["a"].findings[0].summary


def test_a_container_of_another_project_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(named("a"))
    ((key, (service, of)),) = docker.pairs.items()
    docker.pairs[key] = service, replace(of, project="other")
    assert wave(monkeypatch, docker, named("a"))["a"].word == "failed"
    assert docker.started == []


def test_docker_refuses_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(named("a"))

    def refuse(_id: str) -> None:
        raise StackError("Docker: could not select device driver", fix="nvidia-ctk")

    monkeypatch.setattr(docker, "start", refuse)
    (found,) = wave(monkeypatch, docker, named("a"))["a"].findings
    assert (found.summary, found.fix) == ("Docker: could not select device driver", "nvidia-ctk")


def test_docker_cannot_start_it_for_a_reason_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    docker = FakeDocker(named("a"))
    told = "Docker: driver failed: Bind for 0.0.0.0:8001 failed: port is already allocated"

    def refuse(_id: str) -> None:
        raise StackError(told)

    monkeypatch.setattr(docker, "start", refuse)
    (found,) = wave(monkeypatch, docker, named("a"))["a"].findings
    assert (found.summary, found.evidence) == ("Docker cannot start it", told)
    assert found.cause == "another container or program of the host has the port"
    assert "set A_PORT in env/stack.env" in found.fix
    assert found.values == {"failure": "port-taken"}


def test_what_runs_already_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = FakeDocker(named("a"))
    docker.start(next(iter(docker.pairs)))
    docker.started.clear()
    assert wave(monkeypatch, docker, named("a"))["a"].done
    assert docker.started == []


def test_plain_lines_only_when_the_words_change(capsys: pytest.CaptureFixture[str]) -> None:
    view = terminal.Board()
    for percent in (1, 2, 3):
        view.set("main", f"loading: {Progress('weights').stage}", percent)
    view.set("main", "proven", done=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == ["loading: weights", "proven"]
