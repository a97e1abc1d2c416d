"""Text between a terminal of any encoding and a model that speaks Unicode. Pure."""

from __future__ import annotations

import codecs
import re

#: what moves a cursor, sets a title or fills a clipboard is not for a model to say
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def whole(text: str) -> str:
    """Text without lone surrogates. Bytes that Python could not decode by the locale are read as
    UTF-8, which they mostly are; what is left becomes U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # halves of a character, as Windows and JSON may hand out
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def decoded(data: bytes, encoding: str) -> tuple[str, str]:
    """The text of piped bytes, and a remark if they were not UTF-8. `encoding`: the locale's."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data.decode(codec, "replace"), ""
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        if codecs.lookup(encoding).name != "utf-8":
            return data.decode(encoding), f"stdin is not UTF-8: read as {encoding}"
    except (LookupError, UnicodeDecodeError):
        pass
    return data.decode("utf-8", "replace"), "stdin is not UTF-8: what cannot be read became U+FFFD"


def line(text: str, most: int = 200) -> str:
    """A foreign text as one short harmless line."""
    flat = _CONTROLS.sub("", " ".join(whole(text).split()))
    return flat if len(flat) <= most else flat[: most - 3] + "..."


class Shown:
    """A stream of text as a terminal may have it: characters whole, without control codes."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        text = self._half + text
        # JSON may bring an emoji as two escapes, and an engine may send them apart
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return _CONTROLS.sub("", whole(text.removesuffix(self._half) if self._half else text))

    def end(self) -> str:
        half, self._half = self._half, ""
        return whole(half)
