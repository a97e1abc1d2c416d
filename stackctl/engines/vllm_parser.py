"""Judges command lines of `vllm serve` with vLLM's own parser. Runs where vLLM is, not here:

docker run --rm -i --entrypoint python3 IMAGE - '{"argv": [["MODEL", "--flag", "value"]]}' < THIS

The answer is one line of JSON, {"version": "0.32.0", "errors": [null]}, with an error or null for
each command line; {"failure": "why"} if nothing could be judged. Only the parser is asked: unknown
flags, types, choices and JSON are found, names of parsers and what the hardware can do are not.
Nothing but the standard library and vLLM is imported, so that this file can be piped as it is.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import json
import os
import sys
from typing import Any

#: newest first: vLLM 0.33, 0.32, up to 0.31
PARSER_MODULES = (
    "vllm.entrypoints.common.cli_args",
    "vllm.entrypoints.launchers.cli_args",
    "vllm.entrypoints.openai.cli_args",
)
ARGPARSE_MODULES = ("vllm.utils.argparse_utils", "vllm.utils")


def judge(commands: list[list[str]]) -> dict[str, Any]:
    try:
        module = _first(PARSER_MODULES, "make_arg_parser")
        parser_class = _first(ARGPARSE_MODULES, "FlexibleArgumentParser").FlexibleArgumentParser
        parser = module.make_arg_parser(parser_class(prog="vllm serve"))
    except Exception as error:  # noqa: BLE001 - whatever another version of vLLM breaks with
        return {"failure": f"vLLM's parser cannot be used: {type(error).__name__}: {error}"}
    validate = getattr(module, "validate_parsed_serve_args", None)
    return {
        "version": _version(),
        "errors": [_error(parser, validate, command) for command in commands],
    }


def _first(names: tuple[str, ...], attribute: str) -> Any:
    for name in names:
        # an import that fails for another reason is told, not taken for another version's layout
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(name)
            if hasattr(module, attribute):
                return module
    raise ImportError(f"{attribute} is in none of {', '.join(names)}")


def _version() -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("vllm")
    return None


def _error(parser: Any, validate: Any, command: list[str]) -> str | None:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            arguments = parser.parse_args(command)
            if validate:
                validate(arguments)
    except SystemExit as end:
        return _reason(said.getvalue()) if end.code else "asks for help instead of serving"
    except Exception as error:  # noqa: BLE001 - validators raise what they like
        return f"{type(error).__name__}: {error}"
    return None


def _reason(said: str) -> str:
    """Without the usage before it and pydantic's advertisement behind."""
    reason = said.rpartition("vllm serve: error: ")[2].partition("For further information visit")[0]
    return " ".join(reason.split()) or "refused without a reason"


def main(arguments: list[str]) -> int:
    # vLLM logs to stdout, where the answer is expected
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with answer:
        try:
            commands = json.loads(arguments[0])["argv"]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            result: dict[str, Any] = {"failure": f'wanted {{"argv": [[…], …]}}: {error!r}'}
        else:
            result = judge(commands)
        json.dump(result, answer)
        answer.write("\n")
    return 1 if "failure" in result else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
