"""Whole files: the guides' compose files come out as the ones that work."""

from __future__ import annotations

import pytest
import yaml

from stackctl.model import Severity
from tests.unit.stackctl.lint.linting import GOLDEN, fixed, issues

FILES = sorted(p.name for p in GOLDEN.glob("*.yml"))


def _read(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def test_first_compose_file_comes_out_as_the_last_one() -> None:
    written = fixed(_read("ollama-first.yml"))
    assert written == _read("ollama-first.fixed.yml")
    last = yaml.safe_load(_read("ollama-last.yml"))
    assert yaml.safe_load(written)["services"]["ollama-main"] == last["services"]["ollama-main"]


def test_last_compose_file_has_no_error_and_is_left_alone() -> None:
    text = _read("ollama-last.yml")
    assert not [i for i in issues(text) if i.severity is Severity.ERROR]
    assert fixed(text) == text


def test_strangers_file_is_corrected_in_its_own_style() -> None:
    assert fixed(_read("stranger.yml")) == _read("stranger.fixed.yml")


@pytest.mark.parametrize("name", FILES)
def test_fix_is_idempotent(name: str) -> None:
    once = fixed(_read(name))
    assert fixed(once) == once


@pytest.mark.parametrize("name", FILES)
def test_comments_that_are_not_on_a_removed_line_stay(name: str) -> None:
    text = _read(name)
    written = fixed(text)
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert all(comment in written for comment in comments)
