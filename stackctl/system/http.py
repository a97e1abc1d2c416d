"""HTTP to the engines."""

from __future__ import annotations

from typing import Any

from stackctl.model import Request, Unavailable

#: connect, read: a loaded engine answers its small GET paths at once
_QUICK = (3.0, 10.0)


def get(url: str, path: str) -> tuple[int, Any] | Unavailable:
    """Status and body (parsed if it is JSON) of a GET."""
    return _send("GET", url + path, _QUICK)


def send(url: str, request: Request, *, timeout: float) -> tuple[int, Any] | Unavailable:
    """Status and body of any request; `timeout` is for the answer, in seconds."""
    extra: dict[str, Any] = {}
    if request.json is not None:
        extra["json"] = dict(request.json)
    if request.file is not None:
        extra["files"] = {"file": ("clip.wav", request.file, "audio/wav")}
        extra["data"] = dict(request.form)
    return _send(request.method, url + request.path, (3.0, timeout), **extra)


def _send(
    method: str, url: str, timeout: tuple[float, float], **extra: Any
) -> tuple[int, Any] | Unavailable:
    import requests

    session = requests.Session()
    session.trust_env = False  # an engine on this box is never behind the company's proxy
    try:
        with session.request(method, url, timeout=timeout, **extra) as answer:
            try:
                return answer.status_code, answer.json()
            except ValueError:
                return answer.status_code, answer.text
    except requests.Timeout:
        return Unavailable(f"no answer from {url} within {timeout[1]:.0f} s", "timeout")
    except requests.ConnectionError:
        return Unavailable(f"{url} refuses the connection", "refused")
    except requests.RequestException as error:
        return Unavailable(f"{url}: {type(error).__name__}", "http")
    finally:
        session.close()
