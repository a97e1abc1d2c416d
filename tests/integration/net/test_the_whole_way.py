"""The stack's own gateway in the laboratory, as an owner would open it, and a look from outside."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest

from tests.lab import Lab, Run
from tests.lab.lab import REPOSITORY

pytestmark = pytest.mark.docker

IMAGE = "stackctl/sim-haproxy:1"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Four commands on a host behind a home router: tls init, up, net forward add."""
    home = tmp_path_factory.mktemp("clone")
    for part in ("compose", "env", "healthchecks"):
        shutil.copytree(REPOSITORY / part, home / part)
    settings = {"GATEWAY_BIND": "0.0.0.0", "GATEWAY_IMAGE": IMAGE, "COMPOSE_PROFILES": "gateway"}
    own = "".join(f"{name}={value}\n" for name, value in settings.items())
    (home / "env" / "stack.env").write_text(own)
    with Lab(home=home) as lab:
        lab.load(IMAGE)
        stackctl(lab, "tls", "init")
        stackctl(lab, "up", "gateway")
        stackctl(lab, "net", "forward", "add")
        yield lab


def stackctl(lab: Lab, *words: str) -> Run:
    done = lab.stackctl(*words)
    assert done.code == 0, done.text
    return done


def test_a_client_of_the_internet_is_let_in_with_a_key_only(opened: Lab) -> None:
    assert json.loads(opened.wan_get(8443))["error"]["code"] == "invalid_api_key"
    url = f"https://{opened.wan_address}:8443"
    assert opened.wan("curl", "-sk", f"{url}/healthz").out == "ok"
    asked = opened.wan("curl", "-sk", "-H", "Authorization: Bearer x", f"{url}/v1/models")
    assert json.loads(asked.out)["error"]["code"] == "invalid_api_key"


def test_of_all_ports_one_is_open_to_the_internet(opened: Lab) -> None:
    scan = (
        "nmap",
        "-Pn",
        "-n",
        "-p-",
        "-T5",
        "--max-retries",
        "1",
        "--min-rate",
        "10000",
        "-oG",
        "-",
    )
    found = opened.wan(*scan, opened.wan_address, seconds=300)
    assert found.code == 0, found.text
    assert re.findall(r"(\d+)/open", found.out) == ["8443"]


def test_the_way_is_told_as_it_is(opened: Lab) -> None:
    assert "forwarding: external TCP 8443 -> 192.168.77.2:8443" in stackctl(opened, "net").out
    assert "held" in stackctl(opened, "net", "forward", "list").out
