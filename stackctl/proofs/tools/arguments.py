"""The arguments of a call: JSON, whole characters, and what the schema asks for. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from stackctl.proofs.trouble import Trouble

_SHOWN = 200
_BROKEN = re.compile("[\ufffd\ud800-\udfff]")


def troubles(text: Any, schema: Any) -> Iterator[Trouble]:
    """What is wrong with the text of a call's arguments."""
    if isinstance(text, dict):
        yield Trouble("arguments-object", str(text)[:_SHOWN])
        return
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError) as error:
        yield Trouble("arguments-json", f"{type(error).__name__}: {text}"[:_SHOWN])
        return
    if broken(value):
        yield Trouble("broken-characters", ascii(text)[:_SHOWN])
        return
    if wrong := violation(value, schema):
        yield Trouble("arguments-schema", f"{wrong}: {text}"[:_SHOWN])


def violation(value: Any, schema: Any) -> str:
    """The first way in which a value violates a JSON schema; empty if in none."""
    # here, as it takes longer to import than all the rest
    from jsonschema import Draft202012Validator

    error = next(Draft202012Validator(schema).iter_errors(value), None)
    if error is None:
        return ""
    where = "/".join(str(step) for step in error.absolute_path)
    return f"{where or 'arguments'}: {error.message}"


def broken(value: Any) -> bool:
    """Whether a text in a value has half a character in it."""
    if isinstance(value, str):
        return bool(_BROKEN.search(value))
    if isinstance(value, dict):
        return any(broken(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(broken(each) for each in value)


def misread(text: str) -> bool:
    """Whether UTF-8 was read as Latin-1 or Windows-1252 on the way."""
    for word in re.findall(r"[^\x00-\x7f]+", text):
        for encoding in ("latin-1", "cp1252"):
            try:
                if word.encode(encoding).decode("utf-8") != word:
                    return True
            except UnicodeError:
                continue
    return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
