"""engine.on-gpu: what the engine's log says, against what the driver says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.engines import ENGINES
from stackctl.model import Facts, Finding, GpuProof, Severity, Unavailable
from tests.unit.stackctl.box import DRIVER, GPUS, findings, held, log, with_service


def proof(name: str) -> GpuProof:
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    found = engine.prove(log(name), {})
    assert isinstance(found, GpuProof)
    return found


def on_gpu(facts: Facts, subject: str = "coder") -> Finding:
    (found,) = (f for f in findings("engine.on-gpu", facts) if f.subject == subject)
    return found


def box(name: str, mib: int = 15700, role: str = "coder") -> Facts:
    """The box with this log's proof, and this much memory held on each of the role's GPUs."""
    facts = with_service(role, proof=proof(name))
    indexes = {"coder": (3,), "main": (0, 1), "audio": (2,)}[role]
    gpus = tuple(replace(g, **held(role, mib=mib)) if g.index in indexes else g for g in GPUS)
    return replace(facts, driver=replace(DRIVER, gpus=gpus))


@pytest.mark.parametrize(
    ("name", "mib", "role", "text"),
    [
        ("llama-cpp-20b-good", 15700, "coder", "25/25 layers on GPU, 15700 MiB held"),
        ("llama-cpp-20b-fit-pass", 15700, "coder", "25/25 layers on GPU"),
        (
            "llama-cpp-120b-good",
            33500,
            "main",
            "37/37 layers on GPU (0-17 on GPU 0, 18-36 on GPU 1), 67000 MiB held",
        ),
        ("ollama-good", 15700, "coder", "25/25 layers on GPU"),
        ("vllm-tp2-good", 41000, "main", "on GPU, 82000 MiB held"),
        ("whisper-cuda", 3400, "audio", "on GPU, 3400 MiB held"),
        ("sglang-tp2-good", 66000, "main", "on GPU, 132000 MiB held"),
        ("tensorrt-llm-tp2-good", 72000, "main", "on GPU, 144000 MiB held"),
    ],
)
def test_proven(name: str, mib: int, role: str, text: str) -> None:
    found = on_gpu(box(name, mib, role), role)
    assert found.severity is Severity.OK, found
    assert text in found.summary
    assert "SIMULATED" not in found.summary


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("llama-cpp-20b-partial", "only 17 of 25 layers are on the GPU"),
        ("llama-cpp-20b-zero-layers", "runs on the CPU: 0 of 25 layers"),
        ("llama-cpp-20b-cpu", "runs on the CPU: nothing on the GPU"),
        ("llama-cpp-20b-overflow", "8790 MiB of the model are in host memory, 3379 MiB on the"),
        ("llama-cpp-20b-one-overflows", "991 MiB of the model are in host memory"),
        ("llama-cpp-kv-on-host", "3090 MiB of the KV cache are in host memory"),
        ("llama-cpp-vulkan", "on Vulkan0, which is no CUDA device"),
        ("llama-cpp-rpc", "on RPC0[127.0.0.1:50052], which is no CUDA device"),
        ("ollama-cpu", "runs on the CPU"),
        ("vllm-cpu", "runs on the CPU"),
        ("vllm-cpu-offload", "10240 MiB of the model are in host memory"),
        ("whisper-cpu", "runs on the CPU"),
        ("sglang-cpu", "runs on the CPU"),
        ("vllm-0.32-cpu", "runs on the CPU"),
    ],
)
def test_not_on_the_gpu(name: str, text: str) -> None:
    found = on_gpu(box(name, 40000))
    assert found.severity is Severity.ERROR, found
    assert text in found.summary
    assert found.evidence
    assert found.cause
    assert "stackctl restart coder" in found.fix


def test_layers_that_nothing_backs() -> None:
    facts = with_service("coder", proof=GpuProof((), (25, 25)))
    assert "25 of 25 layers are said to be" in on_gpu(facts).summary


@pytest.mark.parametrize("mib", [0, 5999])
def test_the_driver_does_not_see_the_memory(mib: int) -> None:
    found = on_gpu(box("llama-cpp-20b-good", mib))
    assert found.severity is Severity.ERROR
    assert f"the driver sees {mib} MiB" in found.summary
    assert "not backed by the driver" in found.cause


def test_what_an_engine_that_loads_has_announced_it_takes_a_moment_later() -> None:
    facts = box("llama-cpp-20b-good", 0)
    loading = replace(
        facts,
        observed=tuple(
            replace(o, ready=Unavailable("answers 503", "http:503")) for o in facts.observed
        ),
    )
    found = on_gpu(loading)
    assert (found.severity, found.summary) == (Severity.SKIPPED, "not ready yet")


def test_memory_on_a_gpu_that_was_not_given() -> None:
    facts = box("llama-cpp-20b-good")
    assert not isinstance(facts.driver, Unavailable)
    gpus = tuple(
        replace(g, **held("main", "coder")) if g.index == 0 else g for g in facts.driver.gpus
    )
    found = on_gpu(replace(facts, driver=replace(facts.driver, gpus=gpus)))
    assert found.severity is Severity.ERROR
    assert "holds memory of GPU 0, which it was not given" in found.summary


def simulated(facts: Facts) -> Facts:
    assert not isinstance(facts.driver, Unavailable)
    gpus = tuple(replace(g, name="Quadro RTX 8000 [simulated]") for g in facts.driver.gpus)
    return replace(facts, driver=replace(facts.driver, gpus=gpus))


def test_a_simulated_gpu_is_proven_and_says_so() -> None:
    found = on_gpu(simulated(box("llama-cpp-rpc")))
    assert found.severity is Severity.OK
    assert found.summary.endswith("(SIMULATED GPU)")
    assert found.values["simulated"] is True


def test_a_software_device_is_none_even_among_simulated_gpus() -> None:
    found = on_gpu(simulated(box("llama-cpp-vulkan")))
    assert found.severity is Severity.ERROR


def test_the_engines_word_alone_is_no_proof() -> None:
    facts = replace(box("llama-cpp-20b-good"), driver=Unavailable("Unknown Error", "nvml:999"))
    assert on_gpu(facts).severity is Severity.SKIPPED


def test_the_cpu_needs_no_driver_to_be_seen() -> None:
    facts = replace(box("llama-cpp-20b-cpu"), driver=Unavailable("Unknown Error", "nvml:999"))
    assert on_gpu(facts).severity is Severity.ERROR


@pytest.mark.parametrize(
    ("lacking", "ready", "severity", "text"),
    [
        (Unavailable("no line", "no-proof"), True, Severity.ERROR, "nothing proves"),
        (Unavailable("no model", "not-loaded"), True, Severity.ERROR, "no model is loaded"),
        (Unavailable("no line"), Unavailable("503"), Severity.SKIPPED, "not ready yet"),
    ],
)
def test_without_proof(
    lacking: Unavailable, ready: bool | Unavailable, severity: Severity, text: str
) -> None:
    found = on_gpu(with_service("coder", proof=lacking, ready=ready))
    assert found.severity is severity
    assert text in found.summary


ASK_DRIVER = Unavailable("transformers does not say where the model is", "ask-driver")


def by_driver(mib: int, vram_mib: int | None) -> Facts:
    """The box with an engine that says nothing, and this much memory held on the coder's GPU."""
    facts = with_service("coder", proof=ASK_DRIVER, vram_mib=vram_mib)
    gpus = tuple(replace(g, **held("coder", mib=mib)) if g.index == 3 else g for g in GPUS)
    return replace(facts, driver=replace(DRIVER, gpus=gpus))


@pytest.mark.parametrize(("mib", "vram"), [(7850, 15700), (257, None), (300, 400)])
def test_the_drivers_word_alone(mib: int, vram: int | None) -> None:
    found = on_gpu(by_driver(mib, vram))
    assert found.severity is Severity.OK, found
    assert found.summary == f"on GPU by the driver's word alone, {mib} MiB held"


@pytest.mark.parametrize(("mib", "vram"), [(7849, 15700), (256, None), (0, None), (250, 400)])
def test_the_driver_sees_too_little(mib: int, vram: int | None) -> None:
    found = on_gpu(by_driver(mib, vram))
    assert found.severity is Severity.ERROR
    assert f"runs on the CPU: the driver sees {mib} MiB" in found.summary
    assert found.cause
    assert "stackctl restart coder" in found.fix


def test_the_drivers_word_of_simulated_gpus() -> None:
    found = on_gpu(simulated(by_driver(8, 15700)))
    assert found.severity is Severity.OK
    assert found.summary.endswith("8 MiB held (SIMULATED GPU)")
    assert found.values["simulated"] is True
    assert on_gpu(simulated(by_driver(0, 15700))).severity is Severity.ERROR


def test_the_drivers_word_of_a_gpu_that_was_not_given() -> None:
    facts = by_driver(9000, 15700)
    assert not isinstance(facts.driver, Unavailable)
    gpus = tuple(
        replace(g, **held("main", "coder")) if g.index == 1 else g for g in facts.driver.gpus
    )
    found = on_gpu(replace(facts, driver=replace(facts.driver, gpus=gpus)))
    assert found.severity is Severity.ERROR
    assert "holds memory of GPU 1, which it was not given" in found.summary


def test_without_a_driver_nobody_is_left_to_ask() -> None:
    facts = replace(by_driver(9000, 15700), driver=Unavailable("Unknown Error", "nvml:999"))
    assert on_gpu(facts).severity is Severity.SKIPPED


def test_the_driver_is_not_asked_before_the_engine_is_ready() -> None:
    facts = with_service("coder", proof=ASK_DRIVER, ready=Unavailable("refused"))
    assert on_gpu(facts).summary == "not ready yet"


def test_a_container_that_does_not_run_is_not_asked() -> None:
    facts = with_service("coder", state="exited")
    assert "coder" not in {f.subject for f in findings("engine.on-gpu", facts)}
