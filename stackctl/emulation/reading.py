"""What a model wrote -> calls that keep to their schemas, or an answer, or what is wrong. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import jsonschema_rs

from stackctl.emulation.mend import mended
from stackctl.emulation.schema import ANSWER, CALLS, of_arguments
from stackctl.emulation.text import whole
from stackctl.emulation.wanted import Tool, Wanted

#: places in a text at which JSON is looked for
_PLACES = 16
_PLACE = re.compile(r"[{\[]")
_OURS = re.compile(rf"\{{\s*['\"]?{CALLS}")
_THOUGHT = re.compile(r"^.*</think>", re.DOTALL)
_SHOWN = 300
_NO_FORM = "it is not the JSON object that was asked for"


@dataclass(frozen=True, slots=True)
class Call:
    """`arguments`: JSON as a text, as OpenAI has it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Calls:
    calls: tuple[Call, ...]
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that is no call."""

    text: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in words for the model that is asked again, and for the client at the end."""

    what: str


def read(text: str, wanted: Wanted, *, cut: bool = False) -> Calls | Said | Fault:
    """`cut`: the engine stopped at its limit of tokens, so that nothing is mended: what is
    missing would be made up."""
    bare = _THOUGHT.sub("", text).strip()
    single: list[Any] = []
    for value, repaired in _values(bare, cut=cut):
        if (found := _recognised(value, wanted, repaired=repaired)) is not None:
            return found
        if isinstance(value, dict) and _pair(value):
            single.append(value)
    if single:
        # models that were trained to write each call by itself, between marks of their own
        return _calls(single, wanted, repaired=True)
    # an engine that holds nobody to a form, and a model that simply answers
    free = not wanted.required and wanted.answer is None
    return Said(whole(bare)) if free and _prose(bare, wanted) else Fault(_NO_FORM)


def _prose(text: str, wanted: Wanted) -> bool:
    """Whether a text has nothing of a call in it, or of our form."""
    if not text or text.startswith(("{", "[")):
        return False
    marks = (CALLS, *(tool.name for tool in wanted.tools))
    return "{" not in text or not any(f'"{mark}"' in text for mark in marks)


def _values(text: str, *, cut: bool) -> Iterator[tuple[Any, bool]]:
    """The JSON in a text, and whether it had to be looked for or mended."""
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
    at = 0
    for _ in range(_PLACES):
        match = _PLACE.search(text, at)
        if match is None or (cut and match.start()):
            return
        at = match.start()
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            if not cut:
                with suppress(ValueError):
                    yield mended(text[at:]), True
            if _OURS.match(text, at):
                return  # what is inside would be some of its calls, and not all
            at += 1
        else:
            yield value, at > 0 or end < len(text)
            at = end


def _recognised(value: Any, wanted: Wanted, *, repaired: bool) -> Calls | Said | Fault | None:
    """None: JSON of another kind, as it stands in any text."""
    if isinstance(value, dict):
        if ANSWER in value and (not value.get(CALLS) or next(iter(value)) == ANSWER):
            return _answer(value[ANSWER], wanted, repaired=repaired)
        if isinstance(value.get(CALLS), list):
            return _calls(value[CALLS], wanted, repaired=repaired)
    if isinstance(value, list) and value and all(isinstance(v, dict) and _pair(v) for v in value):
        return _calls(value, wanted, repaired=repaired)
    return None


def _answer(value: Any, wanted: Wanted, *, repaired: bool) -> Said | Fault:
    if wanted.required:
        return Fault("it answers, but a tool has to be called")
    if wanted.answer is not None:
        if wrong := violation(value, wanted.answer):
            return Fault(f"the answer does not keep to its schema: {wrong}")
        return Said(_text(value), repaired)
    return Said(whole(value if isinstance(value, str) else _text(value)), repaired)


def _calls(given: list[Any], wanted: Wanted, *, repaired: bool) -> Calls | Fault:
    if not given:
        return Fault(f"{CALLS} is empty")
    tools = {tool.name: tool for tool in wanted.tools}
    made = []
    for one in given[:1] if wanted.single else given:
        pair = _pair(one) if isinstance(one, dict) else None
        if pair is None:
            return Fault("a call is no {name, arguments}")
        call = _call(tools, *pair)
        if isinstance(call, Fault):
            return call
        made.append(call)
    return Calls(tuple(made), repaired)


def _pair(one: Mapping[str, Any]) -> tuple[str, Any] | None:
    inner = one.get("function")
    call = inner if isinstance(inner, dict) else one
    name = call.get("name")
    for key in ("arguments", "parameters"):
        if isinstance(name, str) and key in call:
            return name, call[key]
    return None


def _call(tools: Mapping[str, Tool], name: str, arguments: Any) -> Call | Fault:
    tool = tools.get(name)
    if tool is None:
        return Fault(f"there is no tool {_shown(name)}; there are {', '.join(tools)}")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments, strict=False, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return Fault(f"the arguments of {name} are no JSON object")
    if not isinstance(arguments, dict):
        return Fault(f"the arguments of {name} are no JSON object")
    if wrong := violation(arguments, of_arguments(tool)):
        return Fault(f"the arguments of {name} do not keep to its schema: {wrong}")
    try:
        return Call(name, _text(arguments))
    except ValueError:
        return Fault(f"a number in the arguments of {name} is too large")


def violation(value: Any, schema: Mapping[str, Any]) -> str:
    """The first way in which a value does not keep to a schema; empty if it does, or if the schema
    itself is none, which is then the client's affair."""
    try:
        validator = jsonschema_rs.Draft202012Validator(dict(schema))
        error = next(validator.iter_errors(value), None)
    except (ValueError, RecursionError):
        return ""
    if error is None:
        return ""
    where = "/".join(str(step) for step in error.instance_path)
    return _shown(f"{where}: {error.message}" if where else error.message)


def _text(value: Any) -> str:
    return whole(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
