"""Alerts and pings over real sockets, and addresses that stay secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stackctl.model import Finding, Severity, StackError
from stackctl.model.incident import Figure
from stackctl.system import metrics, notify


@dataclass
class Post:
    """What a server was told, and what it says to that."""

    port: int
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    wait: threading.Event | None = None

    def url(self, scheme: str = "json", path: str = "/topic") -> str:
        return f"{scheme}://user:hunter2@127.0.0.1:{self.port}{path}"


@contextmanager
def server() -> Iterator[Post]:
    told: Post

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if told.status == 200:
                told.bodies.append(json.loads(body))
            self.do_GET()

        def do_GET(self) -> None:
            told.paths.append(self.path)
            if told.wait:
                told.wait.wait(30)
            self.send_response(told.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        told = Post(httpd.server_port)
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        try:
            yield told
        finally:
            if told.wait:
                told.wait.set()
            httpd.shutdown()


@pytest.fixture
def post() -> Iterator[Post]:
    with server() as one:
        yield one


def test_a_message_arrives(post: Post) -> None:
    url = post.url()
    assert notify.send({url: ("box: main", "ERROR main: <b>& bad\n  fix: this")}) == {url: ""}
    (body,) = post.bodies
    assert body["title"] == "box: main"
    assert body["message"] == "ERROR main: <b>& bad\n  fix: this"


def test_one_channel_that_fails_leaves_the_others_alone(
    post: Post, capfd: pytest.CaptureFixture[str]
) -> None:
    good, wrong, dead = post.url(), "nonsense://hunter2@x", "json://u:hunter2@127.0.0.1:1/hunter2"
    result = notify.send(dict.fromkeys((good, wrong, dead), ("t", "x")))
    assert not result[good]
    assert result[wrong] == notify.UNKNOWN
    assert result[dead]
    assert notify.unknown([good, wrong, "", "x"]) == {wrong, "", "x"}
    post.status = 500
    refused = notify.send({good: ("t", "x")})[good]
    assert refused
    # neither in what we say, nor in what libraries print
    said = "".join((*result.values(), refused, *capfd.readouterr()))
    assert "hunter2" not in said


def test_a_server_that_never_answers(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.wait = threading.Event()
    monkeypatch.setattr(notify, "_DEADLINE", 0.3)
    url = post.url()
    assert "no answer" in notify.send({url: ("t", "x")})[url]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("json://user:secret@host.lan:8080/secret?x=secret", "json://host.lan:8080 ("),
        ("jsons://user:12/secret@host.lan/", "jsons://("),
        ("ntfy://secret", "ntfy://("),
        ("ntfys://host.lan/secret", "ntfys://host.lan ("),
        ("tgram://123456789:secret/secret/", "tgram://("),
        ("discord://secret/secret", "discord://("),
        ("mailto://user:secret@gmail.com", "mailto://("),
        ("https://hc-ping.com/secret", "https://hc-ping.com ("),
        ("secret", "("),
        ("json://[secret", "json://("),
        ("", "("),
    ],
)
def test_nothing_of_an_address_is_shown_but_its_host(url: str, shown: str) -> None:
    label = notify.label(url)
    assert label.startswith(shown)
    assert "secret" not in label
    assert "12" not in label.partition("(")[0]
    assert label == notify.label(url) != notify.label(url + "x")


def test_pings(post: Post) -> None:
    url = f"http://127.0.0.1:{post.port}/uuid/?rid=1"
    assert notify.ping(url, fine=True) == ""
    assert notify.ping(url, fine=False) == ""
    assert post.paths == ["/uuid?rid=1", "/uuid/fail?rid=1"]
    post.status = 404
    assert notify.ping(url, fine=True).endswith("answers 404")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/hunter2", "hunter2", "ftp://x/hunter2", "http://[hunter2", "http://"],
)
def test_a_ping_that_fails_says_so_and_keeps_its_secret(url: str) -> None:
    reason = notify.ping(url, fine=True)
    assert reason
    assert "hunter2" not in reason


def test_a_ping_to_a_server_that_hangs(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.wait = threading.Event()
    monkeypatch.setattr(notify, "_PING", (0.3, 0.3))
    assert "in time" in notify.ping(f"http://127.0.0.1:{post.port}/x", fine=True)


def test_metrics(tmp_path: Path) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    file = tmp_path / "new" / "stackctl.prom"
    figures = [
        Figure("gpu_memory_used_mib", "0", 2),
        Figure("service_up", 'a"\\\n', 1),
        Figure("key_requests_total", "alice", 7),
        Figure("key_running", "alice", 2),
    ]
    found = [
        Finding("a", Severity.ERROR, "main", "bad"),
        Finding("b", Severity.OK, "main", "fine"),
    ]
    metrics.write(file, figures, found, 1000.0, 3)
    samples = {
        (s.name, tuple(s.labels[k] for k in sorted(s.labels))): s.value
        for family in text_string_to_metric_families(file.read_text())
        for s in family.samples
    }
    assert samples == {
        ("stackctl_gpu_memory_used_bytes", ("0",)): 2 * 1024 * 1024,
        ("stackctl_service_up", ('a"\\\n',)): 1,
        ("stackctl_key_requests_total", ("alice",)): 7,
        ("stackctl_key_running", ("alice",)): 2,
        ("stackctl_problem", ("a", "error", "main")): 1,
        ("stackctl_open_incidents", ()): 3,
        ("stackctl_last_run_timestamp_seconds", ()): 1000,
    }
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    metrics.write(file, [], [], 1060.0, None)
    assert "open_incidents" not in file.read_text()


def test_metrics_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="a file where a folder"):
        metrics.write(tmp_path / "file" / "x.prom", [], [], 0.0, None)
