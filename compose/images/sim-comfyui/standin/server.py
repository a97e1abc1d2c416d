"""ComfyUI's HTTP API, as much of it as health checks, the gateway and a smoke test use."""

import json
import logging
import mimetypes
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import device
import nodes
import validation
from jobs import Jobs
from nodes import Json

VERSION = "0.3.64 (stand-in)"
TORCH_VERSION = "none (stand-in)"
MODEL_FOLDERS = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "controlnet", "upscale_models",
)  # fmt: skip


@dataclass
class State:
    base: Path
    gpu: device.Device
    jobs: Jobs
    number: float = 0

    def models(self, folder: str) -> list[str]:
        found = (self.base / "models" / folder).rglob("*.safetensors")
        return sorted(str(path.relative_to(self.base / "models" / folder)) for path in found)

    def nodes(self) -> dict[str, nodes.Node]:
        return nodes.all_nodes(self.models("checkpoints"))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], state: State) -> None:
        super().__init__(address, Handler)
        self.state = state


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """ComfyUI logs no requests."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        # everything is reachable below /api too
        if parts[0] == "api":
            parts = parts[1:] or [""]
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        state = self.server.state
        match parts:
            case [""]:
                self._send(200, b"This is a stand-in for ComfyUI: there is no GUI.\n", "text/plain")
            case ["system_stats"]:
                self._json(_system_stats(state))
            case ["queue"]:
                self._json(state.jobs.queue())
            case ["prompt"]:
                self._json({"exec_info": {"queue_remaining": state.jobs.remaining()}})
            case ["history"]:
                self._json(state.jobs.history)
            case ["history", prompt_id]:
                entry = state.jobs.history.get(prompt_id)
                self._json({} if entry is None else {prompt_id: entry})
            case ["models"]:
                self._json(list(MODEL_FOLDERS))
            case ["models", folder] if folder in MODEL_FOLDERS:
                self._json(state.models(folder))
            case ["object_info", *names]:
                known = state.nodes()
                self._json(
                    {n: nodes.describe(n, known[n]) for n in known if not names or n in names}
                )
            case ["view"]:
                self._view(query)
            case _:
                self._nothing(404)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        routes: dict[str, Callable[[Json], None]] = {
            "/prompt": self._prompt,
            "/queue": self._edit_queue,
            "/interrupt": lambda _: self._nothing(200),
            "/free": lambda _: self._nothing(200),
        }
        if path not in routes:
            self._nothing(404)
            return
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            self._nothing(400)
            return
        routes[path](data)

    def _prompt(self, data: Json) -> None:
        logging.info("got prompt")
        state = self.server.state
        if not isinstance(data.get("prompt"), dict):
            error = {
                "type": "no_prompt",
                "message": "No prompt provided",
                "details": "No prompt provided",
                "extra_info": {},
            }
            self._json({"error": error, "node_errors": {}}, 400)
            return
        verdict = validation.judge(data["prompt"], state.nodes())
        if verdict.error:
            logging.warning("invalid prompt: %s", verdict.error)
            self._json({"error": verdict.error, "node_errors": verdict.node_errors}, 400)
            return
        extra = data.get("extra_data", {}) | {"client_id": data.get("client_id")}
        prompt_id, number = data.get("prompt_id") or str(uuid.uuid4()), state.number
        state.number += 1
        state.jobs.put((number, prompt_id, data["prompt"], extra, verdict.outputs))
        self._json({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})

    def _edit_queue(self, data: Json) -> None:
        if data.get("clear"):
            self.server.state.jobs.forget()
        self.server.state.jobs.forget(data.get("delete", []))
        self._nothing(200)

    def _view(self, query: dict[str, str]) -> None:
        name, base = query.get("filename", ""), self.server.state.base
        kind = query.get("type", "output")
        if (
            not name
            or name.startswith("/")
            or ".." in name
            or kind not in ("output", "input", "temp")
        ):
            self._nothing(404 if not name else 400)
            return
        root = (base / kind).resolve()
        folder = (root / query.get("subfolder", "")).resolve()
        if not folder.is_relative_to(root):
            self._nothing(403)
            return
        path = folder / Path(name).name
        if not path.is_file():
            self._nothing(404)
            return
        self._send(
            200, path.read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream"
        )

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def _nothing(self, status: int) -> None:
        text = f"{status}: Not Found".encode() if status == 404 else b""
        self._send(status, text, "text/plain; charset=utf-8")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _system_stats(state: State) -> Json:
    total, available = device.ram()
    free = state.gpu.free()
    return {
        "system": {
            "os": os.name,
            "ram_total": total,
            "ram_free": available,
            "comfyui_version": VERSION,
            "python_version": sys.version,
            "pytorch_version": TORCH_VERSION,
            "embedded_python": False,
            "argv": ["main.py", *sys.argv[1:]],
        },
        "devices": [
            {
                "name": state.gpu.name,
                "type": state.gpu.kind,
                "index": state.gpu.index,
                "vram_total": state.gpu.total,
                "vram_free": free,
                "torch_vram_total": device.HELD_MIB * device.MIB,
                "torch_vram_free": 0,
            }
        ],
    }
