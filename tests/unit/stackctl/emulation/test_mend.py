"""JSON as models write it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.emulation.mend import mended

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_right_stays_as_it_is(value: Any, ascii_only: bool, indent: int | None) -> None:
    assert mended(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'it\\'s \"so\"'}", {"a": 'it\'s "so"'}),
        ('{"a": 1,}', {"a": 1}),
        ("[1, 2,]", [1, 2]),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ("{a: True, b: None}", {"a": True, "b": None}),
        ('{"a": {"b": [1', {"a": {"b": [1]}}),
        ('{"a": "text', {"a": "text"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": 1} and so on', {"a": 1}),
    ],
)
def test_small_faults(text: str, value: Any) -> None:
    assert mended(text) == value


@pytest.mark.parametrize("text", ["", "{a}", "{:}", "[oops]", "{" * 99, "[" * 10**6, '{"a": }'])
def test_no_json_at_all(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several sentences
        mended(text)


@given(st.text(alphabet="{}[]\"':,\\ a1\n", max_size=200))
def test_it_ends_whatever_it_is_given(text: str) -> None:
    with suppress(ValueError):
        mended(text)
