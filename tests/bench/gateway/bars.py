"""The gateway against no gateway, nginx and LiteLLM, in turn, in one network namespace."""

from __future__ import annotations

import http.client
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from stackctl.commands.gateway import apply, keys
from stackctl.commands.gateway.apply import Place
from stackctl.system.docker import Docker
from tests.bench.gateway import rivals
from tests.bench.gateway.lab import ENGINE, GATEWAY, Lab, NotReadyError, processes, resident_mib
from tests.bench.gateway.lab import lab as new_lab
from tests.bench.gateway.load import KEY, MIB, SMALL, Figures, body, request, stream

#: of clients that send their next request when they have the answer
_BUSY = 32
_STREAMS = 200
_KEYS = 10
#: chunks per second of a stream, as the engine was started
_RATE = 25


@dataclass(frozen=True)
class Bar:
    """A figure, and what it may be at most or has to be at least, where there is a bar."""

    name: str
    value: float | None  # None: not measured
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        if self.value is None:
            return False
        return (self.most is None or self.value <= self.most) and (
            self.least is None or self.value >= self.least
        )

    def __str__(self) -> str:
        value = "not measured" if self.value is None else f"{self.value:.3g} {self.unit}"
        text = f"{self.name}: {value}" + (f" ({self.note})" if self.note else "")
        for limit, word in ((self.most, "at most"), (self.least, "at least")):
            if limit is not None:
                text += f"  bar: {word} {limit:g}  {'PASS' if self.passed else 'FAIL'}"
        return text


def latency(lab: Lab) -> Bar:
    """What one client waits longer than without a gateway, by the medians of both."""
    pairs = list(_in_turn(lab, (GATEWAY, ENGINE), 1, 0.5, SMALL, times=15))
    added = statistics.median(a.p50_us - b.p50_us for a, b in pairs) / 1000
    note = _medians(
        ("gateway", "direct"), ([f.p50_us for f in c] for c in zip(*pairs, strict=True))
    )
    return Bar("latency added at the median, 1 KB", added, "ms", most=0.2, note=f"us: {note}")


def chunks(lab: Lab) -> Bar:
    """The same of the chunks of streams, from the engine's write to the client's read."""
    pairs = list(_in_turn(lab, (GATEWAY, ENGINE), 20, 0.1, stream(_RATE), times=9))
    added = statistics.median(a.chunk_p50_us - b.chunk_p50_us for a, b in pairs) / 1000
    columns = ([f.chunk_p50_us for f in c] for c in zip(*pairs, strict=True))
    note = _medians(("gateway", "direct"), columns)
    return Bar("a streamed chunk comes later at the median", added, "ms", 0.15, note=f"us: {note}")


def against_nginx(lab: Lab, folder: Path) -> Bar:
    with rivals.nginx(lab, folder) as nginx:
        pairs = list(_in_turn(lab, (GATEWAY, nginx), _BUSY, 0.7, SMALL, times=15))
    return _ratio("requests/s : nginx+njs", pairs, 0.8, ("gateway", "nginx"))


def against_litellm(lab: Lab, folder: Path) -> Bar:
    name, least = "requests/s : LiteLLM", 100
    program = rivals.install_litellm()
    if program is None:
        return Bar(name, None, "", least=least, note="LiteLLM could not be installed")
    try:
        with rivals.litellm(lab, folder, program) as port:
            pairs = list(_in_turn(lab, (GATEWAY, port), _BUSY, 3, SMALL, times=3))
    except NotReadyError as error:
        return Bar(name, None, "", least=least, note=str(error))
    return _ratio(name, pairs, least, ("gateway", "LiteLLM"))


def bodies(lab: Lab) -> Bar:
    """With a length and in chunks; the engine says how much of each has arrived."""
    sizes = (1024, 16 << 10, 64 << 10, MIB, 2 * MIB, 4 * MIB - 1, 4 * MIB)
    lost = [
        f"{size}{' in chunks' if chunked else ''}"
        for size in sizes
        for chunked in (False, True)
        if not _arrives(lab, body(size), chunked)
    ]
    name = "bodies up to 4 MiB, model last, that do not arrive"
    return Bar(name, len(lost), f"of {2 * len(sizes)}", most=0, note=", ".join(lost))


def memory(lab: Lab) -> list[Bar]:
    """Of all processes of the gateway: before and while 200 streams run, and with what large
    bodies have left behind."""
    figures = {"idle": _resident(lab)}
    with lab.clients(GATEWAY, _STREAMS, 0.1, stream(4 * _RATE)) as result:
        time.sleep(2)
        figures[f"{_STREAMS} streams"] = _resident(lab)
        assert result().errors == 0
    assert not lab.client(GATEWAY, _BUSY, 1, request(body(4 * MIB))).errors
    figures[f"after {_BUSY} bodies of 4 MiB at once"] = _resident(lab)
    return [Bar(f"memory, {when}", figure, "MiB") for when, figure in figures.items()]


def _resident(lab: Lab) -> float:
    return resident_mib(processes(lab.box.container("gateway")))


def reload(lab: Lab) -> Bar:
    """Three reloads, as `up` does them, while 200 streams run and 8 clients ask."""
    place, docker = Place(lab.box.home), Docker()
    with (
        lab.clients(GATEWAY, _STREAMS, 6, stream(4 * _RATE)) as streams,
        lab.clients(GATEWAY, 8, 8, SMALL) as requests,
    ):
        for _ in range(3):
            time.sleep(1.5)
            place.loaded.unlink()  # so HAProxy may have read anything
            apply.refresh(lab.box.home, docker)
        parts = (streams(), requests())
    lost = sum(part.errors for part in parts)
    note = f"{parts[0].requests} streams, {parts[1].requests} requests"
    note += "".join(f", {part.reason}" for part in parts if part.reason)
    return Bar("errors in three reloads under load", lost, "", most=0, note=note)


def key_changes(lab: Lab) -> Bar:
    """From the call to the first answer that differs; Python's start is not in it."""
    connection = http.client.HTTPConnection(lab.address, GATEWAY, timeout=30)
    took = []
    with patch.dict(os.environ, STACKCTL_HOME=str(lab.box.home)):
        for number in range(_KEYS):
            name, shown = f"guest-{number}", io.StringIO()
            began = time.perf_counter()
            with redirect_stdout(shown):
                keys.add(name, {}, as_json=True)
            key = json.loads(shown.getvalue())["key"]
            took.append(_until(200, connection, key) - began)
            began = time.perf_counter()
            with redirect_stdout(shown):
                keys.revoke(name, as_json=True)
            took.append(_until(401, connection, key) - began)
    note = f"slowest of {len(took)}: {1000 * max(took):.0f} ms"
    value = 1000 * statistics.median(took)
    return Bar("a key added or revoked takes effect", value, "ms", most=50, note=note)


def _until(status: int, connection: http.client.HTTPConnection, key: str) -> float:
    """When the key gets that status."""
    deadline = time.perf_counter() + 10
    while _models(connection, key) != status:
        assert time.perf_counter() < deadline, f"no answer of {status}"
    return time.perf_counter()


def _models(connection: http.client.HTTPConnection, key: str) -> int:
    """The status that a key gets."""
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _in_turn(
    lab: Lab, ports: tuple[int, int], connections: int, seconds: float, content: bytes, times: int
) -> Iterator[tuple[Figures, Figures]]:
    """One of each per repetition; who comes first changes."""
    for repetition in range(times):
        order = ports if repetition % 2 else ports[::-1]
        both = {port: lab.client(port, connections, seconds, content) for port in order}
        assert not any(f.errors for f in both.values()), both
        yield both[ports[0]], both[ports[1]]


def _ratio(
    name: str, pairs: list[tuple[Figures, Figures]], least: float, names: tuple[str, str]
) -> Bar:
    ratio = statistics.median(a.rate / b.rate for a, b in pairs)
    note = _medians(names, ([f.rate for f in column] for column in zip(*pairs, strict=True)))
    return Bar(name, ratio, "", least=least, note=note)


def _medians(names: Iterable[str], columns: Iterable[list[float]]) -> str:
    return ", ".join(
        f"{name} {statistics.median(column):.0f}"
        for name, column in zip(names, columns, strict=True)
    )


def _arrives(lab: Lab, content: bytes, chunked: bool) -> bool:
    connection = http.client.HTTPConnection(lab.address, GATEWAY, timeout=30)
    parts = [content[i : i + 65536] for i in range(0, len(content), 65536)]
    connection.request(
        "POST",
        "/v1/chat/completions",
        iter(parts) if chunked else content,
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        encode_chunked=chunked,
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status == 200 and json.loads(text)["usage"]["prompt_tokens"] == len(content)


def bars(folder: Path) -> list[Bar]:
    """All of them; needs Docker, and to be root for LiteLLM's place in the namespace."""
    with new_lab(folder) as lab:
        return [
            *memory(lab),
            latency(lab),
            chunks(lab),
            bodies(lab),
            key_changes(lab),
            reload(lab),
            against_nginx(lab, folder),
            against_litellm(lab, folder),
        ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found = bars(Path(name))
    print(*found, sep="\n")
    sys.exit(0 if all(bar.passed for bar in found) else 1)
