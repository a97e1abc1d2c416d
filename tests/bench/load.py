"""Is `stackctl bench` fast enough not to measure itself? Streamed requests against a null server.

The server writes 50 chunks at once and computes nothing, in a process of its own. If only the rate
by the clock is too low, the machine had other things to do.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stackctl.model.load import Patience, Target
from stackctl.system.load import fire
from tests.bench.gateway.bars import Bar
from tests.integration.bench import server

CONNECTIONS = 32
RATE = 3000
_REQUESTS = 9000
_ROUNDS = 3
_BODY = b'{"model":"null","messages":[{"role":"user","content":"a"}],"stream":true}'


@contextmanager
def null_server() -> Iterator[str]:
    """Its address."""
    argv = [sys.executable, "-m", server.__name__]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/null"
        finally:
            process.terminate()


def bars() -> list[Bar]:
    """The best of some rounds: what else ran takes from a round, and adds to none."""
    clock, core = 0.0, 0.0
    with null_server() as url:
        target = Target("null", url, "null")
        for _ in range(_ROUNDS):
            began = time.thread_time()
            shots = fire(
                target,
                [_BODY] * _REQUESTS,
                CONNECTIONS,
                most_chunks=100,
                patience=Patience(60),
            )
            spent = time.thread_time() - began
            assert all(o.ok and o.tokens == 50 for o in shots.outcomes)
            assert len(shots.outcomes) == _REQUESTS
            clock = max(clock, _REQUESTS / shots.seconds)
            core = max(core, _REQUESTS / spent)
    note = f"50 chunks each, {CONNECTIONS} connections"
    return [
        Bar("bench: streamed requests", clock, "/s", least=RATE, note=note),
        Bar("bench: the same for a second of its CPU", core, "/s", least=RATE),
    ]


if __name__ == "__main__":
    print(*bars(), sep="\n")
