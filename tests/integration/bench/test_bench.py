"""The command itself: measure, keep, list, compare, and explain what cannot be measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.bench.conftest import Stackctl

QUICK = ("--requests", "8", "--output", "8", "--warm-up", "1")


def test_measured_kept_listed_and_compared(stackctl: Stackctl, null: str, tmp_path: Path) -> None:
    against = ("--against", f"{null}/v1", "--model", "null", *QUICK, "--concurrency", "1,2")
    html = tmp_path / "page.html"
    first = stackctl(*against, "--html", str(html), "--seed", "7")
    assert first.returncode == 0, first.stderr
    assert "TTFT p50" in first.stdout
    assert "kept as" in first.stderr
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")

    second = stackctl(*against, "--json", "--input", "100")
    assert second.returncode == 0, second.stderr
    made = json.loads(second.stdout)
    assert made["schema"] == 1
    (run,) = made["runs"]
    assert [step["concurrency"] for step in run["steps"]] == [1, 2]
    for step in run["steps"]:
        assert step["requests"] == 8
        assert step["failures"] == {}
        # the null server has 7 tokens of a template, and one for each word
        assert abs(step["prompt_tokens"] - 100) <= 1
        assert len(step["samples"]["ttft"]) == 8
        assert step["energy"] is None

    listed = json.loads(stackctl("list", "--json").stdout)
    assert len(listed["results"]) == 2
    compared = stackctl("compare", listed["results"][0]["id"], "last")
    assert "prompt tokens: 512 in A, 100 in B" in compared.stdout
    told = json.loads(stackctl("compare", listed["results"][0]["id"], "last", "--json").stdout)
    assert {figure["concurrency"] for figure in told["figures"]} == {1, 2}
    # the machine may have had other work during one of the two
    assert compared.returncode == int(told["worse"])


def test_the_key_is_sent_and_never_shown(stackctl: Stackctl, null: str) -> None:
    words = ("--against", f"{null}/leaks", "--model", "null", "--key-env", "API_KEY", *QUICK)
    unset = stackctl(*words)
    assert unset.returncode == 2
    assert "export API_KEY" in unset.stderr
    refused = stackctl(*words, key="sk-secret-1")
    assert refused.returncode == 1
    assert "http-401: Incorrect key ..." in refused.stderr
    assert "sk-secret" not in refused.stderr + refused.stdout


def test_a_choosy_server_is_spoken_to_in_its_own_way(stackctl: Stackctl, null: str) -> None:
    done = stackctl("--against", f"{null}/picky", "--model", "null", *QUICK, "--concurrency", "1")
    assert done.returncode == 0, done.stderr
    assert "takes no temperature" in done.stdout
    assert "counted by chunks" in done.stdout


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("html", "html: Content-Type: text/html\n  fix: that is a web page"),
        ("internal", "http-500: engine is dead"),
        ("silent", "no-answer"),
    ],
)
def test_what_cannot_be_measured_says_why(
    stackctl: Stackctl, null: str, path: str, said: str
) -> None:
    done = stackctl(
        *("--against", f"{null}/{path}", "--model", "null", "--timeout", "1", *QUICK),
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_sends_nothing(stackctl: Stackctl) -> None:
    url = "http://nobody.invalid/v1"
    done = stackctl("--against", url, "--model", "m", "--most", "4", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "1, 2, 4 at once" in done.stdout
    assert "at most 98 requests, 50176 tokens in, 12544 out" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("nosuch",), "there is no service 'nosuch'", marks=pytest.mark.docker),
        (("list", "main"), "list takes no more"),
        (("compare", "a"), "compare takes two"),
        (("compare", "a", "b"), "there is no result 'a'"),
        (("--against", "http://x/v1"), "--model belong together"),
        (("--key-env", "X"), "are for --against"),
        (("--against", "ftp://x", "--model", "m"), "not the address of an API"),
        (("--against", "http://u:secret@x", "--model", "m"), "not the address of an API"),
        (("--concurrency", "1,two"), "not a whole number"),
        (("--price", "cheap"), "is no price"),
    ],
)
def test_mistakes_are_explained(stackctl: Stackctl, words: tuple[str, ...], said: str) -> None:
    done = stackctl(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr


def test_nothing_yet(stackctl: Stackctl) -> None:
    done = stackctl("list")
    assert (done.returncode, done.stdout) == (0, "nothing was measured yet: stackctl bench\n")


def test_what_cannot_be_kept_is_shown_all_the_same(stackctl: Stackctl, null: str) -> None:
    words = ("--against", f"{null}/v1", "--model", "null", "--concurrency", "1", *QUICK)
    done = stackctl(*words, "--html", "/dev/null/page.html")
    assert done.returncode == 1
    assert "TTFT p50" in done.stdout
    assert "cannot write /dev/null/page.html" in done.stderr
