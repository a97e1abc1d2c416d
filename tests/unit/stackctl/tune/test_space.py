"""Spaces of settings: what is read, and what is said of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.engines import ENGINES
from stackctl.model import StackError
from stackctl.tune import space
from stackctl.tune.space import Draft, Goal, Load, Setting, Space

REPOSITORY = Path(__file__).parents[4]
GOAL = '[objective]\nmaximise = "throughput"\n'
SEQS = '[[settings]]\nname = "max-num-seqs"\nvalues = [1, 2]\n'


def parse(text: str) -> Space:
    return space.parse(text, "x.toml", ENGINES)


def test_all_of_it() -> None:
    made = parse(
        '[objective]\nminimise = "latency"\nttft_p95_ms = 500\n'
        "[load]\ninput = 64\noutput = 8\nconcurrency = [4, 1, 4]\nrequests = 12\n"
        '[[settings]]\nname = "speculative"\n'
        'values = [false, {method = "ngram", tokens = 4}]\n'
        '[[settings]]\nname = "engine"\nvalues = ["vllm"]\n'
        '[engines.vllm]\nmodel = "openai/gpt-oss-20b"\nargs = "--seed 1"\n'
    )
    assert str(made.objective) == "minimise latency under TTFT p95 <= 500 ms"
    assert made.load == Load(64, 8, (1, 4), 12)
    # the engine comes first, wherever it stands
    assert made.settings == (
        Setting("engine", ("vllm",)),
        Setting("speculative", (False, Draft("ngram", 4))),
    )
    assert made.engines["vllm"].args == "--seed 1"


def test_what_is_not_said() -> None:
    made = parse(GOAL + SEQS)
    assert (made.objective.goal, made.load) == (Goal.THROUGHPUT, Load())


@pytest.mark.parametrize("file", sorted((REPOSITORY / "env" / "tune").glob("*.toml")))
def test_those_that_are_shipped(file: Path) -> None:
    assert parse(file.read_text(encoding="utf-8")).settings


def setting(name: str, values: str) -> str:
    return f'{GOAL}[[settings]]\nname = "{name}"\nvalues = {values}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[objective\n", "x.toml: Expected ']'"),
        (SEQS, "x.toml: objective: write maximise"),
        ('[objective]\nmaximise = "latency"\n' + SEQS, "x.toml:1: objective: write maximise"),
        (GOAL, "x.toml: settings: write [[settings]]"),
        (GOAL + "ttft_p95_ms = 0\n" + SEQS, "x.toml:3: ttft_p95_ms: a number of milliseconds"),
        (GOAL + "[load]\ninput = -1\n" + SEQS, "x.toml:4: input: a whole number above 0"),
        (GOAL + "[load]\nconcurrency = []\n" + SEQS, "x.toml:4: concurrency: whole numbers"),
        (GOAL + "[lod]\n" + SEQS, "x.toml:3: lod: nothing is called so here"),
        (GOAL + SEQS + "more = 1\n", "x.toml:6: more: nothing is called so here"),
        (GOAL + SEQS + SEQS, "x.toml:4: max-num-seqs: twice"),
        (setting("max-num-sequences", "[1]"), "x.toml:4: max-num-sequences: there is no such"),
        (setting("max-num-seqs", "[]"), "x.toml:4: max-num-seqs: values = [...]"),
        (setting("max-num-seqs", "[true]"), "x.toml:4: max-num-seqs: True is not a whole number"),
        (setting("gpu-memory-utilization", "[92]"), "92 is not a number between 0 and 1"),
        (setting("expert-parallel", '["yes"]'), "'yes' is not true or false"),
        (setting("kv-cache-dtype", '["fp8 x"]'), "'fp8 x' is not one word"),
        (setting("args", '["--x $(id)"]'), "is not words on one line"),
        (setting("args", '["a\\nb"]'), "is not words on one line"),
        (setting("engine", '["vlm"]'), "x.toml:5: vlm: there is no such engine"),
        (setting("speculative", "[true]"), "x.toml:4: speculative: false, or {method"),
        (setting("speculative", '[{method = "eagle"}]'), "method 'eagle'"),
        (setting("speculative", '[{method = "eagle3", tokens = 3}]'), "eagle3 needs a model"),
        (setting("speculative", '[{method = "ngram", tokens = 0}]'), "write it as {method"),
        (GOAL + SEQS + "[engines.vllm]\n", "x.toml:6: vllm: write [engines.vllm] with model"),
        (GOAL + SEQS + "[engines.foo]\nmodel = 'x'\n", "x.toml:6: foo: there is no such engine"),
    ],
)
def test_mistakes_are_explained(text: str, said: str) -> None:
    with pytest.raises(StackError) as caught:
        parse(text)
    assert said in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.fix
