"""Keys into the gateway, and their figures out of it, without asking Docker: milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

from stackctl.commands.gateway import apply
from stackctl.commands.gateway.apply import Place
from stackctl.gateway import keys, render, stats
from stackctl.model.gateway import Usage
from stackctl.model.incident import Figure
from stackctl.system import files, haproxy

MODELS = "models.map"


def models(place: Place) -> Mapping[str, str]:
    """Every name of a model that the gateway has, and its backend; none before its first start."""
    return keys.models(apply.text(place.conf / MODELS) or "")


def give_keys(place: Place) -> bool:
    """Write the maps of keys.json, and give them to HAProxy. False: it does not run.

    The caller holds `place.lock`.
    """
    if not files.exists(str(place.conf / MODELS)):
        return False
    names = render.files((), (), "", tls=False)
    before = {name: apply.text(place.conf / name) for name in names}
    maps = keys.maps(apply.load_keys(place), models(place))
    after = {**before, **maps}
    loaded = apply.text(place.loaded) == apply.digest(place, before)
    # HAProxy may have other maps than the files, if a command was killed between the two
    changed = [name for name in maps if before[name] != maps[name] or not loaded]
    apply.swap(place, maps, changed)
    try:
        apply.set_maps(place, maps, changed)
    except haproxy.Down:
        return False
    if loaded:
        files.write(place.loaded, apply.digest(place, after))
    return True


def usage(place: Place) -> dict[str, Usage] | None:
    """By the names of keys, since the gateway was started; None: it does not run."""
    try:
        return stats.usage(haproxy.command(place.run, f"show table {stats.TABLE}"))
    except haproxy.Down:
        return None


def figures(place: Place) -> tuple[Figure, ...]:
    """The same for Prometheus, whose counters may begin anew."""
    counted = usage(place) or {}
    return tuple(
        Figure(name, key, value)
        for key, of in sorted(counted.items())
        for name, value in (
            ("key_requests_total", of.requests),
            ("key_client_errors_total", of.bad),
            ("key_server_errors_total", of.failed),
            ("key_running", of.running),
            ("key_prompt_tokens_total", of.prompt_tokens),
            ("key_completion_tokens_total", of.completion_tokens),
            ("key_sent_bytes_total", of.bytes_out),
        )
    )


def forget(place: Place, name: str) -> None:
    """A key of that name begins at nothing."""
    haproxy.command(place.run, f"clear table {stats.TABLE} key {name}")
