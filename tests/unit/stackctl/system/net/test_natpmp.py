"""NAT-PMP on loopback: a router that loses packets, refuses, and offers other ports."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stackctl.model import Unavailable
from stackctl.model.forwarding import Refusal, Refused
from stackctl.system.net import natpmp
from stackctl.system.net.natpmp import NatPmp

_Answer = Callable[[bytes], bytes]


@contextmanager
def router(answer: _Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What it was asked. It says nothing where `answer` is empty."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        monkeypatch.setattr(natpmp, "_PORT", door.getsockname()[1])

        def serve() -> None:
            while True:
                question, sender = door.recvfrom(64)
                if question == b"end":
                    return
                asked.append(question)
                if told := answer(question):
                    door.sendto(told, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
                ender.sendto(b"end", door.getsockname())
            thread.join()


def told(question: bytes, result: int = 0, port: int | None = None) -> bytes:
    head = struct.pack("!BBHI", 0, question[1] + 128, result, 77)
    if question[1] == 0:
        return head + socket.inet_aton("81.2.69.10" if not result else "0.0.0.0")
    inside, outside, lease = struct.unpack("!HHI", question[4:])
    return head + struct.pack("!HHI", inside, outside if port is None else port, lease)


def test_a_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    with router(told, monkeypatch) as asked:
        gate = NatPmp("127.0.0.1")
        assert gate.outside() == "81.2.69.10"
        assert gate.here == "127.0.0.1"
        assert gate.add(9443, 8443, 3600) == 3600
        gate.remove(9443, 8443)
        assert isinstance(gate.entry(9443), Unavailable)
    # RFC 6886, 3.3: version, opcode 2 (TCP), reserved, port inside, port outside, lifetime
    assert asked[1:] == [
        bytes.fromhex("0002 0000 20fb 24e3 00000e10"),
        bytes.fromhex("0002 0000 20fb 0000 00000000"),
    ]


def test_a_lost_packet_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([b"", b"\0\x80", b"nonsense"])
    with router(lambda question: next(answers, told(question)), monkeypatch) as asked:
        assert NatPmp("127.0.0.1").outside() == "81.2.69.10"
    assert len(asked) == 4


def test_another_port_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with router(lambda question: told(question, port=50000), monkeypatch) as asked:
        with pytest.raises(Refused) as caught:
            NatPmp("127.0.0.1").add(443, 8443, 3600)
        assert caught.value.why is Refusal.CONFLICT
    assert asked[-1][-4:] == bytes(4)  # a lifetime of 0


@pytest.mark.parametrize(
    ("result", "why"),
    [(1, Refusal.OTHER), (2, Refusal.FORBIDDEN), (3, Refusal.NO_ADDRESS), (4, Refusal.FULL)],
)
def test_refusals(monkeypatch: pytest.MonkeyPatch, result: int, why: Refusal) -> None:
    with router(lambda question: told(question, result), monkeypatch):
        gate = NatPmp("127.0.0.1")
        with pytest.raises(Refused) as caught:
            gate.add(8443, 8443, 3600)
        assert caught.value.why is why
        if why is Refusal.NO_ADDRESS:
            assert gate.outside() == ""


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    monkeypatch.setattr(natpmp, "_PORT", port)
    with pytest.raises(Refused) as caught:
        NatPmp("127.0.0.1").outside()
    assert caught.value.why is Refusal.SILENT
