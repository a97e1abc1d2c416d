"""One file on a web server, and what is common to all publishers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.model.errors import StackError
from stackctl.model.weights import Algorithm, Digest, Kind, RemoteFile, Source
from stackctl.models.publishers import PUBLISHERS, Reply, explain, listing, url

from .wire import PLAIN, PORTAL, Wire

SHA256 = Digest(Algorithm.SHA256, "ab" * 32)
SOURCE = Source(Kind.URL, "//host/a/gr%C3%B6%C3%9Fe%20x.gguf?key=s3cret", digest=SHA256)
LOCAL = Source(Kind.FILE, "/data/x.gguf")
NO_GET = Wire({})


def refusal(answer: Reply, source: Source = SOURCE) -> StackError:
    with pytest.raises(StackError) as caught:
        listing(source, PLAIN, NO_GET, Wire(answer))
    assert "s3cret" not in caught.value.message + caught.value.fix
    return caught.value


def test_a_listing() -> None:
    head = Wire({"https:" + SOURCE.name: Reply(200, {"Content-Length": "7"}, "")})
    found = listing(SOURCE, PLAIN, NO_GET, head)
    assert found.revision == SHA256.hex
    assert found.files == (RemoteFile("größe x.gguf", 7, SHA256),)
    assert head.headers == {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("answer", "message", "fix"),
    [
        (Reply(404, {}, ""), "x.gguf is not there (404)", "check the address"),
        (Reply(403, {}, ""), "is not for everyone (403)", "account"),
        (Reply(503, {}, ""), "answers 503", "later"),
        (Reply(200, {}, ""), "how large", "Content-Length"),
        (Reply(200, {"content-length": "0"}, ""), "how large", ""),
        (Reply(200, {"content-length": "-5"}, ""), "how large", ""),
        (Reply(200, {"content-length": "9" * 5000}, ""), "how large", ""),
        (Reply(200, {"content-length": "٣"}, ""), "how large", ""),
        (Reply(200, {"content-length": "5", "content-encoding": "gzip"}, ""), "how large", ""),
        (replace(PORTAL, headers={"Content-Type": "text/html"}), "a web page", "captive portal"),
    ],
)
def test_refusals(answer: Reply, message: str, fix: str) -> None:
    error = refusal(answer)
    assert message in error.message
    assert fix in error.fix


def test_a_hash_is_needed() -> None:
    assert "has no SHA-256" in refusal(PORTAL, replace(SOURCE, digest=None)).message


def test_where_a_file_is() -> None:
    assert url(SOURCE, "", "", PLAIN) == "https:" + SOURCE.name
    assert url(replace(SOURCE, name="http://h/x"), "", "", PLAIN) == "http://h/x"


def test_every_kind_has_a_publisher_but_what_is_here_already() -> None:
    assert set(PUBLISHERS) == set(Kind) - {Kind.FILE}
    for ask in (
        lambda: listing(LOCAL, PLAIN, NO_GET, NO_GET),
        lambda: url(LOCAL, "", "", PLAIN),
        lambda: explain(PORTAL, "", LOCAL, PLAIN),
    ):
        with pytest.raises(StackError, match=r"file:/data/x\.gguf has no publisher"):
            ask()


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_files_are_refused_for_the_same_reasons_as_listings(kind: Kind) -> None:
    source = Source(kind, "//host/x" if kind is Kind.URL else "org/name:1", digest=SHA256)
    error = explain(Reply(404, {}, ""), "https://host/x", source, PLAIN)
    assert error.exit_code == 2
    assert "503" in explain(Reply(503, {}, ""), "https://host/x", source, PLAIN).message
