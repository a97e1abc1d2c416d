"""Backends and keys -> the files in conf/, which compose/gateway/haproxy.cfg reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from stackctl.gateway import keys as key_files
from stackctl.model.gateway import Backend, Files, Key, Server

#: where conf/ and tls/ are inside the container
CONF, TLS = "/etc/haproxy/stackctl", "/etc/haproxy/tls"
CERTIFICATE = "server.pem"
#: backends whose requests wait for a server; filled while one is replaced, empty at every start
HELD = "held.map"
HELD_THERE = f"{CONF}/{HELD}"
#: header in which the emulation of tool calls reads whom it is to ask
NAMED = "X-Stackctl-Server"
_FULL = (
    '{"error":{"message":"The queue of this model is full, try again later.",'
    '"type":"server_error","param":null,"code":"engine_overloaded"}}'
)
#: paths whose model need not be named where only one service can be meant
_PREFIX = {"audio": "/v1/audio/", "images": "/v1/images/", "comfyui": "/comfyui/"}


def files(backends: Sequence[Backend], keys: Sequence[Key], page: str, *, tls: bool) -> Files:
    """Every file of conf/, the same text for the same stack."""
    models = _map((name, b.name) for b in backends for name in _names(b) or (b.name,))
    return {
        "settings.cfg": _settings(tls),
        "backends.cfg": "\n".join(_backend(b) for b in backends),
        "models.map": models,
        "models.json": _models(backends),
        "affinity.map": _map((b.name, "1") for b in backends if len(b.servers) > 1),
        "defaults.map": _map(_defaults(backends)),
        HELD: "",
        "page.html": page,
        **key_files.maps(keys, key_files.models(models)),
    }


def _settings(tls: bool) -> str:
    certificate = f"    setenv TLS_CERT {TLS}/{CERTIFICATE}\n" if tls else ""
    return f"# Written by stackctl.\nglobal\n    setenv STACKCTL 1\n{certificate}"


def _backend(backend: Backend) -> str:
    lines = [
        f"backend {backend.name}",
        "    http-request return status 429 content-type application/json hdr Retry-After 5 "
        f"string '{_FULL}' if {{ queue({backend.name}) ge {backend.queue} }}",
        f"    option httpchk GET {backend.ready_path}",
        "    default-server check inter 2s fastinter 500ms fall 2 rise 1 resolvers docker "
        "resolve-prefer ipv4 init-addr last,libc,none init-state down",
    ]
    if any(server.emulated for server in backend.servers):
        # whom it is to ask, which only the choice of a server tells
        lines += [
            f"    http-send-name-header {NAMED}",
            f"    http-check send hdr {NAMED} %[srv_name]",
        ]
    if len(backend.servers) > 1:
        # who has the beginning of a conversation in its KV cache gets it again, unless it is busier
        # than the others by half
        lines += [
            "    balance hash var(txn.begin)",
            "    hash-type consistent sdbm avalanche",
            "    hash-balance-factor 150",
            "    hash-preserve-affinity maxconn",
        ]
    lines += [_server(server) for server in backend.servers]
    return "\n".join(lines) + "\n"


def _server(server: Server) -> str:
    return f"    server {server.name} {server.address} maxconn {server.slots}"


def _names(backend: Backend) -> tuple[str, ...]:
    return (backend.model, *backend.aliases) if backend.model else ()


def _defaults(backends: Sequence[Backend]) -> Iterable[tuple[str, str]]:
    """Path -> model; for ComfyUI, which has none, the name of its backend."""
    for api, prefix in _PREFIX.items():
        serving = [b for b in backends if b.api == api]
        if len(serving) == 1:
            yield prefix, serving[0].model or serving[0].name


def _models(backends: Sequence[Backend]) -> str:
    data = [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "stackctl",
            **({"max_model_len": b.context} if b.context else {}),
        }
        for b in backends
        for name in _names(b)
    ]
    return json.dumps({"object": "list", "data": data}) + "\n"


def _map(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key} {value}\n" for key, value in rows)
