"""Keys as a file, and as the maps that haproxy.cfg looks them up in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackctl.gateway import keys
from stackctl.model import StackError
from stackctl.model.gateway import Former, Key

A, B = keys.digest("a"), keys.digest("b")
FULL = Key("bob", B, 5.0, 60, 2, ("coder", "gpt-4o"), -100, 100.5, (Former(A, 90.0),))
MODELS = keys.models("gpt-oss-20b coder\ngpt-4o coder\ngpt-oss-120b main\n")


def test_what_is_written_is_read_again() -> None:
    both = (Key("alice", A, 1.0), FULL)
    assert keys.load(keys.dump(reversed(both)), "keys.json") == both


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"keys": 1}',
        '{"keys": [1]}',
        '{"keys": [{"name": "a"}]}',
        '{"keys": [{"name": "a", "sha256": "x", "created": 0}]}',
    ],
)
def test_a_damaged_file_is_no_empty_one(text: str) -> None:
    with pytest.raises(StackError, match=r"keys\.json: cannot be read") as told:
        keys.load(text, "keys.json")
    assert "last good copy" in told.value.fix


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a:b"),
        ("name", "a b\n"),
        ("sha256", A.upper()),
        ("rpm", "60"),
        ("concurrent", [1]),
        ("expires", "soon"),
        ("former", [{"sha256": "x", "until": 1}]),
        ("hue", 1),
    ],
)
def test_nor_is_one_that_somebody_has_edited(field: str, value: Any) -> None:
    row = {"name": "a", "sha256": A, "created": 0.0, field: value}
    with pytest.raises(StackError, match="cannot be read"):
        keys.load(json.dumps({"version": 1, "keys": [row]}), "keys.json")


def test_no_limits() -> None:
    assert keys.maps((Key("alice", A, 1.0),), MODELS) == {
        "keys.map": f"{A} alice:9999999999:1000000000:1000000000:0:all\n",
        "allow.map": "",
    }


def test_limits_are_in_the_row_of_each_digest() -> None:
    found = keys.maps((FULL,), MODELS)
    assert found["keys.map"].splitlines() == [
        f"{B} bob:100:60:2:-100:some",
        f"{A} bob:90:60:2:-100:some",
    ]
    # two names of one model are one grant
    assert found["allow.map"] == "bob/coder 1\n"


def test_a_former_key_ends_with_its_name() -> None:
    key = Key("bob", B, 5.0, expires=50.0, former=(Former(A, 90.0),))
    assert f"{A} bob:50:" in keys.maps((key,), MODELS)["keys.map"]


def test_a_model_that_is_gone_lets_nobody_to_all() -> None:
    found = keys.maps((Key("bob", B, 5.0, models=("nix",)),), MODELS)
    assert found["keys.map"].endswith(":some\n")
    assert found["allow.map"] == ""


def test_models_are_named_by_model_alias_and_backend() -> None:
    assert MODELS == {
        "coder": "coder",
        "main": "main",
        "gpt-oss-20b": "coder",
        "gpt-4o": "coder",
        "gpt-oss-120b": "main",
    }


def test_in_words() -> None:
    assert keys.words(FULL) == ["60/min", "2 at once", "high", "only coder gpt-4o"]
    assert keys.words(Key("alice", A, 1.0)) == []


def test_what_is_told_lets_nobody_in() -> None:
    told = keys.told(FULL)
    assert (told["priority"], told["former"], told["rpm"]) == ("high", [90.0], 60)
    assert A not in json.dumps(told)
    assert B not in json.dumps(told)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "9" * 32])
def test_names(name: str) -> None:
    assert keys.NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "-a", ".a", "a" * 33, "a b", "a:b", "a/b", "a\n", "ä", "a#"])
def test_no_names(name: str) -> None:
    assert not keys.NAME.fullmatch(name)
