"""Engines that run and answer, and yet do not do what was promised; engines that end."""

from __future__ import annotations

import time

import pytest
import requests

from tests.integration.stack.box import Box, docker, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]

FRAGMENT = "compose/engines/llama-cpp.yaml"
PROOF = ("engine.on-gpu", "error", "coder")


def answers(stack: Box) -> bool:
    body = {"messages": [{"role": "user", "content": "Who are you?"}]}
    reply = requests.post(stack.url("coder") + "/v1/chat/completions", json=body, timeout=30)
    return reply.ok and bool(reply.json()["choices"][0]["message"]["content"])


def test_engine_that_stayed_on_the_cpu(stack: Box) -> None:
    """The classic: the driver was away for the moment in which the engine looked."""
    docker("stop", stack.container("coder"))
    gpusim("fault", "driver-not-loaded")
    docker("start", stack.container("coder"))
    stack.wait_until_ready("coder")
    gpusim("clear")
    # running, healthy, answering, its GPU works inside: everything else is green
    assert answers(stack)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == {PROOF}
    finding = verdict.get("engine.on-gpu", "coder")
    assert finding["summary"].startswith("runs on the CPU")
    assert "CPU_Mapped model buffer" in finding["evidence"]
    # a plain `up` finds it, too, and does not call it done
    assert stack.stackctl("up", "coder").code == 1
    assert stack.follow(finding["fix"]).code == 0
    assert stack.verify().code == 0


@pytest.mark.parametrize(
    ("old", "new", "problem", "words"),
    [
        (
            "--n-gpu-layers 999",
            "--n-gpu-layers 10",
            PROOF,
            "only 10 of 25 layers are on the GPU",
        ),
        (
            "--n-gpu-layers 999",
            "--n-gpu-layers 0",
            PROOF,
            "runs on the CPU: 0 of 25 layers",
        ),
        (
            # counts as 25/25 layers offloaded
            "--n-gpu-layers 999",
            '--n-gpu-layers 999 --override-tensor "blk.*=CPU"',
            PROOF,
            "of the model are in host memory",
        ),
        (
            '--ctx-size "$$STACK_CONTEXT"',
            "--ctx-size 4096",
            ("service.context", "error", "coder"),
            "serves 4096 tokens of context, 131072 are promised",
        ),
        (
            "--parallel 1",
            "--parallel 2",
            ("service.context", "error", "coder"),
            "serves 65536 tokens of context, 131072 are promised",
        ),
        (
            '--alias "$$STACK_MODEL"',
            "--alias something-else",
            ("service.model", "error", "coder"),
            "does not serve gpt-oss-20b",
        ),
    ],
    ids=["some-layers", "no-layers", "tensors-on-host", "context", "slots", "model"],
)
def test_broken_promise(
    stack: Box, old: str, new: str, problem: tuple[str, str, str], words: str
) -> None:
    stack.replace(FRAGMENT, old, new)
    up = stack.stackctl("up", "coder")
    assert up.code == 1
    assert f"[{problem[0]}]" in up.out
    assert words in up.out
    assert answers(stack), "it does run"
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == {problem}
    assert words in verdict.get(problem[0], "coder")["summary"]
    assert verdict.get(problem[0], "coder")["fix"]
    stack.restore_files()
    assert stack.stackctl("up", "coder").code == 0
    assert stack.verify().code == 0


def test_out_of_memory(stack: Box) -> None:
    stack.add_to_role("coder", '    restart: "no"\n    mem_limit: 60m\n    memswap_limit: 60m\n')
    up = stack.stackctl("up", "coder")
    assert up.code == 1
    assert "was killed: out of memory" in up.out
    docker("wait", stack.container("coder"))
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == {("service.running", "error", "coder")}
    finding = verdict.get("service.running", "coder")
    assert finding["summary"] == "was killed: out of memory"
    stack.restore_files()
    assert stack.follow(finding["fix"]).code == 0
    assert stack.verify().code == 0


def test_restart_loop(stack: Box) -> None:
    stack.replace(FRAGMENT, "exec /app/llama-server", "echo no such luck; exit 3; : ")
    up = stack.stackctl("up", "coder")
    assert up.code == 1
    assert "no such luck" in up.out
    # Docker waits twice as long before every new start: by now seconds, in which we look
    deadline = time.monotonic() + 30
    while (found := stack.inspect("coder"))["RestartCount"] < 5 or (
        found["State"]["Status"] != "restarting"
    ):
        assert time.monotonic() < deadline, found["State"]
        time.sleep(0.05)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == {("service.running", "error", "coder")}
    finding = verdict.get("service.running", "coder")
    assert finding["summary"] == "is restarting, exit code 3"
    assert finding["evidence"] == "no such luck"
    assert finding["values"]["restarts"] >= 5
    stack.restore_files()
    assert stack.stackctl("up", "coder").code == 0
    assert stack.verify().code == 0


#: what an engine says that dies, and the id and a word of the cause that are to be told
DEATHS = {
    "known": (
        "gguf_init_from_file: failed to open GGUF file '/x.gguf' (No such file or directory)\n"
        "srv load_model: failed to load model",
        "gguf-missing",
        "No such file or directory",
    ),
    "unknown": (
        "loading\nFATAL: the moon is in the wrong phase\nexiting due to the above",
        "",
        "the moon is in the wrong phase",
    ),
}


@pytest.mark.parametrize("death", DEATHS)
def test_an_engine_that_dies_is_told_with_what_killed_it(stack: Box, death: str) -> None:
    """Also while it runs again: Docker starts it anew each time, and its log begins anew."""
    words, failure, evidence = DEATHS[death]
    lines = "; ".join(f'echo "{line}"' for line in words.splitlines())
    stack.replace(FRAGMENT, "exec /app/llama-server", f"sleep 1; {lines}; exit 3; : ")
    up = stack.stackctl("up", "coder")
    assert up.code == 1
    assert evidence in up.out
    # between two deaths, and after one
    wanted = {"running", "restarting"}
    deadline = time.monotonic() + 30
    while wanted and time.monotonic() < deadline:
        state = stack.containers()["coder"]
        if state not in wanted:
            time.sleep(0.05)
            continue
        finding = stack.verify("coder").get("service.running", "coder")
        if finding["severity"] == "ok":
            continue  # it was not started again yet
        assert evidence in finding["evidence"], finding
        assert finding["values"]["failure"] == failure
        assert finding["cause"].startswith("unknown") is not bool(failure)
        if finding["values"]["state"] in wanted:
            wanted.remove(finding["values"]["state"])
    assert not wanted, wanted
    stack.restore_files()
    assert stack.stackctl("up", "coder").code == 0
    assert stack.verify().code == 0


def test_a_model_file_that_is_gone(stack: Box) -> None:
    """Told before anything is changed; and of an engine that dies of it, with the root cause."""
    stack.replace(FRAGMENT, '--model "/models/llama-cpp/$$STACK_MODEL.gguf"', "--model /gone.gguf")
    up = stack.stackctl("up", "coder")
    assert up.code == 1
    assert "[service.running]" in up.out
    finding = stack.verify("coder").get("service.running", "coder")
    assert finding["values"]["failure"] == "gguf-missing", finding
    assert "/gone.gguf" in finding["evidence"]
    assert finding["cause"] in up.out
    stack.restore_files()
    assert stack.stackctl("up", "coder").code == 0


def test_model_that_the_engine_does_not_know(stack: Box) -> None:
    """Whole by its structure, so only the engine can tell."""
    path = stack.home / "models" / "sim" / "llama-cpp" / "gpt-oss-20b.gguf"
    model = path.read_bytes()
    path.write_bytes(model.replace(b"llama", b"zebra"))
    others = ("main", "audio", "image")
    before = {role: stack.inspect(role)["State"]["StartedAt"] for role in others}
    try:
        restart = stack.stackctl("restart")
        assert restart.code == 1
        assert restart.out.count("ERROR") == 1
        assert "[service.running]" in restart.out
        assert "unknown model architecture" in restart.out
        # the other services came up, and are proven
        assert stack.verify(*others).code == 0
        assert all(stack.inspect(r)["State"]["StartedAt"] > before[r] for r in others)
        verdict = stack.verify("coder")
        assert verdict.code == 1
        assert {(s, who) for _, s, who in verdict.problems} >= {("error", "coder")}
        causes = {f["cause"] for f in verdict.findings if f["severity"] == "error"}
        assert "the engine is older than the model" in causes
    finally:
        path.write_bytes(model)
    assert stack.stackctl("restart", "coder").code == 0
    assert stack.verify().code == 0


def test_dependent_of_a_failed_service_is_not_started(fresh: Box) -> None:
    fresh.settings(COMPOSE_PROFILES="coder,audio")
    fresh.replace(FRAGMENT, "--n-gpu-layers 999", "--n-gpu-layers 0")
    fresh.add_to_role("audio", "    depends_on: [coder]\n")
    fresh.replace(
        "compose/compose.yaml", "- roles/audio.yaml", "- path: [roles/coder.yaml, roles/audio.yaml]"
    )
    fresh.replace("compose/compose.yaml", "  - roles/coder.yaml\n", "")
    up = fresh.stackctl("up")
    assert up.code == 1
    assert "not started: coder failed" in up.out
    assert fresh.containers() == {"coder": "running", "audio": "created"}


def test_a_download_that_broke_off(fresh: Box) -> None:
    """Told before anything is started, not after the engine has died of it."""
    model = fresh.home / "models/sim/llama-cpp/gpt-oss-20b.gguf"
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    up = fresh.stackctl("up")
    assert up.code == 1, up.text
    assert "ERROR  coder: its model is damaged" in up.out
    assert "its header promises" in up.out
    assert up.out.endswith("nothing was changed\n")
    assert fresh.containers() == {}
    model.write_bytes(whole)
    assert fresh.stackctl("up", "coder").code == 0
    # and while it runs: the engine has the whole one in memory, the next start would not
    model.write_bytes(b"<!DOCTYPE html><title>404</title>")
    verdict = fresh.verify()
    assert ("model.whole", "error", "coder") in verdict.problems
