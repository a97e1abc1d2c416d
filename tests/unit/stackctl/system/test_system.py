"""Processes, PCI and kernel log, files and lock, the daemon's errors, HTTP."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stackctl.model import Request, StackError, Unavailable
from stackctl.system import crash, files, http, pci, process
from stackctl.system.docker import Docker, _unreachable


def test_run() -> None:
    code = "import sys; print('\\u00e4'); print(b'x', file=sys.stderr); sys.exit(3)"
    done = process.run([sys.executable, "-X", "utf8", "-c", code])
    assert (done.code, done.out, done.err) == (3, "\u00e4\n", "b'x'\n")


def test_run_survives_bytes_that_are_no_text() -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff')"
    assert process.run([sys.executable, "-c", code]).out == "\ufffd"


def test_a_program_that_is_missing_or_slow() -> None:
    with pytest.raises(StackError, match="no-such-program: no such program"):
        process.run(["no-such-program"])
    with pytest.raises(StackError, match="did not end within 0 s") as caught:
        process.run([sys.executable, "-c", "import time; time.sleep(9)"], timeout=0.05)
    assert caught.value.fix


def test_passthrough() -> None:
    assert process.passthrough([sys.executable, "-c", "raise SystemExit(4)"]) == 4


def test_listener() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert process.listener(port) == ""
        server.listen()
        assert f"(pid {os.getpid()})" in process.listener(port)
    assert process.listener(port) == ""


ID = "b8b9" * 16


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID),
        (f"12:devices:/docker/{ID}\n1:cpu:/docker/{ID}\n", ID),
        (f"0::/kubepods/pod1/{ID}\n", ID),
        ("0::/user.slice/user-1000.slice\n", ""),
    ],
)
def test_container_of(monkeypatch: pytest.MonkeyPatch, text: str, found: str) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self: text)
    assert process.container_of(1) == found


def test_a_container_began_by_the_clock_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "container_of", lambda pid: "c0ffee" if pid == os.getpid() else "")
    began = process.began(os.getpid(), "c0ffee")
    assert 0 <= time.time() - began < 36000
    jump, real = 86400.0, time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    assert process.began(os.getpid(), "c0ffee") == pytest.approx(began + jump, abs=5)
    # the number of another machine, or of one that is gone
    assert process.began(os.getpid(), "other") == process.began(0, "") == 0.0
    assert process.began(2**22 + 1, "") == 0.0


def test_container_of_a_process_that_has_ended() -> None:
    assert process.container_of(2**22 + 1) == ""


def test_nvidia_gpus(tmp_path: Path) -> None:
    for name, vendor, kind in (
        ("0000:1b:00.0", "0x10de", "0x030200"),
        ("0000:1a:00.0", "0x10de", "0x030000"),
        ("0000:1a:00.1", "0x10de", "0x040300"),  # its sound device
        ("0000:00:02.0", "0x8086", "0x030000"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "class").write_text(kind + "\n")
    (tmp_path / "0000:ff:00.0").mkdir()
    assert pci.nvidia_gpus(tmp_path) == ("0000:1a:00.0", "0000:1b:00.0")
    assert pci.nvidia_gpus(tmp_path / "none") == ()


def test_xids(tmp_path: Path) -> None:
    """/dev/kmsg gives one record per read; so does a file of records as long as a read."""
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - 60
    stamp = f"4,1,{int(seconds * 1e6)},-;"
    records = (
        "6,1,5000000,-;Linux version 6.18\n",
        stamp + "NVRM: Xid (PCI:0000:1b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen "
        "off the bus.\n SUBSYSTEM=pci\n",
        stamp + "NVRM: Xid (0000:1c:00): 13, Graphics Exception; class 0xc597\n",
        stamp + "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05\n",
    )
    file = tmp_path / "kmsg"
    file.write_text("".join(record.ljust(8192) for record in records))
    first, second = pci.xids(file)
    assert (first.pci_bus_id, first.number) == ("0000:1b:00", 79)
    assert first.line.endswith("off the bus.")
    assert first.at == pytest.approx(time.time() - 60, abs=2)
    assert (second.pci_bus_id, second.number) == ("0000:1c:00", 13)
    assert "class 0xc597" in second.line
    assert [x.number for x in pci.troubles(file)[0]] == [79, 13]
    assert pci.troubles(file)[1] == ()
    assert pci.xids(tmp_path / "none") == ()


def test_what_else_the_kernel_logged(tmp_path: Path) -> None:
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - 60
    stamp = f"4,1,{int(seconds * 1e6)},-;"
    records = (
        stamp + "Out of memory: Killed process 4711 (python) total-vm:1kB\n SUBSYSTEM=x\n",
        stamp + "usb 1-1: new high-speed USB device number 2\n",
        "no record\n",
        "4,1,never,-;Out of memory: Killed process 1 (x)\n",
        stamp + "nvme nvme0: I/O 12 QID 3 timeout, reset controller\n",
    )
    file = tmp_path / "kmsg"
    file.write_text("".join(record.ljust(8192) for record in records))
    found, lines = pci.troubles(file)
    assert found == ()
    assert [line.text.split()[0] for line in lines] == ["Out", "nvme"]
    assert lines[0].text.endswith("total-vm:1kB")
    assert lines[0].at == pytest.approx(time.time() - 60, abs=2)


def test_a_large_kernel_log_takes_no_time(tmp_path: Path) -> None:
    line = "4,1,5000000,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd\n"
    file = tmp_path / "kmsg"
    file.write_text(line.ljust(8192) * 5000)
    began = time.perf_counter()
    assert pci.troubles(file) == ((), ())
    assert time.perf_counter() - began < 1.0  # 0.1 s; a busy machine takes longer


def test_space(tmp_path: Path) -> None:
    found = files.space(str(tmp_path / "not" / "yet"))
    assert found.path.endswith("not/yet")
    assert found.free_mib > 0


def test_write_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "new" / "x.yaml"
    files.write(target, "one")
    files.write(target, "two")
    assert target.read_text() == "two"
    assert [p.name for p in target.parent.iterdir()] == ["x.yaml"]

    def full(self: Path, *_args: Any, **_more: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StackError, match="No space left on device") as caught:
        files.write(target, "three")
    assert str(target.parent) in caught.value.fix
    monkeypatch.undo()
    assert target.read_text() == "two"


def test_a_second_holder_of_the_lock_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    with files.lock(path, "up"):
        told = r"`stackctl up` \(pid \d+, since "
        with pytest.raises(StackError, match=told) as caught, files.lock(path, "down"):
            pytest.fail("two holders")
        assert f"pid {os.getpid()}" in caught.value.message
        assert caught.value.fix
    with files.lock(path, "down"):
        pass
    assert path.read_text() == ""


def test_a_lock_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    with pytest.raises(StackError, match="cannot open the lock"), files.lock(path, "up"):
        pytest.fail("no lock")


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        (
            "Error while fetching server API version: ('Connection aborted.', "
            "PermissionError(13, 'Permission denied'))",
            "no permission on the Docker socket",
            "usermod -aG docker",
        ),
        (
            "Error while fetching server API version: ('Connection aborted.', "
            "FileNotFoundError(2, 'No such file or directory'))",
            "not running",
            "make setup",
        ),
        ("ConnectionRefusedError(111, 'Connection refused')", "not running", "make setup"),
        ("something new", "cannot talk to the Docker daemon: something new", "docker info"),
    ],
)
def test_an_unreachable_daemon(text: str, message: str, fix: str) -> None:
    error = _unreachable(Exception(text))
    assert message in error.message
    assert fix in error.fix


def test_a_daemon_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{free.getsockname()[1]}")
        daemon = Docker().daemon()
    assert isinstance(daemon, Unavailable)
    assert "not running" in daemon.reason


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(0.5)
        body = b"plain text" if self.path == "/text" else b'{"status": "ok"}'
        self.send_response(503 if self.path == "/loading" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        got = {"type": self.headers["Content-Type"], "body": self.rfile.read(length).decode()}
        body = json.dumps(got).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_get(server: str) -> None:
    assert http.get(server, "/health") == (200, {"status": "ok"})
    assert http.get(server, "/text") == (200, "plain text")
    assert http.get(server, "/loading") == (503, {"status": "ok"})


def test_an_engine_is_never_behind_a_proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert http.get(server, "/health") == (200, {"status": "ok"})


def test_send(server: str) -> None:
    reply = http.send(server, Request("POST", "/x", json={"a": 1}), timeout=5)
    assert not isinstance(reply, Unavailable)
    assert json.loads(reply[1]["body"]) == {"a": 1}
    request = Request("POST", "/x", file=b"RIFF", form={"response_format": "json"})
    reply = http.send(server, request, timeout=5)
    assert not isinstance(reply, Unavailable)
    assert reply[1]["type"].startswith("multipart/form-data")
    assert "response_format" in reply[1]["body"]
    assert "RIFF" in reply[1]["body"]


def test_no_answer_in_time(server: str) -> None:
    reply = http.send(server, Request("GET", "/slow"), timeout=0.05)
    assert isinstance(reply, Unavailable)
    assert reply.code == "timeout"
    assert "/slow" in reply.reason


def test_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        reply = http.get(url, "/health")
    assert isinstance(reply, Unavailable)
    assert reply.code == "refused"


def test_a_crash_report_holds_the_traceback_and_no_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    monkeypatch.setattr(sys, "argv", ["stackctl", "up", "--token", "also-secret"])
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError as error:
        path = crash.save(error)
    text = path.read_text()
    assert "ZeroDivisionError: oh" in text
    assert "command: up" in text
    assert "do-not-tell" not in text
    assert "also-secret" not in text
