"""Changes of a service of a compose file."""

from __future__ import annotations

from typing import Any

from stackctl.lint import edit_yaml
from stackctl.lint.issue import Edit, Edits
from stackctl.lint.service import Value
from stackctl.lint.tree import Tree


class ComposeEditor:
    """Writes in the file's own style: block or flow, quotes, indentation."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @property
    def _step(self) -> int:
        """How far the file indents: the keys of a service stand two steps in."""
        return max(2, _column(self._tree) // 2)

    def remove_env(self, name: str) -> Edits | None:
        environment = self._tree.get("environment")
        if environment is None:
            return None
        if environment.kind == "map":
            if len(environment.items) == 1 and name in environment.items:
                return edit_yaml.remove_key(self._tree, "environment")
            return edit_yaml.remove_key(environment, name)
        mine = [e for e in environment.elements if e.text.partition("=")[0] == name]
        if len(mine) != 1:
            return None
        if len(environment.elements) == 1:
            return edit_yaml.remove_key(self._tree, "environment")
        return edit_yaml.remove_elements(mine)

    def set_env(self, name: str, value: str) -> Edits | None:
        environment = self._tree.get("environment")
        # Compose reads a number here as the string that it is written as
        written: Any = int(value) if value.isdecimal() else value
        if environment is None or environment.tag == "null":
            return None if environment else self.set_key("environment", {name: written})
        if environment.kind == "map":
            if name in environment.items:
                return edit_yaml.change(environment.items[name], value)
            return edit_yaml.add_key(environment, name, written, self._step)
        for element in environment.elements:
            if element.text.partition("=")[0] == name:
                return edit_yaml.change(element, f"{name}={value}")
        if not environment.elements:
            return None
        return edit_yaml.append_elements(environment.elements[-1], [f"{name}={value}"])

    def remove_key(self, key: str) -> Edits | None:
        return edit_yaml.remove_key(self._tree, key)

    def set_key(self, key: str, value: Any) -> Edits | None:
        if key in self._tree.items:
            return edit_yaml.change(self._tree.items[key], str(value))
        return edit_yaml.add_key(self._tree, key, value, self._step)

    def set_gpus(self, ids: tuple[str, ...]) -> Edits | None:
        """Give these GPUs, all if none is named, by a device request of `deploy`."""
        given = {"device_ids": list(ids)} if ids else {"count": "all"}
        request = {"driver": "nvidia", **given, "capabilities": ["gpu"]}
        path = ("deploy", "resources", "reservations", "devices")
        here = self._tree
        for depth, key in enumerate(path):
            below = here.get(key)
            if below is None:
                value: Any = [request]
                for outer in reversed(path[depth + 1 :]):
                    value = {outer: value}
                return edit_yaml.add_key(here, key, value, self._step)
            here = below
        return self._change_request(here, ids)

    def _change_request(self, devices: Tree, ids: tuple[str, ...]) -> Edits | None:
        if len(devices.elements) != 1 or not ids:
            return None
        request = devices.elements[0]
        key = "count" if "count" in request.items else "device_ids"
        old = request.items.get(key)
        if old is None:
            return edit_yaml.add_key(request, "device_ids", list(ids), self._step)
        if not (old.own and request.own) or "\n" in old.span.text:
            return None
        place = request.key(key)
        written = f"device_ids: {edit_yaml.flow(list(ids))}"
        whole = type(place)(place.source, place.start, max(place.end, old.span.end))
        return (Edit(whole, written),)

    def replace(self, value: Value, text: str) -> Edits | None:
        if not value.own:
            return None
        quote = value.span.text[:1]
        quote = quote if quote in ("'", '"') else ""
        return (Edit(value.span, edit_yaml.scalar(text, quote)),)


def _column(tree: Tree) -> int:
    text = tree.span.source.text
    return tree.span.start - text.rfind("\n", 0, tree.span.start) - 1
