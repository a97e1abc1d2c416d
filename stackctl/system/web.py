"""HTTP to publishers: proxies and certificates by the environment, tokens to whom they are for.

requests strips Authorization when a redirect leads to another host; credentials of ~/.netrc are not
used, because what is sent to whom has to be known from our own settings.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from stackctl import __version__
from stackctl.model import StackError

if TYPE_CHECKING:
    import requests

AGENT = f"stackctl/{__version__}"
#: busy, or a fault of a moment
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 523, 524})
_LONGEST_WAIT = 300.0
NETWORK = "check the network, HTTPS_PROXY and the endpoint knobs, then try again"


class Passing(Exception):
    """A failure that may be gone in a moment. `wait` is what the server asks for, in seconds."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


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
            import requests

            session = requests.Session()
            session.auth = lambda request: request  # else requests looks into ~/.netrc
            session.headers.update({"User-Agent": AGENT, "Accept-Encoding": "identity"})
            self._local.session = session
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
            stop=stop_after_attempt(tries),
            wait=lambda state: asked_wait(state, pause),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, extra or {}, timeout)
        except Passing as error:
            raise StackError(f"{plain(url)}: {error}", fix=NETWORK) from None

    def _once(
        self, method: str, url: str, extra: Mapping[str, str], timeout: tuple[float, float]
    ) -> Answer:
        import requests

        try:
            with self.session.request(
                method, url, headers={**self.headers(url), **extra}, timeout=timeout
            ) as answer:
                check_passing(answer)
                try:
                    body: Any = answer.json() if answer.content else ""
                except ValueError:
                    body = answer.text
                lower = {key.lower(): value for key, value in answer.headers.items()}
                return Answer(answer.status_code, lower, body, answer.text)
        except requests.RequestException as error:
            raise explained(error, url) from None


def check_passing(answer: requests.Response) -> None:
    if answer.status_code in _PASSING:
        raise Passing(f"answers {answer.status_code}", _retry_after(answer))


def asked_wait(state: RetryCallState, pause: float, longest: float = 60.0) -> float:
    """What the server asks for, within reason, else longer from time to time."""
    error = _failure(state)
    own = wait_exponential_jitter(initial=pause, max=longest, jitter=pause)(state)
    return min(max(error.wait, own), _LONGEST_WAIT)


def explained(error: requests.RequestException, url: str) -> Exception:
    """A failure of the network in our words; Passing where it may help to try again."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return StackError(
            f"{plain(url)}: its certificate is not trusted",
            fix="behind a TLS-inspecting proxy set REQUESTS_CA_BUNDLE to its certificate bundle",
        )
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return StackError(
            f"{plain(url)}: redirects in a circle", fix="check the endpoint knobs and the proxy"
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return StackError(f"{plain(url)}: not a URL that can be asked", fix="check the endpoint")
    if isinstance(error, requests.exceptions.ProxyError):
        return Passing("the proxy does not answer")
    if isinstance(error, requests.Timeout):
        return Passing("no answer in time")
    return Passing("the connection broke off")


def plain(url: str) -> str:
    """A URL for people: what follows the path may hold a signature."""
    return url.partition("?")[0].partition("#")[0]


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
