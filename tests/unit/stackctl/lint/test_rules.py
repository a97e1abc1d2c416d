"""Each rule finds what it is for, and keeps quiet about a good service."""

from __future__ import annotations

import pytest

from stackctl import lint
from tests.unit.stackctl.lint.linting import (
    GOOD,
    command_fixed,
    command_rules,
    fixed,
    issues,
    rules,
    service,
)

VLLM = "image: vllm/vllm-openai:v0.32.0\n"
DEVICES = "deploy: {resources: {reservations: {devices: [%s]}}}\n"
GPU_0 = DEVICES % "{driver: nvidia, device_ids: ['0'], capabilities: [gpu]}"

BAD = [
    ("command.unreadable", VLLM + "command: --model 'openai/gpt-oss-20b"),
    ("command.unknown", VLLM + "entrypoint: /start.sh"),
    ("gpu.runtime", "image: x\nruntime: nvidia"),
    ("gpu.double-mask", "image: x\nenvironment: [CUDA_VISIBLE_DEVICES=0]\n" + GPU_0),
    ("gpu.double-mask", "image: x\nenvironment: {NVIDIA_VISIBLE_DEVICES: all}\n" + GPU_0),
    ("gpu.mask-alone", "image: x\nenvironment: {CUDA_VISIBLE_DEVICES: '0,1'}"),
    ("gpu.mask-alone", "image: x\nenvironment: {NVIDIA_VISIBLE_DEVICES: '0'}"),
    ("gpu.mask-alone", "image: x\nenvironment: {CUDA_VISIBLE_DEVICES: '1'}\ngpus: all"),
    ("gpu.joined-ids", "image: x\n" + GPU_0.replace("'0'", "'0,1'")),
    ("gpu.joined-ids", "image: x\n" + GPU_0.replace("['0']", "'0,1'")),
    ("gpu.id-type", "image: x\n" + GPU_0.replace("'0'", "0, 1")),
    (
        "gpu.count-and-ids",
        "image: x\n" + GPU_0.replace("driver:", "count: 1, driver:"),
    ),
    ("gpu.capabilities", "image: x\n" + GPU_0.replace(", capabilities: [gpu]", "")),
    ("parallel.gpus", VLLM + "command: openai/gpt-oss-20b --tensor-parallel-size 2\n" + GPU_0),
    ("parallel.gpus", GOOD.replace("--tensor-parallel-size 2", "-tp=1")),
    ("parallel.gpus", GOOD.replace("--tensor-parallel-size 2", "-tp 2 -pp 2")),
    ("parallel.heads", GOOD.replace("--tensor-parallel-size 2", "--tensor-parallel-size 6")),
    ("parallel.shm", GOOD.replace("shm_size: 16g\n", "")),
    ("parallel.shm", GOOD.replace("16g", "256m")),
    ("env.removed", GOOD + "environment: {VLLM_ATTENTION_BACKEND: FLASHINFER}"),
    ("env.removed", "image: ollama/ollama:0.32.15\nenvironment: [OLLAMA_NEW_ENGINE=1]"),
    ("flag.removed", GOOD.replace("--max-model-len", "--disable-log-requests --max-model-len")),
    (
        "flag.removed",
        GOOD.replace("--max", "--guided_decoding_backend x --max"),
    ),
    ("flag.other-engine", GOOD.replace("--max-model-len", "--context-length")),
    ("flag.other-engine", GOOD.replace("--max-model-len", "--ctx-size")),
    ("flag.unknown", GOOD.replace("--max-model-len", "--no-such-flag --max-model-len")),
    (
        "flag.renamed-pass",
        GOOD.replace(
            "--model ", """--compilation-config '{"pass_config":{"enable_noop":true}}' --model """
        ),
    ),
    ("context.missing", GOOD.replace("--max-model-len 131072", "")),
    ("context.missing", "image: ollama/ollama:0.32.15"),
    ("context.too-long", GOOD.replace("131072", "262144")),
    ("context.too-long", GOOD.replace("131072", "256K")),
    (
        "context.slots",
        "image: ghcr.io/ggml-org/llama.cpp:server-cuda-b1\ncommand: -m /m/x.gguf -c 8192 -np 2\n"
        "labels: {stackctl.context: 8192}",
    ),
    ("tools.no-parser", GOOD.replace("--model", "--enable-auto-tool-choice --model")),
    (
        "tools.no-choice",
        GOOD.replace("openai/gpt-oss-120b", "Qwen/Qwen3-8B --tool-call-parser hermes"),
    ),
    ("tools.wrong-parser", GOOD.replace("--model", "--tool-call-parser hermes --model")),
    ("tools.wrong-parser", GOOD.replace("--model", "--reasoning-parser qwen3 --model")),
    (
        "tools.none",
        "image: lmsysorg/sglang:v0.5.23\n"
        "command: python3 -m sglang.launch_server --model-path openai/gpt-oss-20b",
    ),
    ("model.unmounted", GOOD.replace("openai/gpt-oss-120b", "/models/gpt-oss-120b")),
    ("port.open", GOOD.replace("127.0.0.1:8000:8000", "8000:8000")),
    ("port.open", GOOD.replace("127.0.0.1:8000:8000", "0.0.0.0:8000:8000")),
    ("port.open", GOOD.replace('"127.0.0.1:8000:8000"', "{target: 8000, published: 8000}")),
    ("port.open", GOOD.replace("--model", "--host 0.0.0.0 --model") + "network_mode: host"),
    ("image.tag", GOOD.replace(":v0.32.0", ":latest")),
    ("image.tag", GOOD.replace(":v0.32.0", "")),
    ("image.tag", GOOD.replace("vllm/vllm-openai:v0.32.0", "registry:5000/vllm/vllm-openai")),
    ("health.missing", VLLM + "command: openai/gpt-oss-20b"),
    ("health.missing", "image: ollama/ollama:0.32.15\nhealthcheck: {disable: true}"),
    (
        "health.program",
        "image: ollama/ollama:0.32.15\nhealthcheck: {test: curl -f x || exit 1}",
    ),
    ("service.privileged", GOOD + "privileged: true"),
    ("service.logs", GOOD.replace("logging: {driver: local}", "logging: {driver: json-file}")),
]
COMMANDS = {
    "gpu.option-quotes": "docker run --gpus 'device=0,1' nvidia/cuda:12.2.0-base-ubuntu22.04",
}
PAIRS = {
    "gpu.count-all": "services:\n  a: {image: x, gpus: all}\n  b: {image: y, gpus: all}\n",
    "gpu.sharing": "services:\n"
    "  a: {image: 'vllm/vllm-openai:v1', gpus: 1, command: m --gpu-memory-utilization 0.5}\n"
    "  b: {image: 'vllm/vllm-openai:v1', gpus: 1, command: m --gpu-memory-utilization 0.6}\n",
}


def test_a_good_service_is_praised() -> None:
    assert rules(service(GOOD)) == set()


@pytest.mark.parametrize(("rule", "body"), BAD)
def test_each_mistake_is_found(rule: str, body: str) -> None:
    assert rule in rules(service(body))


@pytest.mark.parametrize(("rule", "text"), PAIRS.items())
def test_mistakes_of_two_services(rule: str, text: str) -> None:
    assert rule in rules(text)


@pytest.mark.parametrize(("rule", "text"), COMMANDS.items())
def test_mistakes_of_a_command(rule: str, text: str) -> None:
    assert rule in command_rules(text)
    assert rule not in command_rules(command_fixed(text))


def test_every_rule_is_tested() -> None:
    assert {rule.id for rule in lint.RULES} == {rule for rule, _ in BAD} | {*PAIRS, *COMMANDS}


@pytest.mark.parametrize(("rule", "body"), BAD)
def test_every_issue_says_what_to_write(rule: str, body: str) -> None:
    for issue in issues(service(body)):
        assert issue.why
        assert issue.edits or issue.advice
        assert issue.span.source.name == "compose.yaml"


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace("openai/gpt-oss-120b", "/models/gpt-oss-120b") + "volumes: ['./m:/models:ro']",
        GOOD.replace("openai/gpt-oss-120b", "/models/gpt-oss")
        + "volumes: [{type: bind, source: ., target: /models}]",
        GOOD.replace("shm_size: 16g", "ipc: host"),
        GOOD.replace("127.0.0.1:8000:8000", "[::1]:8000:8000"),
        GOOD.replace("v0.32.0", "latest@sha256:" + "0" * 64),
        GOOD.replace("131072", "$$CONTEXT"),
        GOOD.replace("--tensor-parallel-size 2", "--tensor-parallel-size ${TP}"),
    ],
)
def test_other_ways_to_write_it_right(body: str) -> None:
    assert rules(service(body)) == set()


def test_slots_may_share_one_cache() -> None:
    (slots,) = (body for rule, body in BAD if rule == "context.slots")
    assert "context.slots" not in rules(service(slots.replace("-np 2", "-np 2 --kv-unified")))


def test_alternatives_of_two_profiles_may_share_a_gpu() -> None:
    text = PAIRS["gpu.sharing"].replace("gpus: 1", "gpus: 1, profiles: [p]", 1)
    assert "gpu.sharing" in rules(text)
    assert "gpu.sharing" not in rules(text.replace("6}", "6, profiles: [q]}"))


def test_memory_of_labels_is_held_against_the_gpu() -> None:
    one = "image: x\nlabels: {stackctl.vram_mib: 30000}\n" + GPU_0
    text = service(one, "a") + service(one, "b").removeprefix("services:\n")
    assert "gpu.sharing" in rules(text, gpu_mib=46080)
    assert "gpu.sharing" not in rules(text, gpu_mib=81920)
    assert "gpu.sharing" not in rules(text)


def test_a_gateway_may_be_open() -> None:
    assert "port.open" not in rules("services: {g: {image: 'haproxy:3.2', ports: ['443:443']}}")


def test_what_is_not_safe_is_not_written() -> None:
    text = service(GOOD.replace(":v0.32.0", "").replace("127.0.0.1:", "") + "privileged: true\n")
    assert fixed(text) == text


def test_a_shared_anchor_is_left_alone() -> None:
    text = (
        "x-c: &c {runtime: nvidia}\nservices:\n"
        "  a: {<<: *c, image: x}\n  b: {<<: *c, image: x, environment: [CUDA_VISIBLE_DEVICES=1]}\n"
    )
    assert "gpu.runtime" in rules(text)
    assert fixed(text) == text


def test_vllms_own_parser_is_heard() -> None:
    project = lint.load(lint.Source("c", service(GOOD)), {}, lambda _: None)
    verdict = lint.Verdict("vLLM 0.33 in its image", ("unrecognized arguments: --max-model-len",))
    found = lint.examine(project, lint.Known(0, {"one": verdict}))
    assert [(i.rule, i.span.line) for i in found] == [("flag.unknown", 4)]
    assert "vLLM 0.33" in found[0].why
