"""What a healer does about each finding, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackctl.commands.heal_plan import Action, Step, concerns, plan
from stackctl.commands.look import judge
from stackctl.model import (
    Buffer,
    Cuda,
    DamagedModel,
    Facts,
    Finding,
    GpuProof,
    Node,
    Severity,
    Unavailable,
    Xid,
)
from tests.unit.stackctl.box import (
    CODER,
    DRIVER,
    HEALTHY,
    SERVICES,
    gpu,
    uuid,
    with_cuda,
    with_gpu,
    with_service,
)

PLANNED = {service.name: service for service in SERVICES}
REVOKED = Unavailable("Failed to initialize NVML: Unknown Error", "smi:255")


def steps(facts: Facts, planned: dict[str, Any] = PLANNED) -> dict[str, Step]:
    seen = judge(facts, [("stackctl", name) for name in facts.wanted])
    return {s.subject: s for s in plan(seen.findings, seen.facts, planned, "stackctl")}


def only(facts: Facts, subject: str = "coder") -> Step:
    (step,) = steps(facts).values()
    assert step.subject == subject
    return step


def test_a_healthy_box_needs_nothing() -> None:
    assert steps(HEALTHY) == {}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"inside": REVOKED}, "lost its device permissions"),
        ({"inside": Unavailable("No devices were found", "smi:6")}, "not in the container"),
        ({"inside": ()}, "not in the container"),
        ({"state": "exited", "exit_code": 1, "inside": REVOKED}, "is exited, exit code 1"),
        ({"state": "exited", "oom_killed": True, "exit_code": 137}, "out of memory"),
        ({"state": "created"}, "was never started"),
        ({"state": "dead"}, "is dead"),
    ],
)
def test_a_new_container_helps_for_sure(changes: dict[str, Any], word: str) -> None:
    step = only(with_service("coder", **changes))
    assert step.action is Action.RECREATE
    assert word in step.why
    assert not step.unsure


@pytest.mark.parametrize(
    "changes",
    [
        {"ready": Unavailable("no answer in 3 s")},
        {"answer": Unavailable("no answer in 120 s")},
        {"inside": Unavailable("something that nobody knows", "smi:7")},
    ],
)
def test_one_look_is_not_enough(changes: dict[str, Any]) -> None:
    step = only(with_service("coder", **changes))
    assert step.action is Action.RECREATE
    assert step.unsure


FAILED = Unavailable("cuInit failed with 999: CUDA_ERROR_UNKNOWN", "cuda:999")
UVM = (Node("/dev/nvidia-uvm", 234),)
WORKS = Cuda((uuid(3)[4:],))


def test_stale_device_nodes_of_cuda() -> None:
    step = only(with_cuda("coder", Cuda(FAILED, UVM, uvm_major=235)))
    assert step.action is Action.RECREATE
    assert "major number 234" in step.why
    assert not step.unsure


def test_cuda_that_works_on_the_host() -> None:
    step = only(replace(with_cuda("coder", Cuda(FAILED)), host_cuda=WORKS))
    assert (step.action, step.unsure) == (Action.RECREATE, True)


@pytest.mark.parametrize(
    ("cuda", "box", "word"),
    [
        (Cuda(FAILED), {"host_cuda": Cuda(FAILED)}, "nvidia-modprobe"),
        (Cuda(FAILED, UVM, uvm_major=235), {"cdi_nodes": {}}, "nvidia-ctk cdi generate"),
        (Cuda(Unavailable("803", "cuda:803")), {}, "sudo reboot"),
        (Cuda(Unavailable("804", "cuda:804")), {}, "newer driver"),
        (Cuda(FAILED, mask="7"), {}, "stackctl doctor"),
        (Cuda(()), {}, "dmesg"),
    ],
)
def test_cuda_that_no_new_container_mends(cuda: Cuda, box: dict[str, Any], word: str) -> None:
    """Nor does what else is wrong with the service: its container would not come up."""
    proof = GpuProof((Buffer("CPU", "model", 4000.0),))
    step = only(replace(with_cuda("coder", cuda, with_service("coder", proof=proof)), **box))
    assert step.action is Action.LEAVE
    assert word in step.why


def test_cuda_that_fails_on_the_host_keeps_every_gpu_service_down() -> None:
    facts = with_cuda("coder", Cuda(FAILED))
    ended = tuple(
        replace(o, container=replace(o.container, state="exited", exit_code=1))
        if o.service.name == "main"
        else o
        for o in facts.observed
    )
    found = steps(replace(facts, observed=ended, host_cuda=Cuda(FAILED)))
    assert {s.action for s in found.values()} == {Action.LEAVE}
    assert found["main"].why.startswith("no container helps while this is so: coder: CUDA")
    assert found["coder"].why.startswith("CUDA fails on the host as well")


def test_a_model_that_was_unloaded_is_loaded() -> None:
    step = only(with_service("coder", proof=Unavailable("no model is loaded", "not-loaded")))
    assert step.action is Action.LOAD


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"state": "restarting", "exit_code": 1}, "Docker is starting it again itself"),
        ({"state": "paused"}, "docker unpause"),
        ({"restarts": 5}, "again and again"),
        ({"context": 262144}, "CODER_CONTEXT"),
        ({"model": "another"}, "CODER_MODEL"),
        ({"inside": Unavailable("Failed to initialize NVML: Driver/library version mismatch")},
         "reboot"),
        ({"inside": Unavailable("nvidia-smi did not end in time", "hung")}, "hang"),
        ({"inside": Unavailable("the container ended while it ran", "ended")}, "could look into"),
        ({"proof": Unavailable("no line of it in the log")}, "would do the same"),
    ],
)  # fmt: skip
def test_hands_off(changes: dict[str, Any], word: str) -> None:
    step = only(with_service("coder", **changes))
    assert step.action is Action.LEAVE
    assert word in step.why


def test_a_damaged_model_keeps_what_runs() -> None:
    """Its container would not come back."""
    damaged = DamagedModel("coder", "/models/coder", ("too short",), "stackctl models repair coder")
    facts = replace(with_service("coder", inside=REVOKED), damaged_models=(damaged,))
    step = only(facts)
    assert step.action is Action.LEAVE
    assert "damaged" in step.why


def test_a_lost_gpu_concerns_only_its_services() -> None:
    lost = with_gpu(3, fault=Unavailable("GPU is lost", "nvml:15"))
    inside = {o.service.name: REVOKED for o in lost.observed if o.service.name in ("coder", "main")}
    facts = replace(
        lost,
        observed=tuple(replace(o, inside=inside.get(o.service.name, o.inside))
                       for o in lost.observed),
    )  # fmt: skip
    found = steps(facts)
    assert found["coder"].action is Action.LEAVE
    assert "GPU is lost" in found["coder"].why
    assert found["main"].action is Action.RECREATE
    assert "hands off" in found["GPU 3"].why


def test_xid_79() -> None:
    xid = Xid("0000:1d:00", 79, "NVRM: Xid (PCI:0000:1d:00): 79, GPU has fallen off the bus.", 9e9)
    found = steps(replace(with_service("coder", inside=REVOKED), xids=(xid,)))
    assert {s.action for s in found.values()} == {Action.LEAVE}
    assert "Xid 79" in found["coder"].why


def test_a_driver_that_does_not_answer_is_healed_by_nobody() -> None:
    silent = Unavailable("Driver/library version mismatch", "nvml:18")
    facts = replace(with_service("coder", inside=REVOKED), driver=silent)
    found = steps(facts)
    assert {s.action for s in found.values()} == {Action.LEAVE}
    assert "version mismatch" in found["coder"].why


def test_what_is_missed_is_made_again() -> None:
    gone = tuple(o for o in HEALTHY.observed if o.service.name != "coder")
    step = only(replace(HEALTHY, observed=gone, wanted=("main", "coder", "audio", "image")))
    assert step == Step(
        "coder", Action.RECREATE, "it has no container", ("service.there",), "coder"
    )


def test_a_role_that_is_no_more_is_not_made_again() -> None:
    facts = replace(HEALTHY, wanted=("translator",))
    assert "no role of this clone" in only(facts, "translator").why


def test_another_clone_is_left_alone() -> None:
    facts = with_service("coder", inside=REVOKED, project="other")
    found = steps(facts)
    assert found["other/coder"].action is Action.LEAVE
    assert "another clone" in found["other/coder"].why


def test_order_of_dependence() -> None:
    facts = replace(HEALTHY, observed=(), wanted=("main", "coder", "audio", "image"))
    needs = {"main": ("coder", "image"), "coder": ("audio",)}
    planned = {n: replace(s, depends_on=needs.get(n, ())) for n, s in PLANNED.items()}
    order = [s.service for s in steps(facts, planned).values() if s.acts]
    assert len(order) == 4
    assert order.index("audio") < order.index("coder") < order.index("main")
    assert order.index("image") < order.index("main")


def test_what_needs_a_broken_service_waits_for_it() -> None:
    facts = with_service("coder", model="another")
    facts = replace(facts, observed=tuple(o for o in facts.observed if o.service.name != "main"))
    planned = PLANNED | {"main": replace(PLANNED["main"], depends_on=("coder",))}
    found = steps(replace(facts, wanted=("main",)), planned)
    assert found["main"].why == "it needs coder, which stays broken"


def test_errors_of_others_concern_nobody() -> None:
    facts = replace(HEALTHY, driver=replace(DRIVER, gpus=tuple(gpu(i) for i in range(4))))

    def error(check: str, subject: str) -> Finding:
        return Finding(check, Severity.ERROR, subject, "x")

    for check, subject, mine in (
        ("host.port", "coder", True),
        ("host.port", "main", False),
        ("gpu.room", "GPU 3", True),
        ("gpu.room", "GPU 0", False),
        ("host.disk", "disk", True),
    ):
        assert concerns(error(check, subject), CODER, facts) is mine
