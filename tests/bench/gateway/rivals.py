"""What else could stand in front of the engine: nginx with njs, and LiteLLM."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.gateway.lab import ENGINE, IMAGE, Lab, NotReadyError, wait_for
from tests.bench.gateway.load import KEY, MODEL
from tests.integration.stack.box import docker, run

LITELLM = "1.106.2"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stackctl" / "bench"


@contextmanager
def nginx(lab: Lab, folder: Path) -> Iterator[int]:
    """Its port."""
    keys = folder / "keys.conf"
    keys.write_text(
        f'map $http_authorization $who {{ default ""; "Bearer {KEY}" bench; }}\n', encoding="utf-8"
    )
    mount = ("--volume", f"{keys}:/etc/nginx/keys.conf:ro", "--entrypoint", "nginx")
    name = f"{lab.name}-nginx"
    docker("run", *lab.beside("nginx"), *mount, IMAGE, "-g", "daemon off;")
    try:
        wait_for("nginx", lambda: lab.answers(8090))
        yield 8090
    finally:
        docker("rm", "--force", "--volumes", name)


def install_litellm() -> Path | None:
    """Its program, in an environment that is kept; None where PyPI is out of reach."""
    folder = _CACHE / f"litellm-{LITELLM}"
    program = folder / "bin" / "litellm"
    complete = folder / "complete"
    if complete.exists():
        return program
    print(f"installing LiteLLM {LITELLM} into {folder}", file=sys.stderr, flush=True)
    for argv in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin/pip"), "install", "--quiet", f"litellm[proxy]=={LITELLM}"],
    ):
        done = run(argv, timeout=900)
        if done.code:
            print(done.text, file=sys.stderr)
            return None
    complete.touch()
    return program


@contextmanager
def litellm(lab: Lab, folder: Path, program: Path) -> Iterator[int]:
    """Its port. One worker, a master key, no database; in the lab's network."""
    config = folder / "litellm.yaml"
    config.write_text(
        f"model_list:\n- model_name: {MODEL}\n  litellm_params:\n    model: openai/{MODEL}\n"
        f"    api_base: http://127.0.0.1:{ENGINE}/v1\n    api_key: none\n"
        f"general_settings: {{master_key: {KEY}}}\n",
        encoding="utf-8",
    )
    namespace = docker("inspect", "--format", "{{.State.Pid}}", lab.name)
    port = 4000
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("nsenter", f"--net=/proc/{namespace}/ns/net", str(program)),
                *("--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
            ],
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for("LiteLLM", lambda: process.poll() is not None or lab.answers(port), 120)
        if process.poll() is not None:
            raise NotReadyError(f"LiteLLM ends with {process.returncode}")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
