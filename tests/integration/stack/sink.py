"""Somebody who is told: a web server that writes down apprise's json:// messages, a line each."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class _Handler(BaseHTTPRequestHandler):
    letters: Path

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.letters.open("a", encoding="utf-8") as file:
            file.write(" | ".join([body["title"], *body["message"].splitlines()]) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the letters say all."""


if __name__ == "__main__":
    _Handler.letters = Path(sys.argv[1])
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.letters.with_suffix(".port").write_text(str(server.server_port))
    server.serve_forever()
