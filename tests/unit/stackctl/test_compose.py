"""Compose: command lines, its JSON, the override, its errors; and the stack of each profile.

After a wanted change: `GOLDEN_UPDATE=1 pytest tests/unit/stackctl/test_compose.py`, then read the
diff of tests/golden.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackctl import compose
from stackctl.model import GpuRequest, Mount, Placement, Port, StackError
from tests.unit.stackctl.box import ROOT

GOLDEN = ROOT / "tests" / "golden"
PROFILES = sorted(path.stem for path in (ROOT / "env/hardware").glob("*.env"))


def same_as_golden(path: Path, text: str) -> None:
    if os.environ.get("GOLDEN_UPDATE"):
        path.write_text(text)
    assert text == path.read_text(), f"differs from {path.relative_to(ROOT)}"


def test_argv() -> None:
    files = [Path("/r/env/images.env"), Path("/r/env/hardware/x.env")]
    assert compose.argv(Path("/r/c.yaml"), files, "config", "-q") == [
        *("docker", "compose", "--env-file", "/r/env/images.env"),
        *("--env-file", "/r/env/hardware/x.env", "-f", "/r/c.yaml", "config", "-q"),
    ]
    assert compose.argv(Path("c"), [], "create", override="o") == [
        *("docker", "compose", "-f", "c", "-f", "o", "create")
    ]


RAW: dict[str, Any] = {
    "name": "stackctl",
    "services": {
        "main": {
            "image": "engine:1",
            "labels": {
                "stackctl.role": "main",
                "stackctl.engine": "vllm",
                "stackctl.model": "openai/gpt-oss-120b",
                "stackctl.context": "131072",
                "stackctl.port": "8000",
                "stackctl.vram_mib": "66400",
            },
            "ports": [
                {"host_ip": "127.0.0.1", "target": 8000, "published": "8001", "protocol": "tcp"},
                {"target": 9000},
            ],
            "volumes": [{"type": "bind", "source": "/srv/models", "target": "/models"}],
            "depends_on": {"coder": {"condition": "service_started"}},
            "deploy": {
                "resources": {
                    "reservations": {
                        "devices": [
                            {"capabilities": ["gpu"], "driver": "nvidia", "device_ids": ["0", "1"]}
                        ]
                    }
                }
            },
        },
        "proxy": {"image": "haproxy:3"},
    },
}


def test_parse() -> None:
    stack = compose.parse(json.dumps(RAW))
    assert stack.project == "stackctl"
    (main,) = stack.services  # the proxy carries no contract
    assert (main.name, main.role, main.engine, main.model) == (
        *("main", "main", "vllm", "openai/gpt-oss-120b"),
    )
    assert (main.context, main.port, main.vram_mib) == (131072, 8000, 66400)
    assert main.gpus == GpuRequest("nvidia", ("0", "1"))
    assert main.ports == (Port("127.0.0.1", 8001, 8000),)
    assert main.mounts == (Mount("/srv/models", "/models", True),)
    assert main.depends_on == ("coder",)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([{"capabilities": ["gpu"], "count": -1}], GpuRequest("", (), -1)),
        ([{"capabilities": ["tpu"]}, {"capabilities": ["gpu"], "count": 2}], GpuRequest(count=2)),
        (None, GpuRequest()),
    ],
)
def test_parse_gpus(devices: Any, expected: GpuRequest) -> None:
    raw = json.loads(json.dumps(RAW))
    raw["services"]["main"]["deploy"]["resources"]["reservations"]["devices"] = devices
    assert compose.parse(json.dumps(raw)).services[0].gpus == expected


def test_parse_nothing() -> None:
    assert compose.parse('{"name": "x", "services": null}').services == ()


def test_parse_no_json() -> None:
    with pytest.raises(StackError, match="no JSON"):
        compose.parse("WARN something")


def test_parse_a_label_that_is_no_number() -> None:
    raw = json.loads(json.dumps(RAW))
    raw["services"]["main"]["labels"]["stackctl.context"] = "128k"
    with pytest.raises(StackError, match=r"stackctl\.context is '128k'") as caught:
        compose.parse(json.dumps(raw))
    assert caught.value.exit_code == 2


PLACEMENT = Placement(
    {
        "coder": GpuRequest("nvidia", ("GPU-00000003-0000-4000-8000-000000000000",)),
        "main": GpuRequest("cdi", ("nvidia.com/gpu=GPU-a", "nvidia.com/gpu=GPU-b")),
    },
    {},
)


def test_override_replaces_the_list_and_keeps_ids_apart() -> None:
    text = compose.override(PLACEMENT)
    same_as_golden(GOLDEN / "override.yaml", text)
    assert text.count("!override") == 2
    assert "GPU-a,nvidia" not in text


@pytest.mark.parametrize(
    ("stderr", "message", "fix", "code"),
    [
        (
            "error while interpolating services.main.image: required variable VLLM_IMAGE is "
            "missing a value: VLLM_IMAGE is set in env/images.env",
            "required variable VLLM_IMAGE",
            "git checkout",
            2,
        ),
        (
            'time="x" level=warning msg="the attribute"\nError response from daemon: pull access '
            "denied for stackctl/sim-whisper, repository does not exist",
            "does not exist, or only for those who log in",
            "make setup",
            1,
        ),
        (
            "Error response from daemon: manifest for ollama/ollama:9 not found: manifest unknown:"
            " manifest unknown",
            "tag does not exist",
            "env/images.env",
            1,
        ),
        (
            "Error response from daemon: failed to resolve reference: dial tcp: lookup "
            "registry.example: no such host",
            "registry is not reachable",
            "docker load",
            1,
        ),
        ("write /var/lib/docker/x: no space left on device", "disk is full", "prune", 1),
        (
            'Error response from daemon: could not select device driver "nvidia" with '
            "capabilities: [[gpu]]",
            "the NVIDIA Container Toolkit is missing",
            "nvidia-ctk runtime configure",
            1,
        ),
        (
            "Error response from daemon: CDI device injection failed: unresolvable CDI devices "
            "nvidia.com/gpu=7",
            "the CDI specification does not have this GPU",
            "nvidia-ctk cdi generate",
            1,
        ),
        ("yaml: line 3: did not find expected key", "line 3", "correct the file", 2),
        ("", "no reason given", "correct the file", 2),
    ],
)
def test_explain(stderr: str, message: str, fix: str, code: int) -> None:
    error = compose.explain(stderr)
    assert message in error.message
    assert "Error response from daemon" not in error.message
    assert fix in error.fix
    assert error.exit_code == code


def test_a_warning_is_never_the_reason() -> None:
    text = 'services.x: no such thing\ntime="x" level=warning msg="orphans"'
    assert "no such thing" in compose.explain(text).message


needs_compose = pytest.mark.skipif(not shutil.which("docker"), reason="no docker command here")
KNOBS = ("MAIN_", "CODER_", "AUDIO_", "IMAGE_", "BIND_", "MODELS_", "COMPOSE_", "STACK")


@cache
def resolved(profile: str, *knobs: str, override: str = "") -> dict[str, Any]:
    """What `docker compose config` makes of a hardware profile; it needs no daemon."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(KNOBS)}
    files = [ROOT / "env/images.env", ROOT / f"env/hardware/{profile}.env"]
    words = ("config", "--format", "json")
    command = compose.argv(ROOT / "compose/compose.yaml", files, *words, override=override)
    done = subprocess.run(
        command,
        env=kept | dict(knob.split("=") for knob in knobs),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.docker
@needs_compose
@pytest.mark.parametrize("profile", PROFILES)
def test_resolved_stack_is_as_recorded(profile: str) -> None:
    services = resolved(profile)["services"]
    text = yaml.safe_dump(services, width=100).replace(str(ROOT), "ROOT")
    same_as_golden(GOLDEN / "compose" / f"{profile}.yaml", text)


@pytest.mark.docker
@needs_compose
@pytest.mark.parametrize("profile", PROFILES)
def test_the_contract_of_every_service(profile: str) -> None:
    config = resolved(profile)
    assert config["name"] == "stackctl"
    assert config["services"]
    for name, raw in engines(config).items():
        (device,) = raw["deploy"]["resources"]["reservations"]["devices"]
        assert all(i.isdecimal() for i in device["device_ids"]), "ids as separate strings"
        assert device["capabilities"] == ["gpu"]
        assert "runtime" not in raw
        assert not raw.get("privileged")
        assert not {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"} & set(raw["environment"])
        assert raw["environment"]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        assert raw["init"] is True
        assert raw["security_opt"] == ["no-new-privileges:true"]
        assert raw["restart"] == "unless-stopped"
        assert {"max-size", "max-file"} <= set(raw["logging"]["options"])
        assert raw["healthcheck"]["test"][:3] == ["CMD", "sh", "/healthchecks/engine.sh"]
        assert [p["host_ip"] for p in raw["ports"]] == ["127.0.0.1"]
        image, _, tag = raw["image"].rpartition(":")
        assert image, raw["image"]
        assert tag != "latest"
        assert raw["labels"]["stackctl.role"] == name
        assert int(raw["environment"]["STACK_GPUS"]) == len(device["device_ids"])
        if len(device["device_ids"]) > 1:
            assert int(raw["shm_size"]) >= 8 << 30
        if raw["labels"]["stackctl.engine"] == "ollama":
            assert raw["environment"]["OLLAMA_KEEP_ALIVE"] == "-1"


def engines(config: dict[str, Any]) -> dict[str, Any]:
    return {name: raw for name, raw in config["services"].items() if name != "gateway"}


@pytest.mark.docker
@needs_compose
@pytest.mark.parametrize("profile", PROFILES)
def test_the_gateway_may_do_nothing_but_listen(profile: str) -> None:
    raw = resolved(profile)["services"]["gateway"]
    assert raw["read_only"] is True
    assert raw["cap_drop"] == ["ALL"]
    assert raw["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(raw)
    assert raw["user"].split(":")[0] != "0"
    assert not [v for v in raw["volumes"] if "docker.sock" in v["source"]]
    assert {v["target"] for v in raw["volumes"] if not v.get("read_only")} == {"/run/haproxy"}
    assert {p["host_ip"] for p in raw["ports"]} == {"127.0.0.1"}
    image, _, tag = raw["image"].rpartition(":")
    assert image, raw["image"]
    assert tag != "latest"


@pytest.mark.docker
@needs_compose
def test_one_knob_is_the_context() -> None:
    main = resolved("rtx8000x4", "MAIN_CONTEXT=4096")["services"]["main"]
    assert main["environment"]["STACK_CONTEXT"] == "4096"
    assert main["labels"]["stackctl.context"] == "4096"
    assert "131072" not in json.dumps(main)


@pytest.mark.docker
@needs_compose
def test_ports_are_bound_where_the_knob_says() -> None:
    services = resolved("rtx8000x4", "BIND_ADDRESS=192.168.1.5", "MAIN_PORT=9001")["services"]
    mine = {name: raw for name, raw in services.items() if name != "gateway"}
    assert {p["host_ip"] for s in mine.values() for p in s["ports"]} == {"192.168.1.5"}
    assert {p["host_ip"] for p in services["gateway"]["ports"]} == {"127.0.0.1"}
    assert services["main"]["ports"][0]["published"] == "9001"


@pytest.mark.docker
@needs_compose
@pytest.mark.parametrize("engine", ["llama-cpp", "ollama", "vllm"])
def test_every_language_engine_can_take_the_large_role(engine: str) -> None:
    main = resolved("rtx8000x4", f"MAIN_ENGINE={engine}")["services"]["main"]
    assert main["labels"]["stackctl.engine"] == engine
    assert main["environment"]["STACK_MODEL"] == "gpt-oss:120b"


@pytest.mark.docker
@needs_compose
def test_a_second_container_has_other_gpus_and_no_ports(tmp_path: Path) -> None:
    target = tmp_path / "rollout.yaml"
    file = ROOT / "compose/roles/coder.yaml"
    request = GpuRequest("cdi", ("nvidia.com/gpu=2",))
    target.write_text(compose.beside("coder", "coder-next", file, request))
    services = resolved("rtx8000x4", "COMPOSE_PROFILES=*", override=str(target))["services"]
    old, new = services["coder"], services["coder-next"]
    assert "ports" not in new
    assert new["profiles"] == ["coder-next"]
    assert new["labels"] == {**old["labels"], "stackctl.role": "coder-next"}
    (device,) = new["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["device_ids"]) == ("cdi", ["nvidia.com/gpu=2"])
    same = ("image", "entrypoint", "environment", "volumes", "healthcheck", "shm_size")
    assert {key: new[key] for key in same} == {key: old[key] for key in same}


@pytest.mark.docker
@needs_compose
def test_compose_takes_the_override_as_a_replacement(tmp_path: Path) -> None:
    target = tmp_path / "placement.yaml"
    target.write_text(compose.override(PLACEMENT))
    config = resolved("rtx8000x4", override=str(target))
    stack = compose.parse(json.dumps(config))
    gpus = {service.name: service.gpus for service in stack.services}
    assert gpus["main"] == PLACEMENT.requests["main"]
    assert gpus["coder"] == PLACEMENT.requests["coder"]
    assert gpus["audio"] == GpuRequest("nvidia", ("2",))
    for name in ("main", "coder"):
        devices = config["services"][name]["deploy"]["resources"]["reservations"]["devices"]
        assert len(devices) == 1
