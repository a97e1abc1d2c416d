"""What a shell does to a program: pipes that close, streams that are not there, Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import subprocess

import pytest

from tests.integration.chat.client import PATIENCE, argv, environ
from tests.integration.chat.server import Request, serving


def _for_ever(x: Request) -> None:
    x.begin()
    while not x.ended.wait(0.02):
        x.delta(content="and on\n")


def shell(url: str, command: str) -> subprocess.CompletedProcess[str]:
    """`CHAT` stands for stackctl chat."""
    words = " ".join(shlex.quote(str(word)) for word in argv(url, "--model", "m"))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command.replace('CHAT', words)}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environ(None),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_reader_that_goes_away_frees_the_engine() -> None:
    with serving(_for_ever) as server:
        done = shell(server.url, "CHAT hi | head -2")
        assert (done.returncode, done.stdout) == (0, "and on\n" * 2)
        assert server.gone.wait(PATIENCE)


def test_a_full_disk() -> None:
    with serving(_for_ever) as server:
        done = shell(server.url, "CHAT hi > /dev/full")
        assert server.gone.wait(PATIENCE)
    assert done.returncode == 1
    assert "cannot be written: No space left" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-"])
def test_streams_that_are_closed(closed: str) -> None:
    with serving(lambda x: x.say("hello")) as server:
        done = shell(server.url, f"CHAT hi {closed}")
        assert len(server.requests) == 1
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("" if ">&-" in closed.split() else "hello\n")


def test_ctrl_c_ends_one_question_and_frees_the_engine() -> None:
    with serving(_for_ever) as server:
        with subprocess.Popen(
            argv(server.url, "--model", "m", "hi"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environ(None),
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"and on\n"
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert b"Traceback" not in told
        assert server.gone.wait(PATIENCE)
