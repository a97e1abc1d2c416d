"""Canned answers: a dict of URLs to replies stands for the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from stackctl.models.publishers import Endpoints, Reply

PLAIN = Endpoints()
#: a mirror with a path, and a slash at its end
MIRROR = Endpoints("https://mirror/hub/", "https://mirror/ms/", "https://mirror:8/oll/")

PORTAL = Reply(200, {"content-type": "text/html"}, "<!DOCTYPE html><p>log in", "<!DOCTYPE html>")


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """JSON; header names are written with _ for -."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, names, body, json.dumps(body))


class Wire:
    """A `Get`: answers from the dict and takes down what was asked."""

    def __init__(self, answers: Mapping[str, Reply] | Reply) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.headers: Mapping[str, str] = {}

    def __call__(self, url: str, headers: Mapping[str, str]) -> Reply:
        self.asked.append(url)
        self.headers = headers
        if isinstance(self.answers, Reply):
            return self.answers
        return self.answers.get(url, reply({}, 404))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, body: Any) -> Any:
    """The body with one part of it replaced, left out or doubled."""
    if not body or not isinstance(body, dict | list) or draw(st.integers(0, 3)) == 0:
        return draw(JSON)
    copy: Any = body.copy()
    keys = list(copy) if isinstance(copy, dict) else list(range(len(copy)))
    key = draw(st.sampled_from(keys))
    how = draw(st.sampled_from(["deeper", "deeper", "leave out", "double"]))
    if how == "leave out":
        del copy[key]
    elif how == "double" and isinstance(copy, list):
        copy.append(copy[key])
    else:
        copy[key] = draw(mutated(copy[key]))
    return copy
