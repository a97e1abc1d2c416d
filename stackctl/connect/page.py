"""The page that the gateway serves at /: the same as `stackctl connect`, for a browser. Static, no
secrets in it, nothing from elsewhere. Pure."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import replace
from html import escape

from stackctl.connect import trust
from stackctl.connect.examples import CLIENTS, Client, Example
from stackctl.connect.offer import FOR, KEY, Offer
from stackctl.connect.page_script import SCRIPT
from stackctl.connect.page_style import STYLE
from stackctl.model.gateway import Backend

_ICON = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#1f5fd0"'
    '/><path d="M10 26V8a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v18" fill="none" stroke="#fff" '
    'stroke-width="2.4"/><path d="M7 26h18" stroke="#fff" stroke-width="2.4" stroke-linecap="round"'
    '/><circle cx="18.6" cy="16.4" r="1.5" fill="#fff"/></svg>'
)
_COPY = '<button type="button" data-copy class="only-script" hidden>Copy</button>'
#: by which the gateway says no, and what then helps
_NO = (
    ("401", "no key, a wrong one, or one that has expired"),
    ("404", "no such model, or your key may not use it; no such path"),
    ("413", "over 4 MiB: name the model in the path, base URL %s/m/MODEL/v1"),
    ("429", "too many requests: wait as long as Retry-After says; SDKs do so by themselves"),
    ("502, 503, 504", "the engine broke off, is down, or silent; try again later"),
)


def page(offer: Offer, ca: str) -> str:
    """`offer.origin`: the address that stands in it until a script puts in the one by which the
    page was opened. `ca`: PEM of the CA that clients have to trust, empty if there is none."""
    by = offer.origin.partition(":")[0]
    icon = base64.b64encode(_icon_file().encode()).decode()
    parts = [
        f'<!doctype html>\n<html lang="en" data-by="{by}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="robots" content="noindex">',
        "<title>Models behind this door</title>",
        f'<link rel="icon" href="data:image/svg+xml;base64,{icon}">',
        f"<style>{STYLE}</style>\n</head>\n<body>",
        f"<header>{_ICON}<div><h1>{_headline(offer)}</h1>"
        '<p class="soft">One address, one key, OpenAI&rsquo;s API: what speaks to OpenAI speaks to '
        "this, with another base URL.</p></div></header>",
        "<main>",
        _facts(offer),
        _models(offer),
        _examples(offer, bool(ca)),
        _trust(ca) if ca else "",
        _refusals(offer),
        "</main>",
        "<footer><p>This page is the same for every key and holds no secret. "
        "Keys come from whoever runs this box: <code>stackctl keys add NAME</code>.</p></footer>",
        f'<script type="module">{SCRIPT}</script>\n</body>\n</html>\n',
    ]
    return "\n".join(parts)


def _headline(offer: Offer) -> str:
    count = len({b.model for b in offer.backends if b.model})
    return (
        f"{count} model{'s' * (count != 1)} behind this door"
        if count
        else "No model behind this door yet"
    )


def _facts(offer: Offer) -> str:
    return (
        "<section><h2>To connect</h2><dl>"
        f'<dt>Base URL</dt><dd><div class="line"><code>{_filled(offer.base, offer)}</code>{_COPY}'
        "</div></dd>"
        '<dt class="only-script" hidden><label for="key">Your key</label></dt>'
        '<dd class="only-script" hidden><div class="line"><input id="key" type="password" '
        f'autocomplete="off" spellcheck="false" placeholder="{KEY}"></div>'
        '<p class="small soft">Goes into the examples below; it stays in this window and is sent '
        "nowhere.</p></dd></dl>"
        '<p class="warn in-the-clear" hidden>You came by plain HTTP: keys and texts can be read on '
        "the way.</p></section>"
    )


def _models(offer: Offer) -> str:
    rows = "".join(_row(backend) for backend in offer.backends)
    if not rows:
        return "<section><h2>Models</h2><p>No engine runs behind the gateway.</p></section>"
    return (
        '<section><h2>Models</h2><div class="table"><table><thead><tr><th>Name</th><th>For</th>'
        '<th class="number">Context</th><th>Other names</th></tr></thead><tbody>'
        f'{rows}</tbody></table></div><p class="small soft">Your key may open only some of them.'
        "</p></section>"
    )


def _row(backend: Backend) -> str:
    what = escape(FOR.get(backend.api, backend.api))
    if not backend.model:
        link = '<a href="/comfyui/">ComfyUI</a>'
        return f'<tr><td>{link}</td><td data-is="For">{what}</td><td></td><td></td></tr>'
    tokens = f"{backend.context:,} tokens" if backend.context else ""
    others = ", ".join(f"<code>{escape(alias)}</code>" for alias in backend.aliases)
    return (
        f"<tr><td><code>{escape(backend.model)}</code></td>"
        f'<td data-is="For">{what}</td>'
        f'<td class="number"{_is("Context", tokens)}>{tokens}</td>'
        f"<td{_is('Other names', others)}>{f'<span>{others}</span>' if others else ''}</td></tr>"
    )


def _is(label: str, content: str) -> str:
    """What a narrow screen writes before a cell."""
    return f' data-is="{label}"' if content else ""


def _examples(offer: Offer, ca: bool) -> str:
    made = [(client, _panel(client, offer, ca)) for client in CLIENTS if client.make(offer)]
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{client.name}" data-name="{client.name}" '
        f'aria-controls="{client.name}-examples" aria-selected="false">{escape(client.title)}'
        "</button>"
        for client, _ in made
    )
    panels = "".join(
        f'<div role="tabpanel" id="{client.name}-examples" aria-labelledby="tab-{client.name}">'
        f'<h3 class="of-tab">{escape(client.title)}</h3>{panel}</div>'
        for client, panel in made
    )
    return (
        "<section><h2>Ready to paste</h2>"
        f'<div role="tablist" aria-label="Clients" class="tabs only-script" hidden>{tabs}</div>'
        f"{panels}</section>"
    )


def _panel(client: Client, offer: Offer, ca: bool) -> str:
    """With the CA for those who came by TLS, without it for the others, once if both are alike."""
    plain = client.make(replace(offer, ca=False))
    secure = client.make(replace(offer, ca=ca))
    return "".join(
        _block(one, offer)
        if one == other
        else f'<div class="http">{_block(one, offer)}</div>'
        f'<div class="https">{_block(other, offer)}</div>'
        for one, other in zip(plain, secure, strict=True)
    )


def _block(example: Example, offer: Offer) -> str:
    code = _filled(example.code.rstrip(), offer)
    return (
        f'<h3>{escape(example.title)}</h3><div class="block"><pre tabindex="0">{code}</pre>{_COPY}'
        "</div>"
    )


def _filled(text: str, offer: Offer) -> str:
    """As HTML, in which the script finds the address and the key."""
    shown = escape(text)
    shown = shown.replace(escape(KEY), f'<span class="key">{escape(KEY)}</span>')
    origin = escape(offer.origin)
    return shown.replace(origin, f'<span class="origin">{origin}</span>')


def _trust(ca: str) -> str:
    der = ssl.PEM_cert_to_DER_cert(ca)
    data = base64.b64encode(ca.encode()).decode()
    finger = trust.colons(hashlib.sha256(der).hexdigest())
    ways = "".join(_way(way) for way in trust.SYSTEMS)
    return (
        '<section class="https"><h2>Trust this gateway</h2>'
        "<p>Its certificate is signed by a CA of its own. Programs can be told to trust it one by "
        "one, as the examples do with <code>ca.pem</code> beside them; or the whole system is.</p>"
        '<p><a class="button main" download="ca.pem" '
        f'href="data:application/x-x509-ca-cert;base64,{data}">Download ca.pem</a></p>'
        '<p class="small soft">Before you trust it, ask the owner of this box for its fingerprint '
        "(<code>stackctl tls show</code>), by another way than this page:<br>"
        f'<span class="mono finger">SHA-256 {finger}</span></p>{ways}</section>'
    )


def _way(way: trust.Way) -> str:
    commands = escape("\n".join(way.commands))
    block = f'<div class="block"><pre tabindex="0">{commands}</pre>{_COPY}</div>'
    words = f'<p class="small soft">{escape(way.words)}</p>' if way.words else ""
    return (
        f"<details><summary>{escape(way.system)}</summary>{block if commands else ''}{words}"
        "</details>"
    )


def _refusals(offer: Offer) -> str:
    rows = "".join(_refusal(status, text, offer) for status, text in _NO)
    return (
        f'<section><h2>When it says no</h2><div class="table"><table>{rows}</table></div></section>'
    )


def _refusal(status: str, text: str, offer: Offer) -> str:
    words = _filled(text.replace("%s", offer.origin), offer)
    return f'<tr><td class="status"><code>{status}</code></td><td><span>{words}</span></td></tr>'


def _icon_file() -> str:
    return _ICON.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
