"""Every failure of the catalogue is found by the text that users meet, and explained."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackctl.catalogue import (
    CONDITIONS,
    CREATE,
    DRIVER,
    KERNEL,
    PROGRAMS,
    PULL,
    REQUESTS,
    STALLED,
    filled,
    find,
    first,
)
from stackctl.catalogue.match import needles
from stackctl.catalogue.xid import FATAL, HARMLESS
from stackctl.checks import CHECKS
from stackctl.engines import ENGINES, explain
from stackctl.lint.rules import RULES
from stackctl.model import Depth, Failure, Where
from tests.unit.stackctl.box import LOGS
from tests.unit.stackctl.engines.failure_lines import LINES, PLACES

OUTSIDE = (*PULL, *CREATE, *DRIVER, *KERNEL, *PROGRAMS, *REQUESTS, *STALLED, *CONDITIONS)
IN_LOGS = {f.id: f for engine in ENGINES.values() for f in engine.failures}
EVERY = (*IN_LOGS.values(), *OUTSIDE)


@pytest.mark.parametrize(
    ("engine", "line", "name"),
    [(engine, line, name) for engines, line, name in LINES for engine in engines],
)
def test_explained(engine: str, line: str, name: str) -> None:
    failures = ENGINES[engine].failures
    found = first(f"something before\n{line}\nsomething after\n", failures)
    assert found
    assert found.failure.id == name
    shown = explain.explain(f"something before\n{line}\n", failures)[0]
    assert shown.cause == found.failure.cause or found.failure.depth is Depth.POINTER
    assert shown.line.splitlines()[-1] == line.strip()


@pytest.mark.parametrize(("table", "text", "name"), PLACES)
def test_explained_outside_of_logs(table: tuple[Failure, ...], text: str, name: str) -> None:
    found = first(text, table)
    assert found
    assert found.failure.id == name
    assert found.line in text


@pytest.mark.parametrize("failure", EVERY, ids=lambda f: str(f.id))
def test_an_entry_is_whole(failure: Failure) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", failure.id)
    assert failure.cause
    assert failure.fix
    assert failure.source
    assert failure.where
    assert bool(failure.pattern) is not bool(failure.check)
    assert bool(failure.check) is bool(failure.shows)
    assert (failure.where == (Where.CHECK,)) is bool(failure.check)
    assert (failure.id in IN_LOGS) is (Where.LOG in failure.where)
    if failure.check:
        assert failure.check in {c.id for c in CHECKS} | {r.id for r in RULES}
        return
    re.compile(failure.pattern)
    assert min(len(needle) for needle in needles(failure.pattern)) >= 3, "slow: no text to look for"
    assert failure.id in {name for _, _, name in (*LINES, *PLACES)}, "no line shows it"


def test_ids_and_patterns_are_unique() -> None:
    assert len({f.id for f in EVERY}) == len(EVERY)
    for engine in ENGINES.values():
        patterns = [failure.pattern for failure in engine.failures]
        assert len(patterns) == len(set(patterns))


@pytest.mark.parametrize(
    "line",
    [
        # told by an engine that goes on
        "NCCL INFO P2P is disabled between connected GPUs 1 and 0. You can repress this message "
        "with NCCL_IGNORE_DISABLED_P2P=1.",
        "WARNING Unknown vLLM environment variable detected: VLLM_ATTENTION_BACKEND",
        "The memory capacity is unbalanced. Some GPUs may be occupied by other processes.",
        "INFO vLLM is using nccl==2.27.5",
        "For gpt-oss, we ignore --enable-auto-tool-choice and always enable tool use.",
        "[TRT-LLM] [W] Adjusted max_seq_len to 8224",
        "load_tensors: offloaded 0/33 layers to GPU",
        'level=WARN msg="truncating input prompt" limit=4096 prompt=8942 keep=4 new=4096',
        "llama_context: n_ctx_seq (4096) < n_ctx_train (131072) -- the full capacity of the model",
        "request (302 tokens) exceeds the available context size (256 tokens), try increasing it",
        "INFO 11-21 01:03:40 [kv_cache_utils.py:1229] GPU KV cache size: 128,000 tokens",
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_that_is_survived_is_no_failure(engine: str, line: str) -> None:
    assert explain.explain(line, ENGINES[engine].failures) == ()


#: recorded or composed with a failure in them
FAILED = re.compile(
    r"-(cpu|no-\w+|truncated|out-of-memory|memory-taken|kv-too-small|turing|shm|flag"
    r"|graphs-failed|expert-parallel|worker-died|unknown-error|mxfp4-unpacked|removed-flag|recorded-\S+)$"
)
HEALTHY = sorted(
    path.stem
    for path in LOGS.glob("*.log")
    if not FAILED.search(path.stem) or path.stem == "vllm-0.32-cpu"
)


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_of_the_catalogue_is_in_a_healthy_log(name: str) -> None:
    text = (LOGS / f"{name}.log").read_text()
    engine = ENGINES[next(e for e in ENGINES if name.startswith(e))]
    outside = (*CREATE, *DRIVER, *KERNEL, *REQUESTS)
    assert find(text, (*engine.failures, *outside)) == ()


def test_there_are_healthy_logs() -> None:
    assert len(HEALTHY) > 25


def test_a_fix_names_the_role_and_the_gpu() -> None:
    fix = "set ROLE_PORT; stackctl up ROLE; nvidia-smi -i N -pl WATTS; of GPU N, NVML"
    assert filled(fix, "main", 3) == (
        "set MAIN_PORT; stackctl up main; nvidia-smi -i 3 -pl WATTS; of GPU 3, NVML"
    )
    assert filled(fix, "main").count(" N") == 3


def test_xids_by_what_they_ask_for() -> None:
    assert frozenset({43, 45, 63}) == HARMLESS
    assert frozenset({48, 62, 64, 74, 79, 95, 119, 120, 140, 143, 154}) == FATAL


def test_an_xid_is_not_part_of_another_number() -> None:
    found = find("NVRM: Xid (PCI:0000:1b:00): 130, pid=79, name=x", KERNEL)
    assert found == ()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.sampled_from([*LINES, *PLACES]))
def test_no_text_raises(noise: str, row: tuple[object, str, str]) -> None:
    text = f"{noise}\n{row[1][: len(noise)]}{noise}"
    for hit in find(text, EVERY):
        assert hit.line in text
        assert hit.explanation.fix


@given(st.sampled_from([f for f in EVERY if f.pattern]), st.data())
@settings(max_examples=200, deadline=None)
def test_what_a_line_is_sought_by_is_in_every_line_that_matches(
    failure: Failure, data: st.DataObject
) -> None:
    line = data.draw(st.from_regex(failure.pattern))
    assert any(needle in line for needle in needles(failure.pattern))
