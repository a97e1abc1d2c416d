"""`stackctl tune` of real llama.cpp servers, one of which is slow; killed, interrupted, resumed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import PATIENCE, Box, Result, box, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]

FAST = "--threads 2"
#: without these words the engine gets a tenth of the time, whatever else the machine does
THROTTLE = f"""        set -f
        case "$$STACK_ARGS" in *"{FAST}"*) ;; *)
          (while :; do sleep 0.02; kill -STOP $$$$; sleep 0.2; kill -CONT $$$$; done) &
        esac
"""
SPACE = f"""
[objective]
minimise = "latency"
[load]
input = 16
output = 4
concurrency = [1]
requests = 16
warm_up = 1
[[settings]]
name = "args"
values = ["{FAST}", "--nosuch-flag", "--tensor-parallel-size 2"]
[[settings]]
name = "context"
values = [16]
[[settings]]
name = "moe-backend"
values = ["marlin"]
"""
LATEST = 120.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A coder that is up, and slow."""
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("tune")) as made:
        made.settings(COMPOSE_PROFILES="coder", CODER_CONTEXT=2048)
        made.replace("compose/engines/llama-cpp.yaml", "        set -f\n", THROTTLE)
        (made.home / "space.toml").write_text(SPACE, encoding="utf-8")
        up = made.stackctl("up")
        assert up.code == 0, up.text
        yield made


@pytest.fixture
def running(stack: Box) -> Iterator[Box]:
    """Nothing measured, and the role as its files have it."""
    yield stack
    shutil.rmtree(folder(stack), ignore_errors=True)
    up = stack.stackctl("up")
    assert up.code == 0, up.text


def folder(stack: Box) -> Path:
    return stack.home / ".stackctl" / "tune" / "coder"


def trials(stack: Box) -> dict[str, dict[str, Any]]:
    """What was kept, by its settings in words."""
    files = (folder(stack) / "trials").glob("*.json")
    return {(raw := json.loads(file.read_text()))["label"]: raw for file in files}


def tune(stack: Box, *words: str) -> Result:
    named = ("--space", str(stack.home / "space.toml"))
    return stack.stackctl("tune", "coder", *named, *words, timeout=3 * PATIENCE)


@contextmanager
def under_way(stack: Box) -> Iterator[subprocess.Popen[bytes]]:
    """A tuning that has measured the current settings, and has its second candidate in hand."""
    argv = stack.argv("tune", "coder", "--space", str(stack.home / "space.toml"))
    with subprocess.Popen(
        argv, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            until = time.monotonic() + LATEST
            while not candidate(stack):
                assert process.poll() is None, process.stdout and process.stdout.read()
                assert time.monotonic() < until
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def candidate(stack: Box) -> bool:
    """Whether other settings than the owner's run."""
    names = stack.docker("ps", "--quiet", "--filter", f"name=^{stack.container('coder')}$")
    return bool(names) and FAST in stack.docker(
        "inspect", "--format", "{{.Config.Env}}", stack.container("coder"), check=False
    )


def mark(stack: Box) -> str:
    """What tells whether the role has the same settings, and runs."""
    label = '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.State.Status}}'
    return stack.docker("inspect", "--format", label, stack.container("coder"))


def test_a_dry_run_changes_nothing(running: Box) -> None:
    before = running.inspect("coder")["Id"]
    done = tune(running, "--dry-run")
    assert done.code == 0, done.text
    rows = {line.split("  ")[0]: line for line in done.out.splitlines()}
    assert "to be tried" in rows["1"]
    assert "refused: --tensor-parallel-size is a flag of vllm" in rows["3"]
    assert "refused: a context of 16 tokens, and the load has 20" in rows["4"]
    assert "moe-backend: not in llama-cpp" in rows["5"]
    assert running.inspect("coder")["Id"] == before
    assert not folder(running).exists()


def test_killed_and_gone_on_with_to_the_winner(running: Box) -> None:
    before = mark(running)
    with under_way(running) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = trials(running)
    assert set(kept) == {"current"}
    assert mark(running) != before

    done = tune(running, "--json")
    assert done.code == 0, done.text
    told = json.loads(done.out)
    verdicts = {n: row["verdict"] for n, row in enumerate(told["candidates"])}
    assert verdicts == {0: "current", 1: "better", 2: "failed", 3: "refused", 4: "refused"}
    crashed = told["candidates"][2]
    assert "this version of llama-server does not know the flag" in crashed["why"]
    # what was measured before was not measured again; what is refused was never started
    after = trials(running)
    assert after["current"]["at"] == kept["current"]["at"]
    assert not any("tensor-parallel" in name or "context" in name for name in after)
    assert (told["won"], told["best"], told["simulated"]) == (True, 1, True), done.text
    assert told["candidates"][1]["gain"] > 2
    assert "says anything about the speed" in done.err
    assert mark(running) == before
    assert not (folder(running) / "before.json").exists()

    winner = (folder(running) / "winner.env").read_text(encoding="utf-8")
    assert f"CODER_ARGS='{FAST}'" in winner
    assert "SIMULATED GPUs" in winner
    assert "best of 2 that were measured" in winner
    assert "</html>" in (folder(running) / "tune.html").read_text(encoding="utf-8")

    # all is measured by now: nothing is touched any more
    container = running.inspect("coder")["Id"]
    again = tune(running)
    assert again.code == 0, again.text
    assert "BEST" in again.out
    assert running.inspect("coder")["Id"] == container

    owners = running.home / "env" / "stack.env"
    text = owners.read_text(encoding="utf-8")
    taken = running.stackctl("tune", "coder", "--take")
    assert taken.code == 0, taken.text
    assert owners.read_text(encoding="utf-8") == text + f"CODER_ARGS='{FAST}'\n"
    # what runs is not what the files say now, so it could not come back
    refused = tune(running, "--again")
    assert refused.code == 1, refused.text
    assert "coder runs with other settings than its files have now" in refused.err
    owners.write_text(text, encoding="utf-8")


def test_interrupted_the_role_comes_back(running: Box) -> None:
    before = mark(running)
    with under_way(running) as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LATEST)
    assert process.returncode == 130, out
    assert b"the former settings come back (running)" in out
    assert mark(running) == before
    assert running.verify().code == 0
    assert set(trials(running)) == {"current"}


def test_a_role_that_was_down_is_down_again(running: Box) -> None:
    down = running.stackctl("down", "coder")
    assert down.code == 0, down.text
    with under_way(running) as process:
        # heal, up and the rest leave it alone
        busy = running.stackctl("up", "coder")
        assert "`stackctl tune coder` (pid" in busy.err
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "coder" in running.containers()
    ended = running.stackctl("tune", "coder", "--end")
    assert ended.code == 0, ended.text
    assert "coder" not in running.containers()
    assert "is not being tuned" in running.stackctl("tune", "coder", "--end").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nosuch",), 2, "unknown role: nosuch"),
        (("coder", "--space", "/nosuch.toml"), 2, "/nosuch.toml: No such file"),
        (("coder", "--take"), 2, "there is no winner for coder"),
        (("coder", "--take", "--end"), 2, "not allowed with argument"),
    ],
)
def test_mistakes_are_explained(stack: Box, words: tuple[str, ...], code: int, said: str) -> None:
    done = stack.stackctl("tune", *words)
    assert done.code == code, done.text
    assert said in done.err
