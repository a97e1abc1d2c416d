"""A YAML file with the place of every value, so that an edit touches nothing else.

ruamel.yaml composes the nodes; edits are made in the text between their marks instead of dumping
the document again. A dump would normalise quotes, indentation and line breaks of a stranger's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from stackctl.lint.interpolate import interpolate
from stackctl.lint.issue import Source, Span
from stackctl.model import StackError


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A value of a YAML file. `own` values may be edited: they belong to one place alone, and are
    not reached by an alias, a merge or `extends`."""

    kind: str  # scalar, map, list
    span: Span
    own: bool = True
    style: str = ""  # of scalars: "", ', ", |, >; of the others: "flow" or ""
    text: str = ""  # interpolated
    raw: str = ""  # as written
    tag: str = ""  # str, int, bool, null ...
    items: Mapping[str, Tree] = field(default_factory=dict)
    keys: Mapping[str, Span] = field(default_factory=dict)
    elements: tuple[Tree, ...] = ()

    def get(self, *path: str) -> Tree | None:
        """The value at a path of keys."""
        here: Tree | None = self
        for key in path:
            here = here.items.get(key) if here else None
        return here

    def texts(self) -> list[Tree]:
        """The scalars of a list, or the one scalar."""
        if self.kind == "scalar":
            return [] if self.tag == "null" else [self]
        return [element for element in self.elements if element.kind == "scalar"]

    def key(self, name: str) -> Span:
        """Where a key stands."""
        return self.keys.get(name, self.span)


def parse(source: Source, env: Mapping[str, str]) -> Tree:
    """The whole file. What is no YAML, or no map, is a StackError with its position."""
    # the round-trip scanner would put marks of its own into folded text
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(source.text)
        if root is None:
            raise _bad(source, 1, "it is empty")
        tree = _Builder(source, env, _shared(root)).build(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f"{mark.column + 1}: " if mark else ""
        reason = error.problem or error.context or "no YAML"
        raise _bad(source, mark.line + 1 if mark else 1, f"{column}{reason}") from None
    except RecursionError:
        raise _bad(source, 1, "it is nested too deeply, or an anchor holds itself") from None
    except (YAMLError, ValueError, AttributeError, TypeError, NotImplementedError) as error:
        # ruamel.yaml has a few bare errors for characters and tags that YAML does not allow
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _bad(source, 1, f"no YAML: {reason}") from None
    if tree.kind != "map":
        raise _bad(source, 1, "no compose file: its top level is no map")
    return tree


def overlay(base: Tree, own: Tree) -> Tree:
    """`extends`, or a merge: what stands in `own` wins; maps are merged, lists appended, unless
    `!override` replaces or `!reset` takes away what was there."""
    if base.kind != "map" or own.kind != "map":
        return own
    items = dict(base.items)
    for key, value in own.items.items():
        under = items.get(key)
        if value.tag == "!reset":
            items.pop(key, None)
        elif under is None or value.tag == "!override" or key in ("command", "entrypoint", "test"):
            items[key] = value
        elif under.kind == "list" and value.kind == "list":
            items[key] = replace(value, elements=(*under.elements, *value.elements))
        else:
            items[key] = overlay(under, value)
    return replace(own, items=items, keys={**base.keys, **own.keys})


def foreign(tree: Tree, seen: dict[int, Tree] | None = None) -> Tree:
    """The same value, not to be edited. What aliases share is walked through once."""
    seen = {} if seen is None else seen
    if id(tree) not in seen:
        seen[id(tree)] = replace(
            tree,
            own=False,
            items={key: foreign(value, seen) for key, value in tree.items.items()},
            elements=tuple(foreign(element, seen) for element in tree.elements),
        )
    return seen[id(tree)]


def _bad(source: Source, line: int, reason: str) -> StackError:
    return StackError(
        f"{source.name}:{line}:{'' if reason[:1].isdigit() else ' '}{reason}",
        fix="correct the file, `docker compose config` must be able to read it",
        exit_code=2,
    )


def _shared(root: Any) -> set[int]:
    """Nodes that are reached more than once: what an alias or a merge stands for."""
    seen: set[int] = set()
    shared: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if id(node) in seen:
            shared.add(id(node))
            continue
        seen.add(id(node))
        left += _children(node)
    return shared


def _children(node: Any) -> Iterator[Any]:
    if node.id == "mapping":
        for key, value in node.value:
            yield key
            yield value
    elif node.id == "sequence":
        yield from node.value


class _Builder:
    """Nodes -> trees. Each node is built once, so that aliases cost nothing."""

    def __init__(self, source: Source, env: Mapping[str, str], shared: set[int]) -> None:
        self._source, self._env, self._shared = source, env, shared
        self._built: dict[tuple[int, bool], Tree] = {}
        self._open: set[int] = set()

    def build(self, node: Any, *, own: bool = True) -> Tree:
        own = own and id(node) not in self._shared
        if (id(node), own) in self._built:
            return self._built[id(node), own]
        if id(node) in self._open:
            raise RecursionError
        self._open.add(id(node))
        tree = self._node(node, own)
        self._open.discard(id(node))
        self._built[id(node), own] = tree
        return tree

    def _node(self, node: Any, own: bool) -> Tree:
        span = Span(self._source, node.start_mark.index, node.end_mark.index)
        tag = str(node.tag or "").rpartition(":")[2]
        if node.id == "scalar":
            text = interpolate(node.value, self._env)
            return Tree("scalar", span, own, node.style or "", text, node.value, tag)
        style = "flow" if node.flow_style else ""
        if node.id == "sequence":
            elements = tuple(self.build(n, own=own) for n in node.value)
            if not style and elements:
                span = replace(span, end=elements[-1].span.end)
            return Tree("list", span, own, style, tag=tag, elements=elements)
        return self._map(node, span, own, style, tag)

    def _map(self, node: Any, span: Span, own: bool, style: str, tag: str) -> Tree:
        merged: list[Tree] = []
        items: dict[str, Tree] = {}
        keys: dict[str, Span] = {}
        for key, value in node.value:
            name = key.value if key.id == "scalar" else ""
            place = Span(self._source, key.start_mark.index, key.end_mark.index)
            if name == "<<":
                tree = self.build(value, own=False)
                merged += reversed(tree.elements) if tree.kind == "list" else [tree]
                end = place.end
            else:
                if name in items:
                    raise _bad(self._source, place.line, f"{name}: this key is there twice")
                items[name] = self.build(value, own=own)
                keys[name] = place
                # an empty value has no place of its own
                end = max(place.end, items[name].span.end if items[name].span.text else 0)
            if not style:
                span = replace(span, end=end)
        under: dict[str, Tree] = {}
        places: dict[str, Span] = {}
        for tree in merged:
            # YAML's merge is shallow: a key of the map itself wins as a whole
            under.update(tree.items)
            places.update(tree.keys)
        return Tree(
            "map", span, own, style, tag=tag, items={**under, **items}, keys={**places, **keys}
        )
