"""Does `stackctl bench` measure what `vllm bench serve` measures, on a real vLLM?

Both load the same server at the same time, with prompts and answers of the same length and as many
requests at once: whatever else the machine does in these seconds, it does to both. Compared are the
requests that were sent while both ran. The server has one core, they share the other.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpusim.rigged.gpt_oss import NAME
from stackctl.bench.plan import Shape
from stackctl.bench.result import Step
from stackctl.commands.bench import aims, measure
from stackctl.commands.bench.aims import Against
from stackctl.model.load import Patience
from tests.bench.gateway.bars import Bar
from tests.integration.images.engine_container import Engine, docker, engine
from tests.integration.stack.box import REPOSITORY, run
from tests.integration.vllm.fragment import MODELS, arguments, options

IMAGE = "cpu-vllm"
AT_ONCE = 2
NEAR = 0.05
#: tokens of an answer, which the rigged model would make longer; of a prompt, and those that the
#: template adds to it
_OUT, _IN, _TEMPLATE = 24, 256, 67
_THEIRS = 400  # requests; they last as long as all rounds of ours
_OURS, _ROUNDS = 48, 5
_SEED = 7
_START = 300.0  # seconds
#: cores of the server, and of both clients
_SERVER, _CLIENTS = 0, 1


@dataclass(frozen=True)
class Round:
    """One run of ours, and when it was, by CLOCK_MONOTONIC, which containers share."""

    began: float
    ended: float
    step: Step


@dataclass(frozen=True)
class Seen:
    """What one client saw: seconds of each request, rates of all."""

    first: Sequence[float]
    tpot: Sequence[float]
    itl: Sequence[float]
    latency: Sequence[float]
    requests_per_s: float
    tokens_per_s: float


def bars() -> list[Bar]:
    """Ours by theirs, of each figure."""
    done = run([str(REPOSITORY / "setup/pytorch_images.sh")], timeout=1800)
    assert done.code == 0, done.text
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        rounds, told = _side_by_side(server, Path(folder))
    ours, theirs = _ours(rounds), _theirs(rounds, told)
    note = f"{len(ours.latency)} and {len(theirs.latency)} requests at the same time"
    return [
        Bar(f"bench : vllm bench serve, {name}", value, "", 1 + NEAR, 1 - NEAR, note)
        for name, value in (
            ("first chunk", _ratio(statistics.median, ours.first, theirs.first)),
            ("TPOT", _ratio(statistics.median, ours.tpot, theirs.tpot)),
            # a gap is nothing, where two chunks came at once, or a step of the engine: the median
            # is one or the other by chance
            ("ITL", _ratio(statistics.mean, ours.itl, theirs.itl)),
            ("latency", _ratio(statistics.median, ours.latency, theirs.latency)),
            ("requests/s", ours.requests_per_s / theirs.requests_per_s),
            ("tokens/s", ours.tokens_per_s / theirs.tokens_per_s),
        )
    ]


def _ratio(
    figure: Callable[[Sequence[float]], float], ours: Sequence[float], theirs: Sequence[float]
) -> float:
    return figure(ours) / figure(theirs)


@contextmanager
def _server() -> Iterator[Engine]:
    """As compose/engines/vllm.yaml starts it."""
    given = [*options("vllm", 1), "--cpuset-cpus", str(_SERVER)]
    with engine(IMAGE, *arguments("vllm"), models=MODELS, options=given) as made:
        made.wait_for("/health", _START)
        yield made


def _side_by_side(server: Engine, folder: Path) -> tuple[list[Round], dict[str, Any]]:
    """The rounds of ours that ended before theirs did, and what theirs says of each request."""
    folder.chmod(0o777)  # for the image's user
    name = f"stackctl-test-{uuid.uuid4().hex[:12]}"
    argv = [
        *("docker", "run", "--rm", "--name", name, "--network", f"container:{server.name}"),
        *("--cpuset-cpus", str(_CLIENTS), "--env", "PYTHONUNBUFFERED=1"),
        *("--env", "HF_HOME=/models/huggingface", "--env", "HF_HUB_OFFLINE=1"),
        *("--volume", f"{MODELS}:/models:ro", "--volume", f"{folder}:/out"),
        *("--entrypoint", "vllm", f"stackctl/{IMAGE}:1", "bench", "serve"),
        *("--base-url", "http://127.0.0.1:8000", "--model", NAME, "--backend", "openai-chat"),
        *("--endpoint", "/v1/chat/completions", "--dataset-name", "random", "--temperature", "0"),
        *("--input-len", str(_IN), "--output-len", str(_OUT), "--num-prompts", str(_THEIRS)),
        *("--max-concurrency", str(AT_ONCE), "--num-warmups", "2", "--seed", str(_SEED)),
        *("--save-result", "--save-detailed", "--result-dir", "/out", "--result-filename", "r"),
    ]
    rounds = []
    before = os.sched_getaffinity(0)
    try:
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as theirs:
            assert theirs.stdout
            said = ""
            for line in theirs.stdout:
                said += line
                if "main benchmark run" in line:
                    break
            os.sched_setaffinity(0, {_CLIENTS})
            for number in range(_ROUNDS):
                made = _round(server, number)
                if theirs.poll() is None:
                    rounds.append(made)
            theirs.communicate(timeout=_START)
        assert theirs.returncode == 0, said
    finally:
        os.sched_setaffinity(0, before)
        docker("rm", "--force", name, check=False)
    assert rounds, "vllm bench serve had ended before our first round did"
    told: dict[str, Any] = json.loads((folder / "r").read_text(encoding="utf-8"))
    return rounds, told


def _round(server: Engine, number: int) -> Round:
    aim = aims.elsewhere(Against(f"{server.url}/v1", NAME))
    shape = Shape(_IN + _TEMPLATE, _OUT, 2, _OURS, AT_ONCE, (AT_ONCE,))
    patience = Patience(60)
    dialect, scale = measure.greet(aim, _SEED + number, patience)
    made = measure.measure(
        aim,
        shape,
        dialect,
        scale.words(shape.prompt_tokens),
        seed=_SEED + number,
        patience=patience,
        seconds=_START,
        price=None,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    ended = time.monotonic()
    (step,) = made.steps
    return Round(ended - step.seconds, ended, step)


def _ours(rounds: Sequence[Round]) -> Seen:
    steps = [one.step for one in rounds]
    seconds = sum(step.seconds for step in steps)
    return Seen(
        [value for step in steps for value in step.samples.first],
        [value for step in steps for value in step.samples.tpot],
        [step.itl.mean for step in steps if step.itl],
        [value for step in steps for value in step.samples.latency],
        sum(len(step.samples.latency) for step in steps) / seconds,
        sum(sum(step.samples.tokens) for step in steps) / seconds,
    )


def _theirs(rounds: Sequence[Round], told: dict[str, Any]) -> Seen:
    """Of the requests that were sent within a round; the rates of those that ended within one."""
    began, first, gaps = told["start_times"], told["ttfts"], told["itls"]
    tokens = told["output_lens"]
    latency = [first[i] + sum(gaps[i]) for i in range(len(began))]

    def within(at: float) -> bool:
        return any(one.began <= at <= one.ended for one in rounds)

    sent = [i for i in range(len(began)) if within(began[i])]
    ended = [i for i in range(len(began)) if within(began[i] + latency[i])]
    seconds = sum(one.ended - one.began for one in rounds)
    return Seen(
        [first[i] for i in sent],
        [sum(gaps[i]) / (tokens[i] - 1) for i in sent],
        [gap for i in sent for gap in gaps[i]],
        [latency[i] for i in sent],
        len(ended) / seconds,
        sum(tokens[i] for i in ended) / seconds,
    )


if __name__ == "__main__":
    print(*bars(), sep="\n")
