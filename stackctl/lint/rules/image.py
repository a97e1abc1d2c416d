"""Images by a version: `latest` is another engine after every pull."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint.interpolate import known
from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import WARNING, Rule, each, issue
from stackctl.lint.service import Service
from stackctl.lint.tables.images import MOVING, lookup, split_tag


def _tag(service: Service) -> Iterable[Issue]:
    if not service.image or not known(service.image.text) or service.built:
        return
    name, tag, digest = split_tag(service.image.text)
    if digest or (tag and not MOVING.fullmatch(tag)):
        return
    found = lookup(service.image.text)
    pinned = f"{name}:{found.tag}" if found and found.tag else ""
    yield issue(
        "image.tag",
        service,
        f"{service.image.text} is another image tomorrow"
        + ("" if tag else ": without a tag it is `latest`"),
        "flags, defaults and log lines change from version to version; nobody can say what ran",
        severity=WARNING,
        span=service.image.span,
        edits=service.editor.replace(service.image, pinned) if pinned else None,
        advice=pinned or f"{name}:VERSION",
    )


RULES = (Rule("image.tag", "images are pinned to a version", each(_tag)),)
