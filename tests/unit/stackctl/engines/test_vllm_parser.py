"""The script as it is used: piped to a Python that has a vLLM, here a small one of each layout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackctl.engines import vllm_parser

PARSER = """
import argparse, sys

class FlexibleArgumentParser(argparse.ArgumentParser):
    pass
"""
CLI_ARGS = """
def make_arg_parser(parser):
    print("a line that vLLM logs to stdout")
    parser.add_argument("model")
    parser.add_argument("--tool-call-parser")
    parser.add_argument("--enable-auto-tool-choice", action="store_true")
    parser.add_argument("--tensor-parallel-size", type=int)
    return parser

def validate_parsed_serve_args(arguments):
    if arguments.enable_auto_tool_choice and not arguments.tool_call_parser:
        raise TypeError("Error: --enable-auto-tool-choice requires --tool-call-parser")
"""
LAYOUTS = {
    "0.33": ("vllm/entrypoints/common/cli_args.py", "vllm/utils/argparse_utils.py"),
    "0.32": ("vllm/entrypoints/launchers/cli_args.py", "vllm/utils/argparse_utils.py"),
    "0.31": ("vllm/entrypoints/openai/cli_args.py", "vllm/utils/argparse_utils.py"),
    "old": ("vllm/entrypoints/openai/cli_args.py", "vllm/utils.py"),
}


def run(site: Path, argument: str) -> tuple[int, dict[str, Any]]:
    with Path(vllm_parser.__file__).open() as script:
        done = subprocess.run(
            [sys.executable, "-", argument],
            stdin=script,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env={"PYTHONPATH": str(site)},
        )
    return done.returncode, json.loads(done.stdout)


def judge(site: Path, *commands: list[str]) -> list[str | None]:
    code, answer = run(site, json.dumps({"argv": commands}))
    assert code == 0, answer
    errors: list[str | None] = answer["errors"]
    return errors


def install(site: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def vllm(tmp_path: Path) -> Path:
    cli_args, argparse_utils = LAYOUTS["0.32"]
    install(tmp_path, {cli_args: CLI_ARGS, argparse_utils: PARSER})
    return tmp_path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_finds_the_parser_of(layout: str, tmp_path: Path) -> None:
    cli_args, argparse_utils = LAYOUTS[layout]
    install(tmp_path, {cli_args: CLI_ARGS, argparse_utils: PARSER})
    assert judge(tmp_path, ["m"], ["m", "--swap-space", "4"]) == [
        None,
        "unrecognized arguments: --swap-space 4",
    ]


def test_one_verdict_for_each_command(vllm: Path) -> None:
    tools = ["m", "--enable-auto-tool-choice"]
    assert judge(
        vllm,
        tools,
        [*tools, "--tool-call-parser", "openai"],
        ["m", "--tensor-parallel-size", "two"],
        ["--help"],
        [],
    ) == [
        "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser",
        None,
        "argument --tensor-parallel-size: invalid int value: 'two'",
        "asks for help instead of serving",
        "the following arguments are required: model",
    ]


def test_the_version_is_that_of_the_package(vllm: Path) -> None:
    assert run(vllm, '{"argv": []}') == (0, {"version": None, "errors": []})
    install(vllm, {"vllm-0.32.0.dist-info/METADATA": "Name: vllm\nVersion: 0.32.0\n"})
    assert run(vllm, '{"argv": []}') == (0, {"version": "0.32.0", "errors": []})


def test_no_vllm(tmp_path: Path) -> None:
    code, answer = run(tmp_path, '{"argv": [["m"]]}')
    assert code == 1
    assert "make_arg_parser is in none of vllm.entrypoints.common.cli_args" in answer["failure"]


def test_a_vllm_that_breaks_says_why(vllm: Path) -> None:
    install(vllm, {LAYOUTS["0.32"][0]: "raise OSError('libnuma.so.1: cannot open')"})
    code, answer = run(vllm, '{"argv": [["m"]]}')
    assert code == 1
    assert answer["failure"].endswith("OSError: libnuma.so.1: cannot open")


@pytest.mark.parametrize("argument", ["", "[]", "{}", "no json"])
def test_a_wrong_question(argument: str, tmp_path: Path) -> None:
    code, answer = run(tmp_path, argument)
    assert code == 1
    assert answer["failure"].startswith('wanted {"argv"')


def test_pydantic_is_quoted_without_its_advertisement() -> None:
    said = (
        "usage: vllm serve [model_tag] [options]\n\n"
        "vllm serve: error: argument --compilation-config/-cc: 1 validation error\n"
        "pass_config.enable_noop\n  Unexpected keyword argument [input_value=True]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/x\n"
    )
    assert vllm_parser._reason(said) == (
        "argument --compilation-config/-cc: 1 validation error"
        " pass_config.enable_noop Unexpected keyword argument [input_value=True]"
    )
