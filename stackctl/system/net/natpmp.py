"""A router by NAT-PMP: RFC 6886, sections 3.1 (retries), 3.2 (address), 3.3 and 3.4 (mapping).

Ours, because what PyPI has (NAT-PMP 1.3.2, py-natpmp 0.2.5) needs `netifaces`, which nobody keeps
and which has to be compiled.
"""

from __future__ import annotations

import socket
import struct

from stackctl.model import Unavailable
from stackctl.model.forwarding import Method, Refusal, Refused

_PORT = 5351
_VERSION, _ASK_ADDRESS, _MAP_TCP, _ANSWER = 0, 0, 2, 128
#: seconds for each try; the RFC goes on to nine tries and two minutes, on a LAN nobody needs them
_TRIES = (0.25, 0.5, 1.0, 2.0)
_RESULTS = {
    1: (Refusal.OTHER, "unsupported version"),
    2: (Refusal.FORBIDDEN, "not authorized"),
    3: (Refusal.NO_ADDRESS, "network failure"),
    4: (Refusal.FULL, "out of resources"),
    5: (Refusal.OTHER, "unsupported opcode"),
}


class NatPmp:
    """The router at an address."""

    method = Method.NAT_PMP

    def __init__(self, address: str) -> None:
        self.url = address
        self._here = ""

    @property
    def here(self) -> str:
        if not self._here:
            with self._socket() as way:
                self._here = str(way.getsockname()[0])
        return self._here

    def outside(self) -> str:
        try:
            body = self._ask(struct.pack("!BB", _VERSION, _ASK_ADDRESS), 4)
        except Refused as refused:
            if refused.why is Refusal.NO_ADDRESS:
                return ""
            raise
        address = socket.inet_ntoa(body)
        return "" if address == "0.0.0.0" else address  # noqa: S104 - said, not bound

    def entry(self, external: int) -> Unavailable:
        """The protocol has no such question."""
        return Unavailable(f"port {external}: NAT-PMP cannot be asked what it forwards")

    def add(self, external: int, port: int, lease: int) -> int:
        given, seconds = self._map(port, external, lease)
        if given != external:
            # 3.3: a port that is taken gets us another one, which nobody wanted
            self.remove(given, port)
            raise Refused(Refusal.CONFLICT, f"offered port {given} instead")
        return seconds

    def remove(self, external: int, port: int) -> None:
        """3.4: by the port inside; the one outside is of no matter."""
        self._map(port, 0, 0)

    def _map(self, port: int, external: int, lease: int) -> tuple[int, int]:
        asked = struct.pack("!BBHHHI", _VERSION, _MAP_TCP, 0, port, external, lease)
        _, given, seconds = struct.unpack("!HHI", self._ask(asked, 8))
        return given, seconds

    def _ask(self, question: bytes, size: int) -> bytes:
        """The answer's body of `size` bytes, after version, opcode, result and epoch."""
        with self._socket() as way:
            for patience in _TRIES:
                way.settimeout(patience)
                try:
                    way.send(question)
                    answer = way.recv(64)
                except TimeoutError:
                    continue
                except OSError as error:
                    raise Refused(Refusal.SILENT, error.strerror or str(error)) from None
                if len(answer) < 4 or answer[1] != question[1] + _ANSWER:
                    continue
                (result,) = struct.unpack("!H", answer[2:4])
                if result:
                    raise Refused(*_RESULTS.get(result, (Refusal.OTHER, f"result {result}")))
                if len(answer) >= 8 + size:
                    return answer[8 : 8 + size]
        raise Refused(Refusal.SILENT, "no answer")

    def _socket(self) -> socket.socket:
        way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            # connected: the kernel takes answers of the router alone (3.1 wants that)
            way.connect((self.url, _PORT))
        except OSError as error:
            way.close()
            raise Refused(Refusal.SILENT, error.strerror or str(error)) from None
        return way
