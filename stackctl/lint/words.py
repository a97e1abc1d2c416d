"""Command lines as words, each with its place in the source.

Compose splits a string without a shell: `;` and `|` are ordinary there. A script behind `sh -c`,
and what is typed at a prompt, is read as a shell reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stackctl.lint.issue import Span
from stackctl.lint.tree import Tree

_OPERATORS = ("&&", "||", ";;", "|&", ">>", "<<", ";", "|", "&", ">", "<", "(", ")")


@dataclass(frozen=True, slots=True)
class Word:
    """One word without its quotes. `span` is None where its place could not be found, `element`
    the list's element that it is alone in."""

    text: str
    span: Span | None = None
    operator: bool = False
    element: Tree | None = None
    inner: str = ""  # the text as written, for a script within


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    start: int
    end: int
    operator: bool = False


class Unreadable(ValueError):
    """A quote that is never closed."""


def split(
    text: str, span: Span | None, resolve: Callable[[str], str], *, script: bool
) -> list[Word]:
    """The words of a text that stands, perhaps indented and folded, within `span`."""
    words = []
    at = span.start if span else 0
    for piece in _pieces(text, script):
        place = None
        if span is not None:
            written = text[piece.start : piece.end]
            found = span.source.text.find(written, at, span.end)
            if found >= 0:
                at = found + len(written)
                place = Span(span.source, found, at)
        value = resolve(piece.text)
        quoted = script and any(quote in text[piece.start : piece.end] for quote in "'\"")
        if value != piece.text and not quoted and len(value.split()) != 1:
            # a variable that holds several words, or none: they have no place of their own
            words += [Word(part) for part in value.split()]
            continue
        words.append(Word(value, place, piece.operator, inner=piece.text))
    return words


def _pieces(text: str, script: bool) -> Iterable[_Piece]:
    at, size = 0, len(text)
    while at < size:
        if text[at].isspace():
            if script and text[at] == "\n":
                yield _Piece("\n", at, at + 1, operator=True)
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif script and text[at] == "#":
            at = text.find("\n", at)
            if at < 0:
                return
        elif script and (operator := _operator(text, at)):
            yield _Piece(operator, at, at + len(operator), operator=True)
            at += len(operator)
        else:
            piece = _word(text, at, script)
            yield piece
            at = piece.end


def _operator(text: str, at: int) -> str:
    # 2>&1 and <file belong to the redirection, the word behind is a file
    for operator in ("2>&1", "&>", *_OPERATORS):
        if text.startswith(operator, at):
            return operator
    return ""


def _word(text: str, start: int, script: bool) -> _Piece:
    at, size = start, len(text)
    out: list[str] = []
    while at < size:
        char = text[at]
        if char.isspace() or (script and _operator(text, at)):
            break
        if char == "\\":
            if text.startswith("\\\n", at):
                break
            out.append(text[at + 1 : at + 2])
            at += 2
        elif char in "'\"":
            end, inner = _quoted(text, at)
            out.append(inner)
            at = end
        elif text.startswith("${", at) and (close := text.find("}", at)) > 0:
            close = _brace(text, at) or close
            out.append(text[at : close + 1])
            at = close + 1
        else:
            out.append(char)
            at += 1
    return _Piece("".join(out), start, at)


def _brace(text: str, at: int) -> int:
    depth = 0
    for index in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0 and text[index] == "}":
            return index
    return 0


def _quoted(text: str, start: int) -> tuple[int, str]:
    quote, at = text[start], start + 1
    out: list[str] = []
    while at < len(text):
        if text[at] == quote:
            return at + 1, "".join(out)
        if quote == '"' and text[at] == "\\" and text[at + 1 : at + 2] in '"\\$`\n':
            out.append("" if text[at + 1 : at + 2] == "\n" else text[at + 1 : at + 2])
            at += 2
        else:
            out.append(text[at])
            at += 1
    raise Unreadable(f"a quote {quote} is opened and never closed")
