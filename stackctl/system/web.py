"""HTTP to publishers: proxies and certificates by the environment, tokens to whom they are for.

requests strips Authorization when a redirect leads to another host; credentials of ~/.netrc are not
used, because what is sent to whom has to be known from our own settings.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
)

from stackctl import __version__
from stackctl.model import StackError

if TYPE_CHECKING:
    import requests

AGENT = f"stackctl/{__version__}"
#: busy, or a fault of a moment
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 523, 524})
#: RFC 6585: a captive portal says who it is
_PORTAL = 511
_LONGEST_WAIT = 300.0
NETWORK = "check the network, HTTPS_PROXY and the endpoint knobs, then try again"


class Passing(Exception):
    """A failure that may be gone in a moment. `wait` is what the server asks for, in seconds;
    `tries` is how often it is worth asking."""

    tries = 1000
    fix = NETWORK

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Portal(Passing):
    """Somebody in between answers; it stays until a person logs in, so we do not wait long."""

    tries = 2
    fix = "log in to the network in a browser, or set HTTPS_PROXY, then try again"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: `body` is parsed where it is JSON, else the text."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str


class Web:
    """Sessions to publishers, one a thread. `tokens` are sent to the hosts that begin with their
    key (scheme, host, port), and to no other."""

    def __init__(self, tokens: Mapping[str, str] | None = None) -> None:
        self._tokens = dict(tokens or {})
        self._local = threading.local()
        self._all: list[requests.Session] = []

    def close(self) -> None:
        for session in self._all:
            session.close()

    @property
    def session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _session()
            self._all.append(session)
        return session

    def headers(self, url: str) -> dict[str, str]:
        """What lets us in there."""
        for base, token in self._tokens.items():
            if token and (url == base or url.startswith(base.rstrip("/") + "/")):
                return {"Authorization": f"Bearer {token}"}
        return {}

    def ask(
        self, url: str, extra: Mapping[str, str] | None = None, *, method: str = "GET",
        tries: int = 5, pause: float = 0.5, timeout: tuple[float, float] = (10.0, 30.0),
    ) -> Answer:  # fmt: skip
        """A small answer whole, with the passing failures tried again."""
        retrying = Retrying(
            retry=retry_if_exception_type(Passing),
            stop=lambda state: state.attempt_number >= min(tries, _failure(state).tries),
            wait=lambda state: wait_for(_failure(state), state.attempt_number, pause),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, extra or {}, timeout)
        except Passing as error:
            raise StackError(f"{plain(url)}: {error}", fix=error.fix) from None

    def _once(
        self, method: str, url: str, extra: Mapping[str, str], timeout: tuple[float, float]
    ) -> Answer:
        headers = {**self.headers(url), **extra}
        try:
            with self.session.request(method, url, headers=headers, timeout=timeout) as answer:
                check_passing(answer)
                try:
                    body: Any = answer.json() if answer.content else ""
                except ValueError:
                    body = answer.text
                lower = {key.lower(): value for key, value in answer.headers.items()}
                return Answer(answer.status_code, lower, body, answer.text)
        except OSError as error:  # requests' own are OSErrors
            failure = explained(error, url)
        raise failure  # out here, or the library's words with their whole URL would go with it


def _session() -> requests.Session:
    import requests

    class Session(requests.Session):
        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            """After a redirect; the library's own would look into ~/.netrc."""
            old, new = response.request.url, prepared_request.url
            if self.should_strip_auth(old, new):  # type: ignore[no-untyped-call]
                prepared_request.headers.pop("Authorization", None)

    session = Session()
    session.auth = lambda request: request  # else requests looks into ~/.netrc
    session.headers.update({"User-Agent": AGENT, "Accept-Encoding": "identity"})
    return session


def check_passing(answer: requests.Response) -> None:
    """Raise what may be gone in a moment."""
    if answer.status_code == _PORTAL:
        raise Portal("answers 511: this network wants a login first")
    if answer.status_code in _PASSING:
        raise Passing(f"answers {answer.status_code}", _retry_after(answer))


def wait_for(error: Passing, failures: int, pause: float, longest: float = 60.0) -> float:
    """What the server asks for, within reason, else longer each time, and not all of us at once."""
    own = min(pause * 2.0 ** min(failures - 1, 30), longest) + random.uniform(0, pause)  # noqa: S311
    return min(max(error.wait, own), _LONGEST_WAIT)


def explained(error: Exception, url: str) -> Exception:
    """A failure of the network in our words; Passing where it may help to try again."""
    import requests
    import urllib3

    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error):
        return StackError(
            f"{plain(url)}: its certificate is not trusted",
            fix="behind a TLS-inspecting proxy set REQUESTS_CA_BUNDLE to its certificate bundle",
        )
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return StackError(
            f"{plain(url)}: redirects in a circle", fix="check the endpoint knobs and the proxy"
        )
    no_url = requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema
    if isinstance(error, no_url | requests.exceptions.MissingSchema):
        return StackError(f"{plain(url)}: not a URL that can be asked", fix="check the endpoint")
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return StackError(
            f"{plain(url)}: the bundle of certificates cannot be read",
            fix="correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or unset it",
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return Passing("the proxy does not answer")
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    timeouts = requests.Timeout | urllib3.exceptions.TimeoutError
    if isinstance(error, timeouts) or isinstance(inner, timeouts):
        return Passing("no answer in time")
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return Passing("the name of its host is not known: no network, or a typing error")
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return Passing("nobody answers there")
    return Passing("the connection broke off")


def plain(url: str) -> str:
    """A URL for people: what follows the path may hold a signature, what is before the host a
    password."""
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _failure(state: RetryCallState) -> Passing:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Passing) else Passing(str(error))


def _retry_after(answer: requests.Response) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3), which counts from the server's own clock."""
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(answer.headers["Date"])
        return max(0.0, (until - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0
