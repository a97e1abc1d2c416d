"""What the emulation of tool calls costs, with a real llama.cpp behind it: requests by way of the
service, and the same to the engine itself."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests

from gpusim.rigged import toolless
from stackctl.emulation import prompt, schema, wanted
from stackctl.proofs.tools.cases import PARIS, WEATHER
from tests.bench.gateway.bars import Bar
from tests.bench.pairs import Action, measure
from tests.integration.images.engine_container import docker, engine
from tests.integration.stack.box import free_ports

ROOT = Path(__file__).parents[2]
_REQUESTS, _TIMES = 10, 15
_PLAIN = {"messages": [PARIS], "max_tokens": 64}
_TOOLS = {**_PLAIN, "tools": [WEATHER]}
_WHERE = ("--host", "0.0.0.0", "--port", "8000", "--ctx-size", "16384")


def bars() -> list[Bar]:
    """A plain request passed on, and one with tools against what the engine is asked for it."""
    project, (port,) = "stackctl-bench-tools", free_ports(1)
    network = ("--network", project, "--network-alias", "engine")
    docker("network", "create", project)
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            toolless.write(Path(folder) / "toolless.gguf")
            words = (*_WHERE, "--model", "/models/toolless.gguf")
            with engine("sim-llama-cpp", *words, models=Path(folder), options=network) as llama:
                llama.wait_for("/health")
                _start(project, port)
                url = f"http://127.0.0.1:{port}/engine"
                return _measured(llama.url, url)
    finally:
        docker("rm", "--force", project, check=False)
        docker("network", "rm", project, check=False)


def _start(name: str, port: int) -> None:
    docker(
        *("run", "--detach", "--rm", "--name", name, "--network", name),
        *("--publish", f"127.0.0.1:{port}:8000", "--env", "PYTHONPATH=/app"),
        *("--volume", f"{ROOT}/stackctl/emulation:/app/stackctl/emulation:ro", "stackctl/tools:1"),
        *("python", "-m", "uvicorn", "stackctl.emulation.app:app", "--host=0.0.0.0"),
        *("--no-access-log", "--timeout-keep-alive=75"),
    )
    session = requests.Session()
    retries = requests.adapters.Retry(total=20, backoff_factor=0.2, backoff_max=1)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
    session.get(f"http://127.0.0.1:{port}/healthz", timeout=10).raise_for_status()


def _measured(direct: str, service: str) -> list[Bar]:
    asked = wanted.read(_TOOLS)
    by_hand = {
        **_PLAIN,
        "messages": prompt.told([PARIS], asked),
        "response_format": schema.response_format(schema.of_answer(asked)),
        "stream": True,
    }
    return [
        _added("passed on", 6.0, _asking(service, _PLAIN), _asking(direct, _PLAIN)),
        _added("with tools", 12.0, _asking(service, _TOOLS), _asking(direct, by_hand)),
    ]


def _added(name: str, most: float, ours: Action, theirs: Action) -> Bar:
    """By the medians of each round: what else ran hits both."""
    rounds = measure(name, 0.0, ours, theirs, times=_TIMES)
    both = zip(rounds.ours, rounds.theirs, strict=True)
    added = statistics.median((a - b) / _REQUESTS * 1000 for a, b in both)
    medians = (statistics.median(s) / _REQUESTS * 1000 for s in (rounds.ours, rounds.theirs))
    note = "{:.1f} ms, direct {:.1f} ms".format(*medians)
    return Bar(f"emulation, {name}: a request takes longer by", added, "ms", most=most, note=note)


def _asking(url: str, body: dict[str, Any]) -> Action:
    data = json.dumps(body)

    def ask() -> None:
        for _ in range(_REQUESTS):
            # a connection each: llama.cpp closes those that it keeps when it likes
            answer = requests.post(f"{url}/v1/chat/completions", data=data, timeout=30)
            assert answer.ok, answer.text

    return ask


if __name__ == "__main__":
    measured = bars()
    print(*measured, sep="\n")
    sys.exit(0 if all(bar.passed for bar in measured) else 1)
