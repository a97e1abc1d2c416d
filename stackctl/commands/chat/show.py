"""An answer as it comes: the answer itself on stdout, all else on stderr."""

from __future__ import annotations

from collections.abc import Mapping

from stackctl.chat.answer import Kind, Piece
from stackctl.chat.text import Shown, line
from stackctl.system import console


class View:
    """Shows nothing: for `--json`."""

    def piece(self, piece: Piece) -> None: ...

    def used(self, call: Mapping[str, str]) -> None: ...

    def remark(self, text: str) -> None:
        console.aside(f"({text})\n")

    def end(self) -> None: ...


class Streamed(View):
    """Pieces at once, thoughts apart from the answer."""

    def __init__(self) -> None:
        self._shown = {kind: Shown() for kind in Kind}
        self._kind: Kind | None = None
        self._open = False  # whether the cursor is inside a line

    def piece(self, piece: Piece) -> None:
        text = self._shown[piece.kind].feed(piece.text)
        if piece.kind is not self._kind:
            if not text.strip():  # templates begin with empty lines
                return
            text = text.lstrip("\n")
            self._turn_to(piece.kind)
        self._write(text)

    def used(self, call: Mapping[str, str]) -> None:
        self.end()
        name, arguments = line(call["name"], 40), line(call["arguments"] or "{}")
        console.aside(f"[tool] {name} {arguments} -> {line(call['result'])}\n")

    def remark(self, text: str) -> None:
        self.end()
        super().remark(text)

    def end(self) -> None:
        """The cursor to the beginning of a line, whatever comes next."""
        for kind, shown in self._shown.items():
            if (rest := shown.end()) and kind is self._kind:
                self._write(rest)
        if self._open:
            self._write("\n")
        self._kind = None

    def _turn_to(self, kind: Kind) -> None:
        thought = self._kind is Kind.REASONING
        self.end()
        self._kind = kind
        if kind is Kind.REASONING:
            console.aside("[thinking]\n")
        elif thought:
            console.aside("[answer]\n")

    def _write(self, text: str) -> None:
        if not text:
            return
        (console.aside if self._kind is Kind.REASONING else console.answer)(text)
        self._open = not text.endswith("\n")
