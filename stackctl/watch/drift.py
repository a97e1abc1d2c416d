"""What the box was at the last run without an error, and what is different now: most failures of a
box that worked yesterday are an upgrade of last night."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from stackctl.model.incident import Box

#: a part of this name is the image of a service
IMAGE = "image of "


def step(green: Box, parts: Mapping[str, str], now: float, *, fine: bool) -> Box:
    """The record after a run. What could not be read this time ("") is kept from before."""
    if not fine:
        return green
    return Box(now, {**green.parts, **{name: text for name, text in parts.items() if text}})


def difference(green: Box, parts: Mapping[str, str]) -> tuple[str, ...]:
    """`driver: 580.159 -> 580.178`; nothing as long as there was no green run.

    What is not known now is no difference: a service that is down has no image.
    """
    if not green.parts:
        return ()
    lines = (_line(name, green.parts.get(name, ""), text) for name, text in parts.items() if text)
    return tuple(line for line in lines if line)


def image(tag: str, image_id: str, digests: Iterable[str] = ()) -> str:
    """The text of a part that is an image: the tag, what it meant when the container was made, and
    the name under which a registry keeps that."""
    repository = tag.rpartition(":")[0] or tag
    known = sorted(digests, key=lambda each: (each.partition("@")[0] != repository, each))
    return " ".join(filter(None, (tag, image_id, *known[:1])))


def _line(name: str, before: str, now: str) -> str:
    """What is told of one part; nothing where it is the same."""
    if name.startswith(IMAGE):
        tag, _, what = now.partition(" ")
        old_tag, _, old = before.partition(" ")
        if tag == old_tag:
            return f"{name}: tag {tag}, {_moved(old, what)}" if _moved(old, what) else ""
        before, now = old_tag, tag
    return f"{name}: {before or 'none'} -> {now}" if before != now else ""


def _moved(before: str, now: str) -> str:
    """Same tag, another image. One digest of a registry has several ids where it was loaded anew,
    and what was recorded without an id says nothing."""
    old, new = before.split(), now.split()
    if not old or not new or set(old) & set(new):
        return ""
    return f"now {_short(new[0])}, before {_short(old[0])}"


def _short(image_id: str) -> str:
    """As much of it as Docker takes for the whole."""
    return image_id[: len("sha256:") + 12]


def dump(box: Box) -> str:
    return json.dumps({"at": box.at, "parts": dict(box.parts)})


def load(text: str) -> Box:
    """What `dump` wrote; what cannot be read begins anew."""
    try:
        raw = json.loads(text or "{}")
        parts = {str(name): str(value) for name, value in raw.get("parts", {}).items()}
        return Box(float(raw.get("at", 0.0)), parts)
    except (ValueError, TypeError, AttributeError):
        return Box()
