"""All bars in one run: 1 if one is missed. Needs Docker and the simulated GPUs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import agreement, emulation, history, load, logs, models, watch
from tests.bench.fleet import fleet
from tests.bench.gateway import affinity
from tests.bench.gateway import bars as gateway
from tests.bench.pairs import Pairs, measure, table
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import ROLES, Box, box, gpusim, run


def must(argv: Sequence[str], box: Box | None = None) -> None:
    result = run(argv, env=box.environ if box else None)
    assert result.code == 0, f"{' '.join(argv)}: {result.text}"


def stackctl(box: Box, *words: str) -> None:
    must([sys.executable, "-m", "stackctl", *words], box)


def up(box: Box) -> Pairs:
    """From nothing running to everything ready; what stackctl proves beyond that is in its time."""
    stackctl(box, "up")
    compose = [*box.compose(".stackctl/placement.yaml"), "up", "--detach", "--wait"]
    return measure(
        "stackctl up : docker compose up --wait",
        1.15,
        lambda: stackctl(box, "up"),
        lambda: must(compose, box),
        times=7,
        before=box.remove,
    )


def verify_of_many(box: Box) -> Pairs:
    with fleet(box, 4) as few, fleet(box, 16) as many:
        return measure(
            "verify of 16 services : of 4",
            2.0,
            lambda: stackctl(many, "verify"),
            lambda: stackctl(few, "verify"),
            times=9,
        )


def help_text(box: Box) -> Pairs:
    program = str(Path(sys.executable).with_name("stackctl"))
    return measure(
        "stackctl --help : python -c pass",
        5.0,
        lambda: must([program, "--help"], box),
        lambda: must([sys.executable, "-c", "pass"], box),
        times=21,
    )


def verify_of_four(box: Box) -> Pairs:
    """Needs the stack up."""

    def four_execs() -> None:
        for role in ROLES:
            must(["docker", "exec", box.container(role), "true"])

    stackctl(box, "up")
    return measure(
        "verify of 4 services : 4 docker exec true",
        3.0,
        lambda: stackctl(box, "verify"),
        four_execs,
        times=9,
    )


def main() -> int:
    gpusim("install")
    rows = []
    with healthy_gpus(), tempfile.TemporaryDirectory() as folder, box(Path(folder)) as mine:
        for benchmark in (help_text, up, verify_of_four, verify_of_many):
            print(f"measuring: {benchmark.__name__.replace('_', ' ')}", file=sys.stderr, flush=True)
            rows.append(benchmark(mine))
        print("measuring: watch", file=sys.stderr, flush=True)
        limits = watch.bars(mine)
    with tempfile.TemporaryDirectory() as folder, models.hub(Path(folder)) as hub:
        for bar in (
            models.pull,
            models.pull_again,
            models.hashing,
            models.full_verify,
            models.cold,
        ):
            print(f"measuring: {bar.__name__.replace('_', ' ')}", file=sys.stderr, flush=True)
            rows.append(bar(hub))
        limits += [models.quick(Path(folder)), models.memory()]
    print("measuring: history", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        limits += history.bars(Path(folder))
    print("measuring: gateway", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        door = gateway.bars(Path(folder)) + affinity.bars()
    print("measuring: load", file=sys.stderr, flush=True)
    door += load.bars()
    print("measuring: agreement", file=sys.stderr, flush=True)
    door += agreement.bars()
    print("measuring: emulation", file=sys.stderr, flush=True)
    door += emulation.bars()
    print("measuring: log", file=sys.stderr, flush=True)
    rate = logs.measure()
    print(table(rows))
    print(rate, *limits, *door, sep="\n")
    passed = [rate.passed, *(row.passed for row in rows), *(limit.passed for limit in limits)]
    return 0 if all((*passed, *(bar.passed for bar in door))) else 1


if __name__ == "__main__":
    sys.exit(main())
