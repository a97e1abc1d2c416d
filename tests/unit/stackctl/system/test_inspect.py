"""The daemon's JSON of a container -> our words."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.model import GpuRequest, Mount, Port
from stackctl.system import inspect

RAW: dict[str, Any] = {
    "Id": "b8b9" * 16,
    "Name": "/stackctl-main-1",
    "Image": "sha256:1f",
    "RestartCount": 2,
    "Config": {
        "Image": "engine:1",
        "Env": ["PATH=/bin"],
        "Labels": {
            "com.docker.compose.project": "stackctl",
            "com.docker.compose.service": "main",
            "stackctl.role": "main",
            "stackctl.engine": "llama-cpp",
            "stackctl.model": "gpt-oss-120b",
            "stackctl.context": "131072",
            "stackctl.port": "8000",
            "stackctl.vram_mib": "66400",
        },
    },
    "HostConfig": {
        "Runtime": "runc",
        "PortBindings": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8001"}]},
        "DeviceRequests": [{"Driver": "nvidia", "Count": 0, "DeviceIDs": ["0", "1"]}],
    },
    "Mounts": [
        {"Type": "bind", "Source": "/srv/models", "Destination": "/models"},
        {"Type": "volume", "Name": "cache", "Source": "", "Destination": "/cache"},
    ],
    "State": {
        "Status": "running",
        "StartedAt": "2026-11-21T03:05:28.083383184Z",
        "ExitCode": 0,
        "Error": "",
        "OOMKilled": False,
        "Health": {"Status": "healthy"},
    },
    "NetworkSettings": {"Ports": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8001"}]}},
}


def test_service() -> None:
    found = inspect.service(RAW)
    assert (found.name, found.role, found.engine, found.model) == (
        *("main", "main", "llama-cpp", "gpt-oss-120b"),
    )
    assert (found.context, found.port, found.vram_mib, found.image) == (
        *(131072, 8000, 66400, "engine:1"),
    )
    assert found.ports == (Port("127.0.0.1", 8001, 8000),)
    assert found.mounts == (Mount("/srv/models", "/models", True), Mount("cache", "/cache", False))
    assert found.gpus == GpuRequest("nvidia", ("0", "1"))


def test_a_container_that_somebody_else_started() -> None:
    config = {"Labels": {"stackctl.role": "x", "stackctl.context": "128k"}, "Env": None}
    found = inspect.service({"Name": "/mine", "Config": config, "HostConfig": {}})
    assert (found.name, found.role, found.context, found.gpus) == ("mine", "x", None, GpuRequest())


def test_container() -> None:
    found = inspect.container(RAW, 8000)
    assert (found.name, found.project, found.state, found.running, found.health) == (
        *("stackctl-main-1", "stackctl", "running", True, "healthy"),
    )
    assert found.started_at == pytest.approx(1795230328.083, abs=0.01)
    assert (found.restarts, found.url) == (2, "http://127.0.0.1:8001")
    assert found.image_id == "sha256:1f"


def test_a_container_that_never_ran() -> None:
    state = {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z", "Error": "no GPU"}
    found = inspect.container({**RAW, "State": state}, 8000)
    assert (found.started_at, found.running, found.error, found.health) == (
        *(0.0, False, "no GPU", ""),
    )


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"Ports": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}]}}, "http://127.0.0.1:1"),
        ({"Ports": {"8000/tcp": [{"HostIp": "", "HostPort": "1"}]}}, "http://127.0.0.1:1"),
        ({"Ports": {"8000/tcp": [{"HostIp": "::", "HostPort": "1"}]}}, "http://127.0.0.1:1"),
        ({"Ports": {"8000/tcp": [{"HostIp": "fd00::5", "HostPort": "1"}]}}, "http://[fd00::5]:1"),
        ({"Ports": {"8000/tcp": [{"HostIp": "10.0.0.5", "HostPort": "1"}]}}, "http://10.0.0.5:1"),
        (
            {"Ports": {"8000/tcp": None}, "Networks": {"n": {"IPAddress": "172.18.0.3"}}},
            "http://172.18.0.3:8000",
        ),
        ({"Networks": {"n": {"IPAddress": ""}}}, ""),
        (None, ""),
    ],
)
def test_url(settings: Any, url: str) -> None:
    assert inspect.url({"NetworkSettings": settings}, 8000) == url


@pytest.mark.parametrize(
    ("host", "env", "expected"),
    [
        (
            {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=GPU-1"]}]},
            [],
            GpuRequest("cdi", ("nvidia.com/gpu=GPU-1",)),
        ),
        (
            {"DeviceRequests": [{"Driver": "nvidia", "DeviceIDs": ["0,1"]}]},
            [],
            GpuRequest("nvidia", ("0", "1")),
        ),
        ({"DeviceRequests": [{"Driver": "", "Count": -1}]}, [], GpuRequest("", (), -1)),
        (
            {
                "DeviceRequests": [
                    {"Driver": "cdi", "DeviceIDs": ["intel.com/npu=0"]},
                    {"Driver": "nvidia", "DeviceIDs": ["2"]},
                ]
            },
            [],
            GpuRequest("nvidia", ("2",)),
        ),
        ({"Runtime": "nvidia"}, ["NVIDIA_VISIBLE_DEVICES=all"], GpuRequest("runtime", (), -1)),
        (
            {"Runtime": "nvidia"},
            ["A=b", "NVIDIA_VISIBLE_DEVICES=0,2"],
            GpuRequest("runtime", ("0", "2")),
        ),
        ({"Runtime": "nvidia"}, ["NVIDIA_VISIBLE_DEVICES=void"], GpuRequest()),
        ({"Runtime": "nvidia"}, [], GpuRequest()),
        ({"Runtime": "runc"}, ["NVIDIA_VISIBLE_DEVICES=all"], GpuRequest()),
        ({"DeviceRequests": None}, [], GpuRequest()),
    ],
)
def test_gpu_request(host: dict[str, Any], env: list[str], expected: GpuRequest) -> None:
    assert inspect.gpu_request(host, env) == expected


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("", 0.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10.500000001Z", 10.5),
    ],
)
def test_seconds(stamp: str, seconds: float) -> None:
    assert inspect.seconds(stamp) == pytest.approx(seconds)
