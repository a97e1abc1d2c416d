"""The words of `chat`, wherever its options stand."""

from __future__ import annotations

import pytest

from stackctl import cli
from stackctl.cli import words


@pytest.mark.parametrize(
    "argv",
    [
        ["coder", "why", "-", "--tools", "--max-tokens", "5"],
        ["--tools", "coder", "--max-tokens", "5", "why", "-"],
        ["coder", "--max-tokens=5", "--tools", "why", "-"],
    ],
)
def test_mixed(argv: list[str]) -> None:
    args = cli._parser().parse_args(["chat", *argv])
    assert (args.words, args.tools, args.max_tokens) == (["coder", "why", "-"], True, 5)


def test_nothing() -> None:
    args = cli._parser().parse_args(["chat"])
    assert (args.words, args.tools, args.json, args.timeout) == ([], False, False, 300)


@pytest.mark.parametrize("argv", [["--nosuch"], ["x", "--timeout", "0"], ["--through", "x"]])
def test_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli._parser().parse_args(["chat", *argv])
    assert ended.value.code == 2


def test_other_commands_are_read_as_ever() -> None:
    assert words.Parser.mixed is False
    assert cli._parser().parse_args(["up", "--dry-run", "main"]).roles == ["main"]
