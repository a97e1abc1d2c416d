"""Lint a text as the command does, without files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

from stackctl import lint
from stackctl.lint import Issue, Known, Project, Source

GOLDEN = Path(__file__).parents[3] / "golden" / "lint"
NOTHING: Mapping[str, str] = {}


def load(text: str, env: Mapping[str, str] = NOTHING, **others: str) -> Project:
    """A compose file; `others` are files beside it, their dots written as `_`."""
    beside = {name.replace("_", "."): content for name, content in others.items()}
    return lint.load(Source("compose.yaml", text), env, beside.get)


def issues(text: str, env: Mapping[str, str] = NOTHING, gpu_mib: int = 0) -> list[Issue]:
    return lint.examine(load(text, env), Known(gpu_mib))


def rules(text: str, env: Mapping[str, str] = NOTHING, gpu_mib: int = 0) -> set[str]:
    return {issue.rule for issue in issues(text, env, gpu_mib)}


def fixed(text: str) -> str:
    """What `--fix` writes."""
    texts, _ = lint.fix({"compose.yaml": text}, lambda t: issues(t["compose.yaml"]))
    return texts["compose.yaml"]


def service(body: str, name: str = "one") -> str:
    """A compose file of one service."""
    return f"services:\n  {name}:\n" + indent(body, "    ")


def command_issues(text: str) -> list[Issue]:
    return lint.examine(lint.load_command(text), Known())


def command_rules(text: str) -> set[str]:
    return {issue.rule for issue in command_issues(text)}


def command_fixed(text: str) -> str:
    texts, _ = lint.fix({"command": text}, lambda t: command_issues(t["command"]))
    return texts["command"]


#: a service that nothing is wrong with
GOOD = """\
image: vllm/vllm-openai:v0.32.0
command: --model openai/gpt-oss-120b --tensor-parallel-size 2 --max-model-len 131072
ports: ["127.0.0.1:8000:8000"]
shm_size: 16g
logging: {driver: local}
healthcheck: {test: [CMD, curl, -f, "http://127.0.0.1:8000/health"]}
deploy:
  resources:
    reservations:
      devices:
        - driver: nvidia
          device_ids: ["0", "1"]
          capabilities: [gpu]
"""
