"""The winner's lines, as Compose and stackctl read them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.settings import read_env
from stackctl.tune import winner

VALUES = {"MAIN_SLOTS": "8", "MAIN_ARGS": '--config {"a":"b"} --x 1'}


def test_rendered_with_its_evidence(tmp_path: Path) -> None:
    file = tmp_path / "winner.env"
    file.write_text(winner.render(VALUES, ["on GPU 0", "two\nlines"]), encoding="utf-8")
    assert file.read_text(encoding="utf-8").startswith("# on GPU 0\n# two\n# lines\n")
    assert read_env(file) == VALUES


@pytest.mark.parametrize("value", ["", "a b", "it's", 'it\'s "so"', "\\path 'x'"])
def test_every_value_comes_back(value: str, tmp_path: Path) -> None:
    file = tmp_path / "x.env"
    file.write_text(winner.render({"MAIN_ARGS": value}, []), encoding="utf-8")
    assert read_env(file) == {"MAIN_ARGS": value}


def test_the_owners_file_keeps_the_rest() -> None:
    before = (
        "# mine\nMAIN_ARGS='--old'\nX=1\n  export MAIN_ARGS=--last\n#MAIN_SLOTS=4\nMAIN_ARGS2=x"
    )
    assert winner.merged(before, VALUES).splitlines() == [
        "# mine",
        "MAIN_ARGS='--old'",
        "X=1",
        'MAIN_ARGS=\'--config {"a":"b"} --x 1\'',
        "#MAIN_SLOTS=4",
        "MAIN_ARGS2=x",
        "MAIN_SLOTS=8",
    ]
    assert winner.merged("", {"A": "1"}) == "A=1\n"
