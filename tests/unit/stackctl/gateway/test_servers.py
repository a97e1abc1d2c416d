"""What HAProxy says of its servers. The text is what HAProxy 3.2 printed, shortened."""

from __future__ import annotations

from stackctl.gateway.servers import State, parse, rows

STAT = """# pxname,svname,qcur,qmax,scur,smax,slim,stot,status
api,FRONTEND,,,1,2,24972,9,OPEN
coder,stackctl-coder-1,0,3,1,1,1,147,UP
coder,stackctl-coder-next-1,0,0,0,0,1,0,DOWN
coder,BACKEND,3,3,4,4,2498,147,UP
audio,stackctl-audio-1,0,0,0,0,1,0,DRAIN
audio,BACKEND,0,0,0,0,2498,0,DOWN
"""


def test_servers_and_their_backends() -> None:
    assert parse(STAT) == {
        ("coder", "stackctl-coder-1"): State(1, 0, up=True),
        ("coder", "stackctl-coder-next-1"): State(0, 0, up=False),
        ("coder", "BACKEND"): State(4, 3, up=True),
        ("audio", "stackctl-audio-1"): State(0, 0, up=False),
        ("audio", "BACKEND"): State(0, 0, up=False),
    }


def test_an_old_process_that_has_ended_says_nothing() -> None:
    assert parse("") == {}


def test_the_keys_of_a_map() -> None:
    text = "0x7f01e800 coder down\n0x7f01e840 main all\n\n"
    assert rows(text) == {"coder": "down", "main": "all"}
    assert rows("") == {}
