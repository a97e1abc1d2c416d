"""Two replicas of a real llama.cpp: how much of the prompts they have in the KV cache already, when
conversations stay where they are, and when each request goes to the next in turn.

Tokens as llama.cpp itself counts them (`usage.prompt_tokens_details.cached_tokens`).
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from stackctl.commands.gateway.apply import Place
from stackctl.system import haproxy
from tests.bench.gateway.bars import Bar
from tests.integration.stack.box import Box, box, free_ports

MODEL = "gpt-oss-20b"
ROLES = ("coder", "coder2")
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
_CONVERSATIONS, _TURNS, _AT_ONCE = 12, 6, 4
_WORDS = 120  # of each system prompt


@dataclass(frozen=True)
class Share:
    """Of all tokens of prompts, those that an engine did not have to compute."""

    cached: int
    total: int

    @property
    def part(self) -> float:
        return self.cached / self.total


@contextmanager
def _replicas() -> Iterator[tuple[Box, str, str]]:
    """A box with two coders behind a gateway, its address and a key."""
    with tempfile.TemporaryDirectory() as folder, box(Path(folder)) as made:
        names = (*PORTS, "CODER2_PORT")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        made.settings(COMPOSE_PROFILES=",".join([*ROLES, "gateway"]), **ports)
        up = made.stackctl("up")
        assert up.code == 0, up.text
        key = json.loads(made.stackctl("keys", "add", "bench", "--json").out)["key"]
        yield made, f"http://127.0.0.1:{ports['GATEWAY_HTTP_PORT']}", key


def _in_turn(made: Box) -> None:
    """The same gateway without affinity."""
    place = Place(made.home)
    backends = place.conf / "backends.cfg"
    text = backends.read_text()
    assert "balance hash" in text
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("hash-")]
    backends.write_text(
        "\n".join(kept).replace("balance hash var(txn.begin)", "balance roundrobin") + "\n"
    )
    state = place.conf / "servers.state"
    state.write_text(haproxy.command(place.run, "show servers state"))
    haproxy.reload(place.run)
    state.unlink()


def _talk(url: str, key: str, seed: int) -> Share:
    """Conversations of several turns, some at once, each with a beginning of its own."""
    rng = random.Random(seed)
    starts = [
        " ".join(f"w{rng.randrange(10**6)}" for _ in range(_WORDS)) for _ in range(_CONVERSATIONS)
    ]

    def one(start: str) -> Share:
        messages = [{"role": "system", "content": start}]
        cached = total = 0
        for turn in range(_TURNS):
            messages.append({"role": "user", "content": f"Question {turn}"})
            answer = requests.post(
                f"{url}/v1/chat/completions",
                headers={"Authorization": f"Bearer {key}"},
                json={"model": MODEL, "messages": messages, "max_tokens": 8},
                timeout=120,
            )
            answer.raise_for_status()
            body = answer.json()
            said = body["choices"][0]["message"]["content"]
            messages.append({"role": "assistant", "content": said})
            cached += body["usage"]["prompt_tokens_details"]["cached_tokens"]
            total += body["usage"]["prompt_tokens"]
        return Share(cached, total)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        shares = list(pool.map(one, starts))
    return Share(sum(s.cached for s in shares), sum(s.total for s in shares))


def bars(told: Callable[[str], None] = lambda _text: None) -> list[Bar]:
    """How many times as many tokens have to be computed without affinity."""
    with _replicas() as (made, url, key):
        stays = _talk(url, key, 1)
        told(f"affinity: {stays.cached} of {stays.total} tokens cached ({stays.part:.0%})")
        _in_turn(made)
        turns = _talk(url, key, 2)
        told(f"in turn: {turns.cached} of {turns.total} tokens cached ({turns.part:.0%})")
    # with two replicas and conversations of six turns, 2/6 to 1/6 at the most
    computed = [share.total - share.cached for share in (turns, stays)]
    note = f"from the cache came {stays.part:.0%} of all tokens of prompts, and {turns.part:.0%}"
    ratio = computed[0] / computed[1]
    return [Bar("tokens to compute, in turn : with affinity", ratio, "x", least=1.1, note=note)]


if __name__ == "__main__":
    for bar in bars(print):
        print(bar)
