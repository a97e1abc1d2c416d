"""Keys as their owner handles them, and what each lets in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from stackctl.cli import run
from stackctl.commands import record
from stackctl.commands.gateway.keys import rotate
from stackctl.settings import Recording
from tests.integration.gateway.client import CHAT, chat, error, post
from tests.integration.gateway.door import Door, until
from tests.integration.stack.box import docker

pytestmark = pytest.mark.docker

CODER = "gpt-4o"


class Owner:
    """Types `stackctl keys ...` in a clone."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def keys(self, *words: str) -> str:
        assert run(["keys", *words]) == 0
        return self.capsys.readouterr().out.strip()

    def told(self, *words: str) -> Any:
        return json.loads(self.keys(*words, "--json"))

    def usage(self, name: str) -> dict[str, int]:
        (row,) = (row for row in self.told("list")["keys"] if row["name"] == name)
        found: dict[str, int] = row["usage"]
        return found


@pytest.fixture
def owner(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Owner]:
    (door.root / "compose" / "compose.yaml").touch()
    monkeypatch.setenv("STACKCTL_HOME", str(door.root))

    def forgotten() -> bool:
        """What still runs for the client that has its answer already is not cleared."""
        door.admin("clear table st_key")
        return "key=" not in door.admin("show table st_key")

    until(forgotten, "nothing is counted")
    yield Owner(capsys)
    # what was typed here, the other tests do not know
    door.keys.pop("client")
    door.add_key("client")


def worker(door: Door) -> str:
    """HAProxy's process that serves; another after a reload."""
    (pid,) = (row for row in door.admin("show info").splitlines() if row.startswith("Pid:"))
    return pid


def test_a_key_works_at_once_without_a_reload(door: Door, owner: Owner) -> None:
    before = worker(door)
    key = owner.keys("add", "alice")
    assert chat(door, key).status_code == 200
    assert worker(door) == before
    # and `stackctl up` has nothing to do
    door.refresh()
    assert worker(door) == before
    assert chat(door, key).status_code == 200


def test_a_revoked_key_ends_at_once_and_its_stream_does_not(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice")
    with chat(door, key, chunks=3, step=True) as stream:
        rows = stream.iter_lines()
        assert b'"0 "' in next(rows)
        owner.keys("revoke", "alice")
        assert error(chat(door, key), 401) == "invalid_api_key"
        door.engine("main").next()
        door.engine("main").next()
        assert [row for row in rows if row][-1] == b"data: [DONE]"


def test_only_the_digest_is_kept(door: Door, owner: Owner) -> None:
    key = owner.told("add", "alice")["key"]
    assert len(key) == len("sk-stack-") + 43
    assert door.place.keys.stat().st_mode & 0o777 == 0o600
    for path in (door.root / ".stackctl").rglob("*"):
        if path.is_file() and not path.is_socket():
            assert key.encode() not in path.read_bytes(), path
    assert key not in owner.keys("list")
    assert key not in owner.keys("list", "--json")


def test_rotation_keeps_the_old_key_for_a_while(door: Door, owner: Owner) -> None:
    first = owner.keys("add", "alice", "--models", "coder")
    second = owner.keys("rotate", "alice", "--keep", "1h")
    assert [chat(door, key, CODER).status_code for key in (first, second)] == [200, 200]
    assert error(chat(door, first), 404) == "model_not_found"
    assert owner.usage("alice")["requests"] == 3
    # without --keep all that were before end
    third = owner.keys("rotate", "alice")
    assert [chat(door, key, CODER).status_code for key in (first, second, third)] == [401, 401, 200]


def test_what_was_kept_ends(door: Door, owner: Owner) -> None:
    first = owner.keys("add", "alice")
    assert rotate("alice", keep=1, as_json=False) == 0
    second = owner.capsys.readouterr().out.strip()
    assert chat(door, second).status_code == 200
    until(lambda: chat(door, first).status_code == 401, "the old key ended")
    assert error(chat(door, first), 401) == "expired_api_key"
    assert chat(door, second).status_code == 200


def test_limits_are_changed_while_it_runs(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice", "--models", "coder", "--rpm", "1")
    assert chat(door, key, CODER).status_code == 200
    owner.keys("change", "alice", "--models", "all")
    assert error(chat(door, key), 429) == "rate_limit_exceeded"
    owner.keys("change", "alice", "--rpm", "none")
    assert chat(door, key).status_code == 200


def test_many_at_once_lose_no_key(door: Door, owner: Owner) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: run(["keys", "add", f"k{n}"]), range(12)))
    names = {row["name"] for row in owner.told("list")["keys"]} if owner.capsys.readouterr() else {}
    assert names >= {f"k{n}" for n in range(12)}
    assert door.admin("show map /etc/haproxy/stackctl/keys.map").count(":all") == 13


def test_a_gateway_that_does_not_run_has_the_key_when_it_starts(door: Door, owner: Owner) -> None:
    docker("stop", "--time", "0", door.container)
    try:
        told = owner.told("add", "alice")
        assert told["takes_effect"] == "stackctl up gateway"
        assert owner.told("list")["gateway_runs"] is False
    finally:
        docker("start", door.container)
        door.wait()
    assert chat(door, told["key"]).status_code == 200


def test_requests_per_minute(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice", "--rpm", "3")
    answers = [chat(door, key) for _ in range(6)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429, 429]
    assert error(answers[3], 429) == "rate_limit_exceeded"
    assert answers[3].headers["retry-after"] == "10"
    # what was refused does not count, or who goes on trying would never be let in again
    assert "gpc0_rate(60000)=3" in door.admin("show table st_key key alice")
    assert chat(door, door.keys["client"][1]).status_code == 200


def test_requests_at_once(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice", "--concurrent", "1")
    with chat(door, key, chunks=2, step=True) as stream:
        assert error(chat(door, key), 429) == "concurrency_limit_exceeded"
        until(lambda: owner.usage("alice")["running"] == 1, "only the stream runs")
        door.engine("main").next()
        assert stream.text.endswith("[DONE]\n\n")
    until(lambda: chat(door, key).status_code == 200, "there is room again")


def test_models(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice", "--models", "coder,whisper-large-v3")
    assert chat(door, key, CODER).status_code == 200
    assert error(chat(door, key), 404) == "model_not_found"
    body: dict[str, Any] = {"messages": []}
    assert post(door, key, f"/m/{CODER}{CHAT}", json=body).status_code == 200
    assert error(post(door, key, f"/m/gpt-oss-120b{CHAT}", json=body), 404) == "model_not_found"
    assert not door.engine("main").received


def test_expiry(door: Door) -> None:
    assert error(chat(door, door.add_key(expires=1.0)), 401) == "expired_api_key"


def test_high_priority_overtakes_in_the_queue(door: Door, owner: Owner) -> None:
    keys = {name: owner.keys("add", name, "--priority", name) for name in ("high", "low")}
    engine = door.engine("coder")  # two at once, two more wait

    def hold() -> str:
        with chat(door, keys["low"], CODER, chunks=2, step=True) as stream:
            return stream.text

    with ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(hold) for _ in range(2)]
        until(lambda: engine.active == 2, "the engine is busy")
        waiting = []
        for number, name in enumerate(("low", "high"), 1):
            waiting.append(pool.submit(chat, door, keys[name], CODER))
            until(partial(waits, door, "coder", number), f"{number} wait")
        # one place becomes free
        engine.next()
        assert all(each.result().status_code == 200 for each in waiting)
        engine.next()
        assert all(each.result().endswith("[DONE]\n\n") for each in busy)
    order = [dict(row["headers"])["x-stackctl-key"] for row in engine.received]
    assert order == ["low", "low", "high", "low"]


def waits(door: Door, backend: str, count: int) -> bool:
    """Whether so many requests are in the queue of a backend."""
    rows = csv.DictReader(door.admin("show stat").lstrip("# ").splitlines())
    waiting = [
        row["qcur"] for row in rows if (row["pxname"], row["svname"]) == (backend, "BACKEND")
    ]
    return waiting == [str(count)]


def test_wrong_keys_are_slowed_and_good_ones_are_not(door: Door, key: str) -> None:
    answers = [chat(door, f"x{n}") for n in range(40)]
    codes = [error(answer, answer.status_code) for answer in answers]
    assert codes[:30] == ["invalid_api_key"] * 30
    assert set(codes[30:]) == {"too_many_wrong_keys"}
    assert chat(door, key).status_code == 200
    assert requests.get(f"{door.url}/healthz", timeout=10).text == "ok"


def test_usage_outlives_a_reload(door: Door, owner: Owner) -> None:
    key = owner.keys("add", "alice")
    chat(door, key)
    chat(door, key)
    chat(door, key, "nobody's")
    chat(door, key, status=500)
    want = {
        "requests": 4,
        "bad": 1,
        "failed": 1,
        "running": 0,
        "prompt_tokens": 14,
        "completion_tokens": 6,
    }
    until(lambda: not owner.usage("alice")["running"], "nothing runs")
    usage = owner.usage("alice")
    assert {name: usage[name] for name in want} == want
    assert usage["bytes_out"] > 1000
    before = worker(door)
    door.reload()
    assert worker(door) != before
    until(lambda: owner.usage("alice") == usage, "the new process knows what the old one counted")
    door.wait()


def test_usage_is_among_the_metrics(door: Door, owner: Owner, tmp_path: Path) -> None:
    chat(door, owner.keys("add", "alice"))
    until(lambda: not owner.usage("alice")["running"], "nothing runs")
    file = tmp_path / "stackctl.prom"
    record.record([], [], {}, 1.0, Recording(door.root / ".stackctl", metrics_file=file))
    text = file.read_text(encoding="utf-8")
    assert 'stackctl_key_requests_total{key="alice"} 1.0' in text
    assert 'stackctl_key_prompt_tokens_total{key="alice"} 7.0' in text


def test_a_name_that_is_given_again_begins_at_nothing(door: Door, owner: Owner) -> None:
    chat(door, owner.keys("add", "alice"))
    until(lambda: not owner.usage("alice")["running"], "nothing runs")
    owner.keys("revoke", "alice")
    owner.keys("add", "alice")
    assert owner.usage("alice")["requests"] == 0


def test_no_key_is_ever_logged_or_passed_on(door: Door, owner: Owner) -> None:
    good, wrong = owner.keys("add", "alice"), "sk-stack-" + "w" * 43
    for key in (good, wrong):
        chat(door, key)
        requests.get(f"{door.url}/v1/models?key={key}", timeout=10)
        requests.get(f"{door.url}/", auth=("me", key), timeout=10)
        requests.get(f"{door.url}/comfyui/", auth=(key, key), timeout=10)
        headers = {"x-api-key": key}
        body = {"model": CODER, "messages": []}
        requests.post(f"{door.url}{CHAT}?k={key}", headers=headers, json=body, timeout=10)
    rows = until(lambda: (r := door.access()) and len(r) >= 10 and r, "the log is written")
    assert all("?" not in row["path"] for row in rows)
    text = door.logs()
    for key in (good, wrong):
        assert key not in text
        assert key[9:] not in text
    for name in ("main", "coder", "image"):
        assert good not in json.dumps([row["headers"] for row in door.engine(name).received]), name
