"""What tells that an audio role is of use, and that each of it fails where a fault was put in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, Result, box, docker, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]
#: as few as `bench compare` judges
TIMES = 8
MODEL = "models/sim/whisper/ggml-tiny-rigged.bin"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path_factory.mktemp("audio")) as made:
        made.settings(COMPOSE_PROFILES="audio", AUDIO_ARGS="--threads 1")
        up = made.stackctl("up")
        assert up.code == 0, up.text
        yield made


def bench(stack: Box, *words: str) -> Result:
    done = stack.stackctl("bench", "audio", "--requests", str(TIMES), *words)
    assert done.code == 0, done.text
    return done


def measured(stack: Box) -> tuple[str, Mapping[str, Any]]:
    """The id of the result, and its only step."""
    made = json.loads(bench(stack, "--concurrency", "1", "--json").out)
    ((step,),) = [run["steps"] for run in made["runs"]]
    return made["id"], step


def test_it_transcribes(stack: Box) -> None:
    verdict = stack.verify("--answers")
    assert verdict.code == 0, verdict.problems
    assert verdict.get("service.answer", "audio")["severity"] == "ok"


def test_how_fast(stack: Box) -> None:
    _, step = measured(stack)
    assert (step["audio"], step["requests"], step["failures"]) == (30.0, TIMES, {})
    assert step["rtf"]["median"] == pytest.approx(step["latency"]["median"] / 30, rel=1e-4)
    assert step["audio_per_s"] == pytest.approx(30 * step["requests_per_s"], rel=1e-4)
    assert (step["ttft"], step["tpot"], step["speed"], step["energy"]) == (None, None, None, None)

    shown = bench(stack, "--concurrency", "1,2").out
    assert "RTF p50" in shown
    assert "30 s of sound each" in shown
    assert "TTFT" not in shown
    listed = stack.stackctl("bench", "list").out.splitlines()[-1]
    assert "30 s of sound each" in listed
    assert listed.endswith("s/s")


def test_ten_times_slower(stack: Box) -> None:
    before, _ = measured(stack)
    docker("update", "--cpus", "0.1", stack.container("audio"))
    after, step = measured(stack)
    docker("update", "--cpus", "2", stack.container("audio"))
    assert step["failures"] == {}
    told = stack.stackctl("bench", "compare", before, after)
    assert told.code == 1, told.text
    assert "LATENCY" in told.out.upper()
    assert "slower" in told.out
    assert stack.verify("--answers").code == 0, "slow is not broken: only bench tells"


def test_weights_that_are_not_those_of_the_publisher(stack: Box) -> None:
    path = stack.home / MODEL
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(sound[:middle] + b"\x55" * 64 + sound[middle + 64 :])
    changed = stack.verify("--answers")
    told = stack.stackctl("models", "verify", "audio")
    path.write_bytes(sound)
    assert changed.problems == {("model.unsure", "warning", "audio")}, "it answers as ever"
    assert told.code == 1
    assert "[model.hash]" in told.out


def test_half_of_the_weights(stack: Box) -> None:
    """The engine that runs is left alone."""
    path = stack.home / MODEL
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2])
    again = stack.stackctl("restart", "audio")
    path.write_bytes(sound)
    assert again.code == 1
    assert "[model.whole]" in again.out
    assert "stackctl models repair audio" in again.out
    assert stack.containers() == {"audio": "running"}
