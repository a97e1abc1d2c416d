"""The page at /: all in one file, and nothing in it that others could have put there."""

from __future__ import annotations

import base64
import datetime
from html.parser import HTMLParser

import pytest

from stackctl.connect.offer import Offer
from stackctl.connect.page import page
from stackctl.model.gateway import Backend
from stackctl.system.certificates import make

EVIL = "<script>alert(1)</script>&'`"
#: elements that are never closed
_VOID = {"meta", "link", "input", "br", "rect", "path", "circle"}


class Reader(HTMLParser):
    """Reads it as strictly as a browser does not."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attrs in self.found if (value := attrs.get(name)) is not None]


@pytest.fixture(scope="module")
def ca() -> str:
    return make.authority("box", ["box.lan"], datetime.datetime.now(datetime.UTC)).pem.decode()


def test_models_of_whatever_name(ca: str) -> None:
    backends = (Backend("m", EVIL, (), aliases=(EVIL + "2",), context=4096),)
    seen = Reader(page(Offer("https://h:8443", backends), ca))
    assert [tag for tag, _ in seen.found].count("script") == 1
    assert EVIL in seen.words
    assert EVIL + "2" in seen.words
    assert "4,096 tokens" in seen.words


def test_nothing_from_elsewhere(ca: str) -> None:
    backends = (Backend("m", "model", ()), Backend("image", "", (), api="comfyui"))
    text = page(Offer("https://h:8443", backends), ca)
    seen = Reader(text)
    assert [each for each in seen.attributes("href") if not each.startswith("data:")] == [
        "/comfyui/"
    ]
    for name in ("src", "srcset", "action", "onclick"):
        assert seen.attributes(name) == []
    assert "@import" not in text
    assert "url(" not in text
    ids = seen.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(seen.attributes("aria-controls")) | set(seen.attributes("for")) <= set(ids)


def test_the_ca(ca: str) -> None:
    seen = Reader(page(Offer("https://h:8443", (Backend("m", "model", ()),)), ca))
    (link,) = [attrs for tag, attrs in seen.found if "download" in attrs]
    assert base64.b64decode((link["href"] or "").partition(",")[2]).decode() == ca
    assert "Debian, Ubuntu" in seen.words
    without = page(Offer("https://h:8443", (Backend("m", "model", ()),)), "")
    assert "ca.pem" not in without


@pytest.mark.parametrize("backends", [(), (Backend("image", "", (), api="comfyui"),)])
def test_before_any_model_is_there(backends: tuple[Backend, ...]) -> None:
    assert "No model behind this door yet" in Reader(page(Offer("http://h:1", backends), "")).words


def test_the_same_text_for_the_same_stack(ca: str) -> None:
    offer = Offer("https://h:8443", (Backend("m", "model", ()),))
    assert page(offer, ca) == page(offer, ca)
