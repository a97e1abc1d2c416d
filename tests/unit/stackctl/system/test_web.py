"""HTTP to publishers: who is sent what, what is said of failures, how long we wait."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stackctl.model import StackError
from stackctl.system import web
from stackctl.system.web import Passing, Portal, Web, plain, wait_for
from tests.hub import FOREVER, Fault, Html, Hub, NotJson, RedirectLoop, Reset, Stall, Status

SECRET = "hf_verysecret"
API = "/api/models/acme/tiny"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path / "hub") as hub:
        hub.add("acme/tiny", {"w.gguf": b"weights", "config.json": b"{}"}, token=SECRET)
        yield hub


def ask(hub: Hub, path: str = API, **more: float) -> web.Answer:
    one = Web({hub.url: SECRET})
    try:
        return one.ask(hub.url + path, pause=0.001, timeout=(5, 0.3), **more)  # type: ignore[arg-type]
    finally:
        one.close()


def everything(error: BaseException) -> str:
    """Message, fix, and all that any report could show of what led to it."""
    text = "".join(traceback.format_exception_only(error)) + str(vars(error))
    for other in (error.__cause__, error.__context__):
        text += everything(other) if other else ""
    return text


def test_a_whole_answer(hub: Hub) -> None:
    answer = ask(hub)
    assert answer.body["id"] == "acme/tiny"
    assert answer.headers["content-type"] == "application/json"
    assert ask(hub, "/nothing").status in (401, 404)


def test_what_is_not_json_is_text(hub: Hub) -> None:
    hub.inject(NotJson())
    assert ask(hub).body == '{"siblings": [{"rfilename'


@pytest.mark.parametrize(
    "fault",
    [Status(code=503, times=2), Status(code=429, headers={"Retry-After": "0"}), Reset(), Stall()],
    ids=repr,
)
def test_passing_failures_pass(hub: Hub, fault: Fault) -> None:
    hub.inject(fault)
    assert ask(hub).status == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(code=503), "answers 503"),
        (Status(code=511), "this network wants a login first"),
        (Reset(), "the connection broke off"),
        (Stall(seconds=2), "no answer in time"),
        (RedirectLoop(), "redirects in a circle"),
    ],
    ids=repr,
)
def test_failures_that_stay_are_told_without_secrets(hub: Hub, fault: Fault, words: str) -> None:
    fault.times = FOREVER
    hub.inject(fault)
    with pytest.raises(StackError, match=words) as caught:
        ask(hub, API + "?X-Amz-Signature=abc123", tries=2)
    assert caught.value.message.startswith(f"{hub.url}{API}: ")
    assert "abc123" not in everything(caught.value)
    assert SECRET not in everything(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/x?sig=abc123", "nobody answers there"),
        ("http://nowhere.invalid/x?sig=abc123", "the name of its host is not known"),
        ("gopher://old/x?sig=abc123", "not a URL that can be asked"),
        ("not-a-url?sig=abc123", "not a URL that can be asked"),
        ("http://[broken/x?sig=abc123", "not a URL that can be asked"),
    ],
)
def test_what_cannot_be_asked(url: str, words: str) -> None:
    with pytest.raises(StackError, match=words) as caught:
        Web().ask(url, tries=1)
    assert "abc123" not in everything(caught.value)


def test_a_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(StackError, match="bundle of certificates cannot be read") as caught:
        Web().ask("https://127.0.0.1:1/x", tries=1)
    assert "REQUESTS_CA_BUNDLE" in caught.value.fix


def test_tokens_go_to_their_endpoint_only() -> None:
    one = Web({"https://hub.example": SECRET, "http://box:8080/hf/": "other", "http://none": ""})
    sent = {"Authorization": f"Bearer {SECRET}"}
    assert one.headers("https://hub.example/a/b") == sent
    assert one.headers("https://hub.example") == sent
    assert one.headers("http://box:8080/hf/a") == {"Authorization": "Bearer other"}
    for url in (
        "https://hub.example.evil/a",
        "https://hub.example@evil/a",
        "http://hub.example/a",
        "https://hub.example:444/a",
        "http://box:8080/hfx",
        "http://none/a",
    ):
        assert one.headers(url) == {}, url


def test_neither_token_nor_netrc_follow_a_redirect_to_another_host(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    hub.redirect = True
    assert ask(hub, "/acme/tiny/resolve/main/w.gguf").text == "weights"
    hubs, cdn = hub.requests
    assert (hubs.has_authorization, cdn.has_authorization) == (True, False)
    assert cdn.host.startswith("localhost:")
    Web().ask(f"{hub.cdn_url}{API}")
    assert not hub.requests[-1].has_authorization


def test_a_portal_is_not_waited_for(hub: Hub) -> None:
    hub.inject(Status(code=511, times=FOREVER))
    with pytest.raises(StackError) as caught:
        ask(hub)
    assert len(hub.requests) == 2
    assert "browser" in caught.value.fix
    hub.faults[:] = [Html()]
    assert str(ask(hub).body).startswith("<html>")


def retry_after(**headers: str) -> float:
    answer = requests.Response()
    answer.status_code = 429
    answer.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    with pytest.raises(Passing) as caught:
        web.check_passing(answer)
    return caught.value.wait


def test_retry_after() -> None:
    date = "Tue, 01 Jan 2036 00:00:{} GMT"
    assert retry_after(Retry_After="7") == 7
    assert retry_after(Retry_After=date.format("30"), Date=date.format("10")) == 20
    assert retry_after(Retry_After=date.format("10"), Date=date.format("30")) == 0
    for nonsense in ("", "-5", "soon", "1.5", "²", date.format("10")):
        assert retry_after(Retry_After=nonsense) == 0, nonsense
    assert retry_after(Retry_After=date.format("30"), Date="Mon, 01 Jan 2035 00:00:00 -0000") == 0


@pytest.mark.parametrize("asked", [0.0, 5.0, 1e300, float("inf")])
def test_pauses_are_bounded(asked: float) -> None:
    pauses = [wait_for(Passing("busy", asked), n, 1.0) for n in (1, 2, 3, 10, 10_000)]
    assert all(min(asked, 300) <= pause <= 300 for pause in pauses)
    if not asked:
        assert 1 <= pauses[0] <= 2
        assert 4 <= pauses[2] <= 5
        assert pauses[-1] <= 61
    assert retry_after(Retry_After="9" * 400) == float("inf")


def test_a_plain_url_holds_no_secret() -> None:
    assert plain("https://me:pw@host:1/a/b@c?sig=x#y") == "https://host:1/a/b@c"
    assert plain("https://host/https://other/x?y") == "https://host/https://other/x"
    assert plain("https://me:pw@host") == "https://host"
    assert Portal("x").tries == 2
