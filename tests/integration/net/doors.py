"""A gateway, an engine and a stranger's container in the laboratory, each with its real answer."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stackctl.system.certificates import make
from tests.lab import PUBLIC, Lab, Run
from tests.lab.lab import DOOR, LAN

GATEWAY = ("stackctl.role=gateway", "stackctl.engine=haproxy")
ENGINE = ("stackctl.role=coder", "stackctl.engine=llama-cpp")
TO_GATEWAY = f"https://{PUBLIC}:8443"

_NO_KEY = '{"error":{"message":"no key","type":"invalid_request_error","param":null,"code":"x"}}'
_MODELS = '{"object":"list","data":[{"id":"coder"}]}'
_LOGIN = "<html><title>Router login</title></html>"
_CONFIG = """\
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend all
    bind :8080
    {tls}
    http-request return status {status} content-type {type} string '{body}'
"""


def clone(folder: Path) -> Path:
    """What stackctl takes for its clone, with an authority of its own and the containers' files."""
    (folder / "compose").mkdir()
    (folder / "compose" / "compose.yaml").touch()
    now = datetime.datetime.now(datetime.UTC)
    ca = make.authority("lab", [PUBLIC], now)
    server = make.server(ca, [LAN, "127.0.0.1", PUBLIC], 30, now)
    tls = folder / ".stackctl" / "tls"
    tls.mkdir(parents=True)
    (tls / "ca.pem").write_bytes(ca.pem)
    (folder / "server.pem").write_bytes(server.pem + server.key_pem)
    for name, bind, status, kind, body in (
        ("gateway", "bind :8443 ssl crt /server.pem", 401, "application/json", _NO_KEY),
        ("bare", "", 401, "application/json", _NO_KEY),
        ("engine", "", 200, "application/json", _MODELS),
        ("login", "bind :8443 ssl crt /server.pem", 200, "text/html", _LOGIN),
    ):
        text = _CONFIG.format(tls=bind, status=status, type=kind, body=body)
        (folder / f"{name}.cfg").write_text(text)
    for path in folder.glob("*.*"):
        path.chmod(0o644)
    return folder


def start(
    lab: Lab, name: str, *ports: str, kind: str = "", labels: tuple[str, ...] = (), words: str = ""
) -> None:
    """A container that answers as a gateway, a gateway without TLS (bare), an engine, a login page.
    It listens when this returns."""
    assert lab.home
    lab.docker("rm", "--force", name)
    mounts = {f"{kind or name}.cfg": "door.cfg", "server.pem": "server.pem"}
    lab.docker(
        *("run", "--detach", "--name", name, *words.split()),
        *(word for port in ports for word in ("--publish", port)),
        *(word for label in labels for word in ("--label", label)),
        *(word for a, b in mounts.items() for word in ("--volume", f"{lab.home}/{a}:/{b}:ro")),
        DOOR,
    )
    at = lab.docker(
        *("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    ).out.strip()
    until(lambda: code(lab.lan, f"http://{at}:8080/") != "000")


def code(machine: Callable[..., Run], url: str, seconds: int = 1) -> str:
    """The status that a machine gets of a URL; 000 if none. All of them are on this machine."""
    words = ("-gsko", "/dev/null", "-m", str(seconds), "-w", "%{http_code}")
    return machine("curl", *words, url).out


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def said(lab: Lab, *words: str, status: int = 0) -> Any:
    """What `stackctl ... --json` says."""
    done = lab.stackctl(*words, "--json")
    assert done.code == status, done.text
    return json.loads(done.out)


def forward_all(lab: Lab, *, hairpin: bool = False) -> None:
    """On the router by hand: every port leads to the host ("DMZ host")."""
    source = "" if hairpin else "iifname wan0 "
    if hairpin:
        # else this kernel sends it on below the router, and no bridge sends back where it came from
        off = "echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables"
        assert lab.router("sh", "-c", f"test ! -d /proc/sys/net/bridge || {off}").code == 0
    for rule in (
        f"insert rule inet filter prerouting {source}ip daddr {PUBLIC} dnat ip to {LAN}",
        "insert rule inet filter forward ct status dnat accept",
        f"insert rule inet filter postrouting ip saddr 192.168.77.0/24 ip daddr {LAN} masquerade",
    ):
        done = lab.router("nft", rule)
        assert done.code == 0, done.text
