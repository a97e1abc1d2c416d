"""Chromium in a container, spoken to in its own protocol (CDP) over the container's stdin."""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.integration.stack.box import run

HERE = Path(__file__).parent
COMMON = HERE.parents[3] / "compose" / "images" / "common"
IMAGE = "stackctl/test-browser:1"
#: seconds for one answer of the browser; its start on a busy machine among them
PATIENCE = 60.0

Message = dict[str, Any]


def build() -> str:
    """Why there is no image; empty if there is one."""
    secret = os.environ.get("EXTRA_CA_FILE")
    done = run(
        [
            *("docker", "buildx", "build", "--builder", "default", "--load", "--tag", IMAGE),
            *("--build-context", f"common={COMMON}"),
            *(("--secret", f"id=extra_ca,src={secret}") if secret else ()),
            str(HERE),
        ],
        timeout=600,
    )
    return "" if done.code == 0 else done.err[-500:]


class Browser:
    """One tab. `events` has everything that it told unasked, `pages` those that no server need
    serve, by their address."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._numbers = process, itertools.count(1)
        self._inbox: queue.Queue[Message] = queue.Queue()
        self._session = ""
        self._basic: tuple[str, str] = ("", "")
        self.events: list[Message] = []
        self.pages: dict[str, str] = {}
        assert process.stdout
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", handleAuthRequests=True)

    # --- what is done with it
    def open(self, url: str, key: str = "", *, size: tuple[int, int] = (1280, 900)) -> None:
        """Load a page until it is whole. `key`: the password, if it is asked for one."""
        self._basic = ("anybody", key)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=size[0] < 600,
        )
        # whom to trust is curl's business
        self.call("Security.setIgnoreCertificateErrors", ignore=True)
        # another #name of the same page would load nothing
        for place in ("about:blank", url):
            self.events.clear()
            self.call("Page.navigate", url=place)
            if not self._told("Page.loadEventFired"):
                self._until(lambda m: m.get("method") == "Page.loadEventFired")

    def scheme(self, name: str) -> None:
        """light or dark"""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def script(self, *, on: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def evaluate(self, expression: str) -> Any:
        told = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def text(self) -> str:
        """What a person reads."""
        return str(self.evaluate("document.body.innerText"))

    def blocks(self) -> list[str]:
        """The blocks of code that are to be seen."""
        found: list[str] = self.evaluate(
            "[...document.querySelectorAll('pre')]"
            ".filter(block => block.checkVisibility()).map(block => block.innerText)"
        )
        return found

    def picture(self, **how: Any) -> bytes:
        """PNG of the whole page, or of a part of it (`clip`)."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True, **how)
        return base64.b64decode(told["data"])

    # --- what it saw
    def requests(self) -> list[str]:
        return [str(e["request"]["url"]) for e in self._told("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Everything on the console: messages, warnings, errors."""
        logged = [e["entry"]["text"] for e in self._told("Log.entryAdded")]
        said = [str(e["args"]) for e in self._told("Runtime.consoleAPICalled")]
        thrown = [str(e["exceptionDetails"]) for e in self._told("Runtime.exceptionThrown")]
        return [*logged, *said, *thrown]

    def _told(self, method: str) -> list[Message]:
        return [event["params"] for event in self.events if event.get("method") == method]

    # --- the protocol
    def call(self, method: str, **params: Any) -> Message:
        number = self._send(method, params)
        answer = self._until(lambda m: m.get("id") == number)
        assert "error" not in answer, (method, answer)
        result: Message = answer["result"]
        return result

    def _send(self, method: str, params: Message) -> int:
        number = next(self._numbers)
        message: Message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        return number

    def _until(self, wanted: Any) -> Message:
        while True:
            message = self._inbox.get(timeout=PATIENCE)
            assert message, "the browser has ended"
            self.events.append(message)
            self._let_through(message)
            if wanted(message):
                return message

    def _let_through(self, message: Message) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Fetch.requestPaused" and params["request"]["url"] in self.pages:
            text = self.pages[params["request"]["url"]]
            body = base64.b64encode(text.encode()).decode()
            header = {"name": "Content-Type", "value": "text/html; charset=utf-8"}
            answer = {"responseCode": 200, "responseHeaders": [header], "body": body}
            self._send("Fetch.fulfillRequest", {"requestId": params["requestId"], **answer})
        elif method == "Fetch.requestPaused":
            self._send("Fetch.continueRequest", {"requestId": params["requestId"]})
        elif method == "Fetch.authRequired":
            user, password = self._basic
            given = {"response": "ProvideCredentials", "username": user, "password": password}
            self._send(
                "Fetch.continueWithAuth",
                {"requestId": params["requestId"], "authChallengeResponse": given},
            )

    def _listen(self, stream: IO[bytes]) -> None:
        left = b""
        while part := os.read(stream.fileno(), 1 << 16):
            *whole, left = (left + part).split(b"\0")
            for message in whole:
                self._inbox.put(json.loads(message))
        self._inbox.put({})


@contextmanager
def chromium(network: str) -> Iterator[Browser]:
    """A browser in a network of Docker's; it is gone afterwards."""
    name = f"stackctl-test-browser-{uuid.uuid4().hex[:8]}"
    argv = ["docker", "run", "--rm", "--init", "--interactive", "--name", name]
    process = subprocess.Popen(
        [*argv, "--network", network, IMAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Browser(process)
    finally:
        run(["docker", "rm", "--force", name])
        process.communicate(timeout=PATIENCE)
