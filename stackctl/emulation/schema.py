"""Tools -> the JSON schema that an engine holds its answer to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackctl.emulation.wanted import Tool, Wanted

CALLS, ANSWER = "tool_calls", "answer"


def of_answer(wanted: Wanted, *, loose: bool = False) -> dict[str, Any]:
    """An object with calls, or one with an answer. The name comes before the arguments, so that
    it decides which arguments may follow. `loose`: any object as arguments, and as an answer, for
    engines whose grammars do not know all of JSON schema."""
    definitions: dict[str, Any] = {}
    calls = [
        _object(
            name={"const": tool.name},
            arguments=_placed(tool.parameters, f"arguments_{i}", definitions, loose=loose),
        )
        for i, tool in enumerate(wanted.tools)
    ]
    items = calls[0] if len(calls) == 1 else {"anyOf": calls}
    most = {"maxItems": 1} if wanted.single else {}
    schema = _object(**{CALLS: {"type": "array", "items": items, "minItems": 1, **most}})
    if not wanted.required:
        text = {"type": "string"}
        asked = wanted.answer
        value = _placed(asked, ANSWER, definitions, loose=loose) if asked is not None else text
        schema = {"anyOf": [schema, _object(**{ANSWER: value})]}
    return schema | ({"$defs": definitions} if definitions else {})


def of_arguments(tool: Tool) -> dict[str, Any]:
    """What the arguments of a call of this tool have to keep to."""
    return dict(tool.parameters)


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """As engines take it."""
    described = {"name": "reply", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": described}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _placed(
    schema: Mapping[str, Any], name: str, definitions: dict[str, Any], *, loose: bool
) -> dict[str, Any]:
    """A schema within a larger one: with references it becomes a definition of its own, as they
    count from the root."""
    if loose:
        return {"type": "object"}
    moved = _moved(schema, f"#/$defs/{name}")
    if moved == schema:
        return dict(schema)
    definitions[name] = moved
    return {"$ref": f"#/$defs/{name}"}


def _moved(part: Any, root: str) -> Any:
    """The same with its references pointing below `root`."""
    if isinstance(part, list):
        return [_moved(each, root) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: root + value[1:] if key == "$ref" and isinstance(value, str) else _moved(value, root)
        for key, value in part.items()
        # a name of its own would make references within count from there
        if key not in ("$schema", "$id")
    }
