"""Pebble: a real ACME server, beside the gateway, which knows names as the internet would."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from stackctl.system.certificates import make
from tests.integration.gateway.door import Door, until
from tests.integration.stack.box import docker, free_ports

HERE = Path(__file__).parent
COMMON = HERE.parents[3] / "compose" / "images" / "common"
IMAGE = "stackctl/test-acme:1"
#: leads to the gateway; to an address where nobody listens; is on no list of the authority
NAME, ASTRAY, BLOCKED = "ai.example.test", "astray.example.test", "blocked.example.test"
_PROOFS = 8081  # of the gateway, inside its container; outside a router would make 80 of it


@dataclass(frozen=True)
class Pebble:
    ca: Path  # of its own HTTPS
    port: int
    management: int

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/dir"

    def root(self) -> str:
        """The root of the certificates that it gives, made anew at each start."""
        url = f"https://localhost:{self.management}/roots/0"
        return requests.get(url, verify=str(self.ca), timeout=10).text


def build() -> None:
    secret = os.environ.get("EXTRA_CA_FILE")
    docker(
        *("buildx", "build", "--builder", "default", "--load", "--quiet", "--tag", IMAGE),
        *("--build-context", f"common={COMMON}"),
        *(("--secret", f"id=extra_ca,src={secret}") if secret else ()),
        str(HERE / "acme_server"),
    )


@contextmanager
def pebble_server(door: Door, folder: Path) -> Iterator[Pebble]:
    build()
    port, management = free_ports(2)
    now = datetime.datetime.now(datetime.UTC)
    ca = make.authority("pebble", (), now)
    pair = make.server(ca, ["localhost", "127.0.0.1"], 10, now)
    config = {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "0.0.0.0:15000",
        "certificate": "/pebble/cert.pem",
        "privateKey": "/pebble/key.pem",
        "httpPort": _PROOFS,
        "tlsPort": 8443,
        "domainBlocklist": [BLOCKED],
        "retryAfter": {"authz": 1, "order": 1},
        "certificateValidityPeriod": 90 * 86400,
    }
    for name, data in {
        "ca.pem": ca.pem,
        "cert.pem": pair.pem,
        "key.pem": pair.key_pem,
        "config.json": json.dumps({"pebble": config}).encode(),
    }.items():
        (folder / name).write_bytes(data)
    found = json.loads(docker("inspect", door.container))[0]["NetworkSettings"]["Networks"]
    ((network, settings),) = found.items()
    name = f"stackctl-test-acme-{uuid.uuid4().hex[:8]}"
    try:
        docker(
            *("run", "--detach", "--name", name, "--network", network),
            *("--add-host", f"{NAME}:{settings['IPAddress']}", "--add-host", f"{ASTRAY}:127.0.0.1"),
            *("--publish", f"127.0.0.1:{port}:14000", "--publish", f"127.0.0.1:{management}:15000"),
            # no pauses, no nonces refused by chance; who has proven a name need not prove it again
            *("--env", "PEBBLE_VA_NOSLEEP=1", "--env", "PEBBLE_WFE_NONCEREJECT=0"),
            *("--env", "PEBBLE_AUTHZREUSE=100"),
            *("--volume", f"{folder}:/pebble:ro", IMAGE, "-config", "/pebble/config.json"),
        )
        made = Pebble(folder / "ca.pem", port, management)
        until(lambda: _answers(made), "Pebble answers")
        yield made
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def _answers(server: Pebble) -> bool:
    try:
        return requests.get(server.directory, verify=str(server.ca), timeout=5).ok
    except requests.ConnectionError:
        return False
