"""`stackctl prove context` against engines that keep their promise, and others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stackctl.cli import run
from stackctl.commands.prove.context import Effort, prove
from stackctl.commands.prove.targets import Target
from stackctl.model import StackError
from stackctl.proofs.context.guard import Memory
from stackctl.system.exchange import Door
from tests.integration.proofs.fake import Exchange, serving
from tests.integration.proofs.window import Windowed
from tests.unit.stackctl.proofs import brain

PROMISED = 4096


def proven(
    engine: Callable[[Exchange], None], capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, Mapping[str, Any]]:
    with serving(engine) as server:
        words = ["--url", server.url, "--model", "m", "--context", str(PROMISED), "--json"]
        code = run(["prove", "context", *words, *more])
    (document,) = json.loads(capsys.readouterr().out)["context"]
    assert document["ok"] is (code == 0)
    return code, document


def kinds(document: Mapping[str, Any]) -> list[str]:
    return [finding["values"]["failure"] for finding in document["findings"]]


@pytest.mark.parametrize("tokenizer", ["vllm", "llama", ""])
def test_a_window_that_holds(tokenizer: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(PROMISED, tokenizer=tokenizer), capsys)
    assert code == 0
    assert kinds(document) == []
    steps = document["steps"]
    assert [step["percent"] for step in steps] == [10, 25, 50, 75, 100]
    assert all(step["exact"] is bool(tokenizer) for step in steps)
    for step in steps:
        assert step["found"] == [True] * 5
        near = 0 if tokenizer else 0.04 * step["sent"]
        assert abs(step["sent"] - step["counted"]) <= near
        assert step["first"] <= step["seconds"]
        wanted = min(PROMISED * step["percent"] // 100, PROMISED - PROMISED // 8)
        least = wanted if tokenizer else 0.98 * wanted
        assert least - 40 < step["sent"] <= wanted, "to within a note"
    assert document["beyond"]["trouble"]["kind"] == "context-exceeded"
    assert not any("usable" in line for line in document["advice"])


def test_tokens_of_which_the_tokenizer_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(PROMISED, untold=5), capsys, "--steps", "50,100")
    assert code == 0
    for step in document["steps"]:
        assert step["counted"] == step["sent"]


def test_a_window_of_half_the_size(capsys: pytest.CaptureFixture[str]) -> None:
    half = PROMISED // 2
    code, document = proven(Windowed(half), capsys)
    assert code == 1
    assert kinds(document) == ["window-smaller"]
    (finding,) = document["findings"]
    assert finding["values"]["limit"] == half
    # what the engine names is tried
    assert half - PROMISED // 8 - 40 < document["proven"] <= half
    assert (
        f"promised {PROMISED}, usable {half}: set the context window={half}" in document["advice"]
    )
    assert document["beyond"] is None


def test_a_limit_that_is_not_named_is_searched_for(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Windowed(PROMISED // 2)

    def nameless(x: Exchange) -> None:
        if x.path == "/v1/chat/completions" and Windowed._tokens(x.body) > engine.window - 512:
            x.json({"error": {"message": "the prompt exceeds the available context size"}}, 400)
        else:
            engine(x)

    code, document = proven(nameless, capsys)
    assert code == 1
    assert kinds(document) == ["window-smaller"]
    assert document["findings"][0]["values"]["limit"] is None
    assert len(document["steps"]) == 6
    assert 1280 < document["proven"] <= 1536


def test_a_prompt_that_is_cut_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(1500, cuts=True), capsys)
    assert code == 1
    assert kinds(document)[0] == "window-cut"
    assert document["flat"] == 1500
    cut = [step for step in document["steps"] if step["cut"]]
    assert [step["percent"] for step in cut] == [50, 75, 100]
    assert {step["counted"] for step in cut} == {1500}
    assert cut[0]["found"][0] is False, "its beginning is gone"
    assert "always 1500" in document["findings"][0]["summary"]


def test_cut_beyond_the_window_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(PROMISED, cuts=True), capsys)
    assert (code, kinds(document)) == (0, ["beyond-cut"])


def test_an_engine_ten_times_slower(capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--max-ttft", "1", "--steps", "10,100")
    assert proven(Windowed(PROMISED, delay=0.00005), capsys, *more)[0] == 0
    code, document = proven(Windowed(PROMISED, delay=0.0005), capsys, *more)
    assert (code, kinds(document)) == (1, ["first-token-late"])
    first = [step["first"] for step in document["steps"]]
    assert first[1] > first[0]


def test_needles_that_are_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(PROMISED, deaf=2500), capsys)
    assert (code, kinds(document)) == (1, ["needles-lost"])
    by_step = {step["percent"]: step["found"] for step in document["steps"]}
    assert by_step[50] == [True] * 5
    assert by_step[100] == [True, False, False, False, True]
    assert any("usable 20" in line for line in document["advice"])


def test_an_engine_that_dies_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    code, document = proven(Windowed(PROMISED, crash=3000), capsys)
    assert (code, kinds(document)) == (1, ["cut-off"])
    assert [step["percent"] for step in document["steps"]] == [10, 25, 50, 75]


def _same_for_all(x: Exchange) -> None:
    x.answer(brain.completion({"messages": [{"role": "user", "content": "Hello"}]}))


@pytest.mark.parametrize(
    ("says", "act"),
    [
        ("html", lambda x: x.send(200, "text/html", b"<!doctype html>")),
        ("rate-limited.*Retry-After: 9", lambda x: x.json({"error": "busy"}, 429, Retry_After="9")),
        ("cut-off", lambda x: x.cut()),
        ("not-utf8", lambda x: x.send(200, "application/json", b"\xec\x84")),
        ("tells nothing", _same_for_all),
        ("no usage", lambda x: x.json({"choices": [{"message": {"content": "Hi"}}]})),
    ],
)
def test_a_server_that_counts_nothing(says: str, act: Callable[[Exchange], None]) -> None:
    with serving(act) as server:
        words = ["--url", server.url, "--model", "m", "--context", "4096", "--timeout", "20"]
        with pytest.raises(StackError, match=says) as error:
            run(["prove", "context", *words])
    assert error.value.exit_code == 1
    assert error.value.fix
    assert "ROLE" not in error.value.fix


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "context.html"
    with serving(Windowed(PROMISED // 2)) as server:
        words = ["--url", server.url, "--model", "<m>", "--context", str(PROMISED)]
        assert run(["prove", "context", *words, "--plot", str(page)]) == 1
    out = capsys.readouterr().out
    assert "window-smaller" in out
    assert "advice:" in out
    text = page.read_text(encoding="utf-8")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace(server.url, "")
    assert "<m>" not in text
    pictures = text.split("<svg")[1:]
    assert len(pictures) == 2, "no picture of a GPU that is not ours"
    assert "Needles found" in text
    for picture in pictures:
        ElementTree.fromstring("<svg" + picture.partition("</svg>")[0] + "</svg>")


def target(url: str) -> Target:
    return Target("main", "m", Door(url), Door(url), PROMISED)


def test_it_stops_before_the_box_swaps() -> None:
    left = iter([9000] * 5 + [900])

    def now() -> Memory:
        return Memory(available=next(left), total=16000)

    with serving(Windowed(PROMISED)) as server:
        way = prove(target(server.url), Effort((10, 25, 50, 75, 100)), now=now)
    assert [step.percent for step in way.steps] == [10, 25]
    assert "900 MiB of memory" in way.stopped
    assert way.beyond is None


@pytest.mark.parametrize("words", ["0", "101", "ten", "10,,50", "\u0661\u0660"])
def test_steps_that_are_none(words: str) -> None:
    with pytest.raises(StackError, match="no percentage") as error:
        run(["prove", "context", "--steps", words])
    assert error.value.exit_code == 2
