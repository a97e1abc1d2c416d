"""Examples for each client, ready to paste: the one source of what the terminal, the page at / and
docs/clients.md show. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from stackctl.connect import address, quote, templates
from stackctl.connect.offer import Offer
from stackctl.model.gateway import Backend

_BLANK = re.compile("@([a-z]+)@")


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to paste: a program, a command, a file."""

    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Client:
    """`comment`: how its language begins a comment. `make`: the examples for what is offered."""

    name: str
    title: str
    comment: str
    make: Callable[[Offer], tuple[Example, ...]]


def _curl(offer: Offer) -> tuple[Example, ...]:
    trust = " --cacert ca.pem" if offer.ca else ""
    made = [_example("Which models there are", templates.CURL_MODELS, offer, trust=trust)]
    for model in offer.chat[:1]:
        asked = {"model": model.model, "messages": [{"role": "user", "content": "Hello"}]}
        body = quote.shell(json.dumps(asked))
        made.append(_example("A question", templates.CURL_CHAT, offer, trust=trust, body=body))
    for model in offer.audio[:1]:
        field = quote.shell(f"model={model.model}")
        made.append(
            _example("Speech to text", templates.CURL_AUDIO, offer, trust=trust, field=field)
        )
    return tuple(made)


def _python(offer: Offer) -> tuple[Example, ...]:
    chat = (
        ("A question", templates.PYTHON_CHAT),
        ("Word by word", templates.PYTHON_STREAM),
    )
    audio = (("Speech to text", templates.PYTHON_AUDIO),)
    trust = templates.PYTHON_TRUST if offer.ca else ""
    return _each(offer, chat, audio, quote.double, trust)


def _langchain(offer: Offer) -> tuple[Example, ...]:
    trust = templates.PYTHON_TRUST if offer.ca else ""
    return _each(offer, (("A question", templates.LANGCHAIN_CHAT),), (), quote.double, trust)


def _javascript(offer: Offer) -> tuple[Example, ...]:
    chat = (
        ("A question", templates.JAVASCRIPT_CHAT),
        ("Word by word", templates.JAVASCRIPT_STREAM),
    )
    audio = (("Speech to text", templates.JAVASCRIPT_AUDIO),)
    trust = "NODE_EXTRA_CA_CERTS=ca.pem " if offer.ca else ""
    return _each(offer, chat, audio, quote.double, trust)


def _powershell(offer: Offer) -> tuple[Example, ...]:
    chat = (("A question", templates.POWERSHELL_CHAT),)
    audio = (("Speech to text", templates.POWERSHELL_AUDIO),)
    trust = "# once: certutil -user -addstore Root ca.pem\n" if offer.ca else ""
    return _each(offer, chat, audio, quote.powershell, trust)


def _open_webui(offer: Offer) -> tuple[Example, ...]:
    if not offer.chat:
        return ()
    # a container's own loopback is not this machine's
    here = address.loopback(offer.origin)
    network = "--network host -e HOST=127.0.0.1 -e PORT=3000" if here else "-p 127.0.0.1:3000:8080"
    trust = templates.OPEN_WEBUI_TRUST if offer.ca else ""
    needs = templates.OPEN_WEBUI_NEEDS if offer.ca else ""
    words = {"network": network, "trust": trust, "needs": needs}
    return (_example("Chat in a browser", templates.OPEN_WEBUI, offer, **words),)


def _continue(offer: Offer) -> tuple[Example, ...]:
    text = templates.CONTINUE
    for model in offer.chat:
        rows = templates.CONTINUE_MODEL
        rows += templates.CONTINUE_CONTEXT if model.context else ""
        rows += templates.CONTINUE_TRUST if offer.ca else ""
        words = {"model": quote.double(model.model), "context": str(model.context)}
        text += _example("", rows, offer, **words).code
    return (Example("~/.continue/config.yaml", text),) if offer.chat else ()


_Template = tuple[str, str]


def _each(
    offer: Offer,
    chat: tuple[_Template, ...],
    audio: tuple[_Template, ...],
    quoted: Callable[[str], str],
    trust: str,
) -> tuple[Example, ...]:
    """Title and text of each, with the first model that can answer it."""
    pairs: list[tuple[_Template, Backend]] = []
    for models, made in ((offer.chat, chat), (offer.audio, audio)):
        pairs += [(template, model) for model in models[:1] for template in made]
    return tuple(
        _example(title, text, offer, model=quoted(model.model), trust=trust)
        for (title, text), model in pairs
    )


def _example(title: str, text: str, offer: Offer, **words: str) -> Example:
    """In one pass: nothing that is filled in is looked at again."""
    known = {"base": offer.base, "key": offer.key, **words}
    return Example(title, _BLANK.sub(lambda found: known[found[1]], text))


CLIENTS = (
    Client("curl", "curl", "#", _curl),
    Client("python", "Python", "#", _python),
    Client("langchain", "LangChain", "#", _langchain),
    Client("javascript", "JavaScript", "//", _javascript),
    Client("powershell", "PowerShell", "#", _powershell),
    Client("open-webui", "Open WebUI", "#", _open_webui),
    Client("continue", "Continue", "#", _continue),
)
