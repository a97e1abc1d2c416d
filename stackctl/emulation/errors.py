"""What is answered in place of an engine's answer, in OpenAI's form."""

from __future__ import annotations

from typing import Any

INVALID, UPSTREAM = "invalid_request_error", "upstream_error"


class RefusedError(Exception):
    """No answer, and the HTTP status and text that say why. `code`: one word for programs."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class AnsweredError(Exception):
    """An engine answered with an error of its own, which is the client's to see as it is."""

    def __init__(self, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.headers, self.body = status, headers, body


def form(error: RefusedError) -> dict[str, Any]:
    """The body of an error, or the event of one amid a stream."""
    kind = UPSTREAM if error.status >= 500 else INVALID
    code = error.code or None
    return {"error": {"message": error.message, "type": kind, "param": None, "code": code}}
