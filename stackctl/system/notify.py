"""Messages to people, by apprise, and the ping of a dead man's switch.

The addresses are secrets, and many have theirs where a host would be: a Telegram bot's token, a
topic of ntfy.sh. So of an address nothing is ever shown but its scheme, and its host where that is
one for sure.
"""

from __future__ import annotations

import hashlib
import platform
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

#: seconds for all channels together, connections and answers included
_DEADLINE = 20.0
_PING = (3.0, 5.0)
UNKNOWN = "apprise knows no such address"
#: schemes with the name of a machine behind them, and those that have one only before a path
_HOSTS = frozenset({"json", "xml", "form", "gotify", "mattermost", "mmost", "rocket", "http"})
_HOSTS_WITH_PATH = frozenset({"ntfy"})


def label(url: str) -> str:
    """What an address is called: `ntfy://host.lan`, `discord://(3f2a9c)`. Stable, and no secret."""
    mark = hashlib.sha256(url.encode()).hexdigest()[:6]
    scheme = url.partition("://")[0]
    if not scheme.isalnum() or "://" not in url:
        return f"({mark})"
    host = _host(url, scheme.lower().removesuffix("s"))
    return f"{scheme}://{host} ({mark})" if host else f"{scheme}://({mark})"


def _host(url: str, plain: str) -> str:
    """With its port; "" if there is none that may be shown."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    known = plain in _HOSTS or (plain in _HOSTS_WITH_PATH and parts.path.strip("/"))
    if not known or "@" in parts.path:  # a password with a slash in it
        return ""
    return f"{host}:{port}" if host and port else host


def box_name() -> str:
    """Which of one's machines it is that writes."""
    return platform.node() or "this box"


def send(messages: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Address -> (title, text), all at the same time; address -> why it failed, "" if it did not.
    Never raises, never takes much longer than its deadline."""
    try:
        channels = _channels(messages)
    except ImportError:
        return dict.fromkeys(messages, "apprise is not installed: make setup")
    result = dict.fromkeys(messages, f"no answer within {_DEADLINE:.0f} s")
    threads = []
    for url, (title, text) in messages.items():
        channel = channels[url]
        if channel is None:
            result[url] = UNKNOWN
            continue
        thread = threading.Thread(target=_send, args=(channel, title, text, url, result))
        thread.daemon = True  # one that never ends must not keep the program
        thread.start()
        threads.append(thread)
    until = time.monotonic() + _DEADLINE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(result)


def unknown(urls: Iterable[str]) -> frozenset[str]:
    """Addresses that apprise cannot make anything of."""
    urls = tuple(urls)
    if not urls:
        return frozenset()
    try:
        return frozenset(url for url, channel in _channels(urls).items() if channel is None)
    except ImportError:
        return frozenset()


def ping(url: str, *, fine: bool) -> str:
    """Tell a dead man's switch that we live (`/fail`: with a problem); why not, or ""."""
    import requests

    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "STACKCTL_PING_URL is not an address that begins with https:// or http://"
        path = parts.path.rstrip("/") + ("" if fine else "/fail")
        with requests.get(parts._replace(path=path).geturl(), timeout=_PING) as answer:
            return "" if answer.ok else f"{label(url)} answers {answer.status_code}"
    except requests.Timeout:
        return f"{label(url)} does not answer in time"
    except (requests.RequestException, ValueError) as error:
        # the text of the error has the address in it
        return f"{label(url)} cannot be reached: {type(error).__name__}"


def _channels(urls: Iterable[str]) -> dict[str, Callable[..., Any] | None]:
    """Each address's way to send; None for one that is no address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of apprise's own plugins; nobody here can mend them
        import apprise

        found: dict[str, Callable[..., Any] | None] = {}
        for url in urls:
            one = apprise.Apprise()
            found[url] = one.notify if _added(one, url) else None
        return found


def _added(one: Any, url: str) -> bool:
    try:
        return bool(one.add(url))
    except Exception:  # noqa: BLE001 - a hundred plugins parse addresses, each in its own way
        return False


def _send(
    notify: Callable[..., Any], title: str, text: str, url: str, result: dict[str, str]
) -> None:
    try:
        sent = bool(notify(title=title, body=text, body_format="text"))
        result[url] = "" if sent else "it was refused, or nobody answers there"
    except Exception as error:  # noqa: BLE001 - as above; its text may hold the address
        result[url] = f"it failed: {type(error).__name__}"
