"""A client of HTTP/2 that may break its rules."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from tests.integration.gateway.client import CHAT, MAIN, PATIENCE
from tests.integration.gateway.door import Door

Headers = Sequence[tuple[str, str]]


class Http2:
    """One connection. `closed` once the other side has ended it."""

    def __init__(self, door: Door) -> None:
        context = ssl.create_default_context(cafile=str(door.certificate))
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", door.tls_port), timeout=PATIENCE)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        config = H2Configuration(
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
        )
        self.h2 = H2Connection(config)
        self.h2.initiate_connection()
        self.status: dict[int, int] = {}
        self.body: dict[int, bytes] = {}
        self.ended: dict[int, str] = {}
        self.closed = False
        self.flush()

    def flush(self) -> None:
        """Send what was said; who is not heard any more is closed."""
        try:
            self.socket.sendall(self.h2.data_to_send())
        except OSError:
            self.closed = True

    def hear(self) -> None:
        """Whatever comes next."""
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            self._note(event)
        self.flush()

    def _note(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            self.status[event.stream_id] = int(dict(event.headers or ())[b":status"])
        elif isinstance(event, DataReceived):
            self.body[event.stream_id] = self.body.get(event.stream_id, b"") + (event.data or b"")
            self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.ended[event.stream_id] = "ended"
        elif isinstance(event, StreamReset):
            self.ended[event.stream_id] = "reset"
        elif isinstance(event, ConnectionTerminated):
            self.closed = True

    def room(self, stream: int, size: int) -> bool:
        """Wait until the other side takes so much of a stream; False if it has ended."""
        while not self.closed and self.h2.local_flow_control_window(stream) < size:
            self.flush()
            self.hear()
        return not self.closed

    def ask(self, headers: Headers, body: bytes = b"", *, end: bool = True) -> int:
        """Send a request -> its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers, end_stream=end and not body)
        if body:
            self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def answer(self, stream: int) -> int:
        """The status of a stream; 0 if it was reset, or the connection ended."""
        while stream not in self.ended and not self.closed:
            self.hear()
        return self.status.get(stream, 0) if self.ended.get(stream) == "ended" else 0


def request(key: str, path: str = CHAT, method: str = "POST", **how: object) -> Headers:
    return [
        (":method", method),
        (":scheme", "https"),
        (":authority", "door"),
        (":path", path),
        ("authorization", f"Bearer {key}"),
        ("x-fake", json.dumps(how)),
    ]


BODY = json.dumps({"model": MAIN}).encode()


@contextmanager
def http2(door: Door) -> Iterator[Http2]:
    connection = Http2(door)
    try:
        yield connection
    finally:
        connection.socket.close()
