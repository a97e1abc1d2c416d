"""The ways to write a command, an environment and a stack in several files."""

from __future__ import annotations

import pytest

from stackctl import lint
from stackctl.lint.interpolate import interpolate
from stackctl.model import StackError
from tests.unit.stackctl.lint.linting import command_fixed, command_rules, load, service

ARGS = "--model openai/gpt-oss-20b --max-model-len 4096"
COMMANDS = [
    f"command: {ARGS}",
    'command: ["--model", "openai/gpt-oss-20b", "--max-model-len=4096"]',
    "entrypoint: vllm serve\ncommand: openai/gpt-oss-20b --max-model-len 4096",
    f"entrypoint: python3 -m vllm.entrypoints.openai.api_server\ncommand: {ARGS}",
    "command:\n  - --model\n  - openai/gpt-oss-20b\n  - --max_model_len\n  - '4096'",
    "command: >-\n  --model openai/gpt-oss-20b\n  --max-model-len 4096",
    "command: |\n  --model openai/gpt-oss-20b\n  --max-model-len 4096",
    "entrypoint: [bash, -lc]\ncommand: ["
    "'cd / && exec vllm serve openai/gpt-oss-20b --max-model-len 4096 2>&1 | tee /log']",
    'entrypoint: sh -c "vllm serve openai/gpt-oss-20b --max-model-len 4096"',
    "environment: {M: openai/gpt-oss-20b}\nentrypoint:\n  - /bin/sh\n  - -c\n  - |\n"
    '    exec vllm serve "$$M" \\\n      --max-model-len "${CTX:-4096}"',
]


@pytest.mark.parametrize("body", COMMANDS)
def test_a_command_is_read_however_it_is_written(body: str) -> None:
    (one,) = load(service(f"image: vllm/vllm-openai:v0.32.0\n{body}")).services
    assert one.engine == "vllm"
    assert one.flag_number("context") == 4096
    assert one.family
    assert one.family.name == "gpt-oss"


@pytest.mark.parametrize(
    ("body", "engine"),
    [
        ("image: x\nlabels: [stackctl.engine=sglang]", "sglang"),
        ("image: my/own\ncommand: llama-server -m /x", "llama-cpp"),
        (
            "image: nvcr.io/nvidia/tensorrt-llm/release:1\ncommand: trtllm-serve m",
            "tensorrt-llm",
        ),
        ("image: docker.io/ollama/ollama:1", "ollama"),
        ("image: ghcr.io/ggml-org/whisper.cpp:main-cuda", "whisper"),
        ("image: yanwk/comfyui-boot:cu130-slim-v2", "comfyui"),
        ("image: postgres:17", ""),
    ],
)
def test_an_engine_is_known_by_label_image_or_command(body: str, engine: str) -> None:
    assert load(service(body)).services[0].engine == engine


@pytest.mark.parametrize(
    ("body", "ids", "count"),
    [
        ("gpus: all", (), -1),
        ("gpus: 2", (), 2),
        ("gpus: [{driver: nvidia, device_ids: ['1']}]", ("1",), 0),
        ("devices: [nvidia.com/gpu=0, nvidia.com/gpu=3]", ("0", "3"), 0),
        ("devices: [nvidia.com/gpu=all]", (), -1),
        ("devices: ['/dev/nvidia1:/dev/nvidia1', /dev/nvidiactl]", ("1",), 0),
        (
            "deploy: {resources: {reservations: {devices: "
            "[{driver: cdi, device_ids: ['nvidia.com/gpu=2'], capabilities: [gpu]}]}}}",
            ("2",),
            0,
        ),
        ("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", (), -1),
    ],
)
def test_gpus_are_read_however_they_are_given(body: str, ids: tuple[str, ...], count: int) -> None:
    gpus = load(service(f"image: x\n{body}")).services[0].gpus
    assert (gpus.ids, gpus.count) == (ids, count)


def test_extends_and_include_are_followed_and_findings_name_their_file() -> None:
    base = "services:\n  e:\n    image: ollama/ollama:latest\n    runtime: nvidia\n"
    main = "include: [more.yaml]\nservices:\n  a:\n    extends: {file: base.yaml, service: e}\n"
    more = "services:\n  b: {image: 'ollama/ollama:1'}\n"
    project = load(main, base_yaml=base, more_yaml=more)
    assert {s.name for s in project.services} == {"a", "b"}
    found = lint.examine(project, lint.Known())
    assert ("image.tag", "base.yaml:3") in {(i.rule, str(i.span)) for i in found}
    # what several services may share is told, and left to a person
    assert not [i for i in found if i.rule == "gpu.runtime" and i.edits]


def test_override_replaces_and_reset_takes_away_what_is_extended() -> None:
    text = """
services:
  a: {image: x, ports: ["8001:8000"], profiles: [a], runtime: nvidia}
  b:
    extends: a
    ports: !override ["8002:8000"]
    profiles: !override [b]
    runtime: !reset null
"""
    a, b = load(text).services
    assert [p.host for p in a.ports] == ["8001"]
    assert [p.host for p in b.ports] == ["8002"]
    assert b.profiles == {"b"}
    assert not b.runtime


def test_extends_in_a_circle_ends() -> None:
    load("services: {a: {extends: b}, b: {extends: a}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}", "1"),
        ("${B}", "${B}"),
        ("${B:-x}", "x"),
        ("${B-}", ""),
        ("${E:-x}${E-x}", "x"),
        ("${B:-${A}}", "1"),
        ("${A:+y}${B:+y}", "y"),
        ("${B:?must}", "${B:?must}"),
        ("$$A", "$A"),
    ],
)
def test_variables_are_read_as_compose_reads_them(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "1", "E": ""}) == expected


def test_a_docker_run_is_corrected() -> None:
    before = (
        "docker run -d --runtime=nvidia \\\n  -e NVIDIA_VISIBLE_DEVICES=0,1 \\\n"
        "  -p 127.0.0.1:8000:8000 \\\n  vllm/vllm-openai:v0.32.0 \\\n"
        "  --model openai/gpt-oss-120b \\\n  --tensor-parallel-size 2"
    )
    assert command_fixed(before) == (
        "docker run -d \\\n"
        "  -p 127.0.0.1:8000:8000 \\\n  --gpus '\"device=0,1\"' \\\n  --shm-size 16g \\\n"
        "  vllm/vllm-openai:v0.32.0 \\\n"
        "  --model openai/gpt-oss-120b \\\n  --tensor-parallel-size 2 \\\n  --max-model-len 131072"
    )


def test_a_mask_of_a_process_on_the_host_is_right() -> None:
    assert (
        command_rules("CUDA_VISIBLE_DEVICES=0 vllm serve m --host ::1 --max-model-len 9") == set()
    )


def test_a_program_that_is_no_engine_is_left_alone() -> None:
    text = "docker run --rm --gpus all nvidia/cuda:12.2.0-base-ubuntu22.04 nvidia-smi"
    assert command_rules(text) == set()


@pytest.mark.parametrize("text", ["", "ls -l", "docker logs x", "vllm serve 'x"])
def test_another_command_is_a_usage_error(text: str) -> None:
    with pytest.raises(StackError) as raised:
        command_rules(text)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "compose.yaml:1: it is empty"),
        ("a: [1\nb: {", "compose.yaml:2:2: "),
        ("- a", "compose.yaml:1: no compose file"),
        ("main: {image: x}", "neither `services` nor `include`"),
        ("services: [a]", "is no map of services"),
        ("services: {a: 1}", "service a is no map"),
        ("services:\n  a: {image: x, image: y}", "compose.yaml:2: image: this key is there twice"),
        ("a: &a [*a]", "holds itself"),
        ("services:\n  a:\n\timage: x", "compose.yaml:3:1: "),
        ("a: 1\n---\nb: 2", "another document"),
    ],
)
def test_what_is_no_compose_file_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(StackError) as raised:
        load(text)
    assert message in raised.value.message
    assert raised.value.exit_code == 2
