"""The hub itself: what is published, the server, the faults and the log."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.hub import huggingface, modelscope, ollama, plain
from tests.hub.faults import Fault, spoil
from tests.hub.messages import Answer, Request, Served
from tests.hub.server import Server
from tests.hub.shelf import Shelf

_PROTOCOLS = (plain.answer, ollama.answer, modelscope.answer, huggingface.answer)


class Hub(Shelf):
    """`with Hub(folder) as hub:`; one port for every protocol, `localhost` plays the CDN."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(folder)
        self.faults: list[Fault] = []
        self._server = Server((host, port), self._respond)
        self._faulty = threading.Lock()
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.cdn_url = f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        if problem is None and self._server.failures:
            raise self._server.failures[0]

    @property
    def requests(self) -> list[Served]:
        """The log so far, complete: what is being sent is waited for, a stall is not."""
        self._server.settled()
        return list(self._server.log)

    def forget(self) -> None:
        """Begin the log anew."""
        self._server.settled()
        self._server.log.clear()

    def inject(self, *faults: Fault) -> None:
        """As `faults.append`, for several."""
        self.faults += faults

    def _respond(self, request: Request) -> tuple[Answer, tuple[str, ...]]:
        answer = self._answer(request)
        with self._faulty:
            names = spoil(self.faults, request, answer)
        answer.settle()
        return answer, names

    def _answer(self, request: Request) -> Answer:
        if request.path == "/_requests":  # the log, for whoever runs this as a process
            return Answer.of_json([asdict(line) for line in self._server.log])
        if request.method not in ("GET", "HEAD"):
            return Answer.of_json({"error": "method not allowed"}, 405)
        for protocol in _PROTOCOLS:
            if (answer := protocol(self, request)) is not None:
                return answer
        return Answer.of_json({"error": "not found"}, 404)
