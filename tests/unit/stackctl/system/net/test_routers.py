"""Which router is asked: answers of SSDP, several routers, none."""

from __future__ import annotations

import pytest

from stackctl.model import Unavailable
from stackctl.model.forwarding import Refusal, Refused
from stackctl.system.net import routers, ssdp
from stackctl.system.net.natpmp import NatPmp

ANSWER = (
    b"HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    b"Location:  http://192.168.1.1:5000/rootDesc.xml \r\n\r\n"
)
URL = "http://192.168.1.1:5000/rootDesc.xml"


def test_an_answer() -> None:
    assert ssdp.location(ANSWER, "192.168.1.1") == URL


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe\0",
        b"NOTIFY * HTTP/1.1\r\n" + ANSWER.partition(b"\r\n")[2],
        ANSWER.replace(b"InternetGatewayDevice", b"MediaServer"),
        ANSWER.replace(b"http://", b"file://"),
        ANSWER.replace(b"192.168.1.1", b"192.168.1.66"),
        ANSWER.replace(b"192.168.1.1:5000", b"192.168.1.1:5000@169.254.169.254"),
        ANSWER.replace(b"192.168.1.1:", b"[::1"),
    ],
)
def test_no_answer_of_a_router(answer: bytes) -> None:
    """One that leads elsewhere than to who sent it is none, nor what is no answer at all."""
    assert ssdp.location(answer, "192.168.1.1") == ""


def test_several_routers_are_for_the_owner_to_choose_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssdp, "search", lambda router, only: ("http://a/", "http://b/"))
    found = routers.find("192.168.1.1")
    assert found == Unavailable("http://a/, http://b/", routers.SEVERAL)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(self: object) -> str:
        raise Refused(Refusal.SILENT, "no answer")

    monkeypatch.setattr(ssdp, "search", lambda router, only: ())
    monkeypatch.setattr(NatPmp, "outside", silent)
    found = routers.find("192.168.1.1")
    assert isinstance(found, Unavailable)
    assert "192.168.1.1" in found.reason
