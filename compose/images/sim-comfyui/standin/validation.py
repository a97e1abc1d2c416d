"""Judges a prompt before it is queued; the errors have the types and words of ComfyUI 0.3.64."""

from dataclasses import dataclass, field
from typing import Any

from nodes import Json, Node

NUMBERS: dict[str, type] = {"INT": int, "FLOAT": float}


@dataclass(frozen=True)
class Verdict:
    error: Json | None = None
    outputs: list[str] = field(default_factory=list)
    # a list when there is nothing to say about single nodes, as ComfyUI has it
    node_errors: Json | list[Any] = field(default_factory=list)


def judge(prompt: Json, known: dict[str, Node]) -> Verdict:
    outputs = []
    for node_id, node in prompt.items():
        name = node.get("class_type") if isinstance(node, dict) else None
        if name is None:
            return _refuse(
                "invalid_prompt",
                "Cannot execute because a node is missing the class_type property.",
                f"Node ID '#{node_id}'",
            )
        if name not in known:
            message = f"Cannot execute because node {name} does not exist."
            return _refuse("invalid_prompt", message, f"Node ID '#{node_id}'")
        if not known[name].outputs:
            outputs.append(node_id)
    if not outputs:
        return _refuse("prompt_no_outputs", "Prompt has no outputs", "")

    node_errors: Json = {}
    good = []
    for output in outputs:
        found: dict[str, list[Json]] = {}
        _examine(output, prompt, known, found)
        bad = {node_id: errors for node_id, errors in found.items() if errors}
        if not bad:
            good.append(output)
        for node_id, errors in bad.items():
            entry = node_errors.setdefault(
                node_id,
                {
                    "errors": errors,
                    "dependent_outputs": [],
                    "class_type": prompt[node_id]["class_type"],
                },
            )
            entry["dependent_outputs"].append(output)
    if good:
        return Verdict(None, good, node_errors)
    message = "Prompt outputs failed validation"
    return Verdict(_error("prompt_outputs_failed_validation", message, ""), [], node_errors)


def _refuse(kind: str, message: str, details: str) -> Verdict:
    return Verdict(_error(kind, message, details))


def _error(kind: str, message: str, details: str, **extra: Any) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _examine(
    node_id: str, prompt: Json, known: dict[str, Node], found: dict[str, list[Json]]
) -> None:
    if node_id in found:
        return
    errors = found[node_id] = []
    inputs = prompt[node_id].get("inputs", {})
    for name, (wanted, options) in known[prompt[node_id]["class_type"]].inputs.items():
        if name not in inputs:
            details = {"input_name": name}
            errors.append(
                _error("required_input_missing", "Required input is missing", name, **details)
            )
            continue
        value = inputs[name]
        if isinstance(value, list):
            errors.extend(_link(name, value, wanted, prompt, known))
            if len(value) == 2 and value[0] in prompt:
                _examine(value[0], prompt, known, found)
        else:
            errors.extend(_value(name, value, wanted, options))


def _link(name: str, link: Any, wanted: Any, prompt: Json, known: dict[str, Node]) -> list[Json]:
    if len(link) != 2 or link[0] not in prompt:
        message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
        return [_error("bad_linked_input", message, name, input_name=name, received_value=link)]
    outputs = known[prompt[link[0]]["class_type"]].outputs
    received = outputs[link[1]] if 0 <= link[1] < len(outputs) else "nothing"
    if received == wanted:
        return []
    details = f"{name}, received_type({received}) mismatch input_type({wanted})"
    message = "Return type mismatch between linked nodes"
    return [_error("return_type_mismatch", message, details, input_name=name)]


def _value(name: str, value: Any, wanted: Any, options: Json) -> list[Json]:
    extra = {"input_name": name, "received_value": value}
    if isinstance(wanted, list):
        if value in wanted:
            return []
        details = f"{name}: '{value}' not in {wanted}"
        return [_error("value_not_in_list", "Value not in list", details, **extra)]
    convert = NUMBERS.get(wanted)
    if convert is None:
        return []
    try:
        number = convert(value)
    except (TypeError, ValueError) as problem:
        message = f"Failed to convert an input value to a {wanted} value"
        details = f"{name}, {value}, {problem}"
        return [_error("invalid_input_type", message, details, **extra)]
    for bound, kind, beyond in (
        ("min", "smaller", number < options.get("min", number)),
        ("max", "bigger", number > options.get("max", number)),
    ):
        if beyond:
            message = f"Value {value} {kind} than {bound} of {options[bound]}"
            return [_error(f"value_{kind}_than_{bound}", message, name, **extra)]
    return []
