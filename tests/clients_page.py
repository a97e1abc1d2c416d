"""Writes the examples into docs/clients.md, as `stackctl connect` prints them:
`python -m tests.clients_page`. What stands above the mark is written by hand and kept."""

from __future__ import annotations

from pathlib import Path

from stackctl.connect.examples import CLIENTS
from stackctl.connect.offer import Offer
from stackctl.model.gateway import Backend

PAGE = Path(__file__).parent.parent / "docs" / "clients.md"
MARK = "<!-- below: written by `python -m tests.clients_page` from stackctl/connect -->\n"
_LANGUAGE = {
    "curl": "sh",
    "python": "python",
    "langchain": "python",
    "javascript": "js",
    "powershell": "powershell",
    "open-webui": "sh",
    "continue": "yaml",
}
_OFFER = Offer(
    "https://192.168.1.20:8443",
    (
        Backend("coder", "gpt-oss-20b", (), context=131072),
        Backend("audio", "whisper-large-v3", (), api="audio"),
    ),
    ca=True,
)


def page() -> str:
    """The whole page: what was written by hand, and the examples after it."""
    by_hand, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE} has lost its mark: {MARK}"
    parts = [by_hand + MARK]
    for client in CLIENTS:
        parts.append(f"## {client.title}\n")
        for example in client.make(_OFFER):
            fence = f"```{_LANGUAGE[client.name]}\n{example.code}```\n"
            parts.append(f"{example.title}:\n\n{fence}")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
