"""Which services are measured, and what of them is claimed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from stackctl.bench.plan import Shape
from stackctl.bench.prompts import Dialect
from stackctl.commands.bench import aims, measure, run
from stackctl.commands.bench.aims import Aim
from stackctl.model import SIMULATED, Container, Driver, GpuProcess, Service, StackError
from stackctl.model.load import Patience, Target
from stackctl.system import nvml
from stackctl.system.docker import Docker
from tests.integration.bench.threaded import serving
from tests.unit.stackctl.box import AUDIO, CODER, IMAGE, MAIN, container, gpu

Pair = tuple[Service, Container]
There = Callable[..., None]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> There:
    """These containers run, on four GPUs that belong to the one that is named."""

    def set_up(*pairs: Pair, name: str = "RTX 8000", holder: str = "") -> None:
        processes = (GpuProcess(7, 100, holder),) if holder else ()
        gpus = tuple(gpu(index, name=name, processes=processes) for index in range(4))
        monkeypatch.setattr(Docker, "services", lambda _self, _project: pairs)
        monkeypatch.setattr(nvml, "read", lambda: Driver("580", "13.0", gpus))

    return set_up


def test_all_that_chat_and_run(there: There) -> None:
    down = container(MAIN, state="exited")
    there((AUDIO, container(AUDIO)), (CODER, container(CODER)), (MAIN, down))
    sound, aim = aims.services([], None)
    assert (sound.target.name, sound.target.path) == ("audio", "/audio/transcriptions")
    assert sound.sound.count(b"RIFF") == 1
    assert not aim.sound
    assert aim.target == Target("coder", "http://127.0.0.1:8002/v1", CODER.model)
    assert [one.index for one in aim.gpus] == [3]
    assert (aim.simulated, aim.notes, aim.engine) == (False, (), "Ollama")


@pytest.mark.parametrize(
    ("role", "said", "code"),
    [("main", "main does not run", 1), ("image", "answers no chats", 2), ("x", "no service", 2)],
)
def test_roles_that_cannot_be_measured(there: There, role: str, said: str, code: int) -> None:
    there((IMAGE, container(IMAGE)), (MAIN, container(MAIN, state="exited")))
    with pytest.raises(StackError, match=said) as raised:
        aims.services([role], None)
    assert raised.value.exit_code == code
    assert raised.value.fix


def test_the_same_role_of_two_projects_has_two_names(there: There) -> None:
    there((CODER, container(CODER)), (CODER, container(CODER, project="other", id="f" * 64)))
    assert [a.target.name for a in aims.services([], None)] == ["stackctl/coder", "other/coder"]


def test_a_gpu_that_works_for_others_is_told(there: There) -> None:
    there((CODER, container(CODER)), holder="f" * 64)
    assert "GPU 3 works for others as well" in aims.services(["coder"], None)[0].notes[0]
    there((CODER, container(CODER)), holder=container(CODER).id)
    assert aims.services(["coder"], None)[0].notes == ()


def test_more_than_the_context_is_a_mistake(there: There) -> None:
    there((replace(CODER, context=600), container(CODER)))
    shape = Shape(512, 128, 1, 8, 4)
    options = run.Options(shape, None, None, 60, 5, None, "EUR", "", None)
    with pytest.raises(StackError, match="context of 600 tokens") as raised:
        run.bench(["coder"], options, dry_run=True, as_json=False)
    assert (raised.value.exit_code, raised.value.fix) == (2, "--input 408")


def measured(aim: Aim, fixed: tuple[int, ...] = (), *, energy: bool = False) -> list[int]:
    shape = Shape(20, 8, 1, 8, 64, fixed)
    patience = Patience(5)
    said: list[str] = []
    dialect, scale = measure.greet(aim, 7, patience)
    assert dialect == Dialect()
    assert scale.measured
    made = measure.measure(
        aim,
        shape,
        dialect,
        scale.words(20),
        seed=7,
        patience=patience,
        seconds=60,
        price=0.3,
        say=said.append,
    )
    assert len(said) == 1 + len(made.steps)
    assert all((step.energy is not None) is energy for step in made.steps)
    assert all(step.failed == 0 for step in made.steps)
    return [step.concurrency for step in made.steps]


def drawn(
    _uuids: Sequence[str], every: float, ended: threading.Event
) -> Iterator[tuple[float, float]]:
    while not ended.wait(every / 20):
        yield time.perf_counter(), 100.0


def test_simulated_gpus_give_no_energy(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "power", drawn)
    with serving(ttft=0.05) as port:
        for name in (f"RTX 8000 {SIMULATED}", "RTX 8000"):
            there((CODER, container(CODER, url=f"http://127.0.0.1:{port}")), name=name)
            (aim,) = aims.services(["coder"], None)
            assert aim.simulated is (SIMULATED in name)
            assert measured(aim, (1, 3), energy=not aim.simulated) == [1, 3]


def test_growing_ends_at_the_slots_of_an_engine() -> None:
    """Two slots of 50 ms a request: nothing is gained beyond two at once."""
    with serving(ttft=0.05, slots=2) as port:
        levels = measured(Aim(Target("x", f"http://127.0.0.1:{port}/v1", "m")))
    assert levels[:3] == [1, 2, 4]
    assert levels[-1] < 64
