"""Commands that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import WARNING, Rule, each, issue
from stackctl.lint.service import Service

#: engines whose container does nothing without a command; the others have one in their image
_SILENT = frozenset({"vllm", "sglang", "tensorrt-llm", "llama-cpp"})


def _unreadable(service: Service) -> Iterable[Issue]:
    if service.unreadable:
        yield issue(
            "command.unreadable",
            service,
            f"its command cannot be read: {service.unreadable}",
            "Docker splits a command as a shell does, and refuses this one",
            span=service.command_span,
            advice="close the quote, or write the command as a list: one string a word",
        )


def _unknown(service: Service) -> Iterable[Issue]:
    if (
        service.engine in _SILENT
        and service.command_span
        and not service.invocation
        and not service.unreadable
    ):
        yield issue(
            "command.unknown",
            service,
            f"no command of {service.engine} is to be found in what it runs",
            "a script of its own, or an entry point of another version: its flags are not checked",
            severity=WARNING,
            span=service.command_span,
            advice=f"start {service.engine} by its own command, e.g. {_EXAMPLES[service.engine]}",
        )


_EXAMPLES = {
    "vllm": "vllm serve MODEL",
    "sglang": "python3 -m sglang.launch_server --model-path MODEL",
    "tensorrt-llm": "trtllm-serve MODEL",
    "llama-cpp": "llama-server -m MODEL.gguf",
}

RULES = (
    Rule("command.unreadable", "the command can be split into words", each(_unreadable)),
    Rule("command.unknown", "the engine's own command is found", each(_unknown)),
)
