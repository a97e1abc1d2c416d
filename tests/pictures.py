"""Draws the pictures of the documentation: `python -m tests.pictures`, in about seven minutes.

A simulated stack is brought up, and a real browser draws its real reports. The page at / is shown
as if it came from another machine; nothing else is typed in.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.integration.gateway.browser.chromium import Browser, build, chromium
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import Box, box, free_ports, gpusim

FOLDER = Path(__file__).parent.parent / "docs" / "images"
PORTS = ("GATEWAY_PORT", "GATEWAY_HTTP_PORT", "GATEWAY_ACME_PORT", "GATEWAY_METRICS_PORT")
WIDTH = 960
#: where the page at / is said to be
ADDRESS = "https://192.168.1.20:8443/#python"
#: tokens: a real engine reads them on two cores
CONTEXT = 8192
#: seconds for one report
PATIENCE = 600.0
NO_PARSER = "--no-jinja --chat-template chatml"
#: what the model is rigged to get right
CASES = ("single", "stream", "required", "named", "responses")
#: settings that a llama.cpp of any size has
SPACE = """
[objective]
maximise = "throughput"
[load]
input = 128
output = 64
concurrency = [1, 4]
requests = 32
[[settings]]
name = "ubatch-size"
values = [64, 256]
[[settings]]
name = "max-num-seqs"
values = [2, 4]
[[settings]]
name = "flash-attention"
values = [false]
"""
#: what an owner may have set against a lack of memory, and forgotten
FORGOTTEN = "--ubatch-size 16"
#: glyphs of 8 whole pixels each, which PNG finds again and again
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #0d1117; color: #e6edf3; }
pre { margin: 0; padding: 18px 22px; font: 13.289px/20px "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; } b { color: #7ee787; } </style><pre>"""


@dataclass(frozen=True)
class Picture:
    """What is drawn, down to the end of the first element that `until` selects."""

    name: str
    page: str
    until: str = "body"
    address: str = "http://report.example/"


def main() -> int:
    """1 if there is no browser."""
    if why := build():
        print(f"no image with a browser can be built here: {why}", file=sys.stderr)
        return 1
    gpusim("install")
    with TemporaryDirectory() as folder:
        with healthy_gpus(), box(Path(folder)) as made:
            pictures = list(reports(made))
        with chromium("none") as browser:
            for picture in pictures:
                draw(browser, picture)
    return 0


def reports(made: Box) -> Iterator[Picture]:
    """Of a stack of its own."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    fixed: dict[str, str | int] = {"COMPOSE_PROFILES": "main,coder,audio,image,gateway", **ports}
    made.settings(**fixed)
    run(made, "up")
    added = made.stackctl("keys", "add", "pictures", "--json")
    url = f"http://127.0.0.1:{ports['GATEWAY_HTTP_PORT']}/"
    shown = requests.get(url, auth=("any", json.loads(added.out)["key"]), timeout=30)
    yield Picture("connect", shown.text, "[role=tabpanel]:not([hidden]) pre", ADDRESS)

    page = made.home.parent / "page.html"
    run(made, "bench", "main", "coder", "--most", "8", "--html", str(page))
    yield Picture("bench", page.read_text(encoding="utf-8"), ".plots")
    words = ("prove", "tools", "coder", "--times", "20")
    good = run(made, *words, *(word for case in CASES for word in ("--case", case)))

    made.settings(**fixed, CODER_CONTEXT=CONTEXT)
    run(made, "up", "coder")
    run(made, "prove", "context", "coder", "--plot", str(page))
    yield Picture("context", page.read_text(encoding="utf-8"))

    made.settings(**fixed, CODER_ARGS=NO_PARSER)
    run(made, "up", "coder")
    bad = run(made, *words, "--case", "single", code=1, tail=8)
    setting = f"<b># env/stack.env: CODER_ARGS={NO_PARSER}</b>\n"
    yield Picture("tools", f"{TERMINAL}{good}\n{setting}{bad}</pre>", "pre")

    made.settings(**fixed, CODER_ARGS=FORGOTTEN)
    run(made, "up", "coder")
    yield tuned(made)


def tuned(made: Box) -> Picture:
    """Of a coder that is up."""
    space = made.home / "space.toml"
    space.write_text(SPACE, encoding="utf-8")
    run(made, "tune", "coder", "--space", str(space))
    page = made.home / ".stackctl" / "tune" / "coder" / "tune.html"
    return Picture("tune", page.read_text(encoding="utf-8"), ".plots > :nth-child(2)")


def run(made: Box, *words: str, code: int = 0, tail: int = 0) -> str:
    """The command and what it prints, or the last lines of that, as HTML."""
    done = made.stackctl(*words, timeout=PATIENCE)
    assert done.code == code, done.text
    piped = f" | tail -n {tail}" if tail else ""
    told = "".join(done.out.splitlines(keepends=True)[-tail:])
    return f"<b>$ {escape(shlex.join(('stackctl', *words)))}{piped}</b>\n{escape(told)}"


def draw(browser: Browser, picture: Picture) -> None:
    browser.pages = {picture.address.partition("#")[0]: picture.page}
    browser.call("Emulation.setScrollbarsHidden", hidden=True)
    browser.open(picture.address, size=(WIDTH, 800))
    bottom = browser.evaluate(
        f"document.querySelector({picture.until!r}).getBoundingClientRect().bottom"
    )
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": round(bottom + 16), "scale": 1}
    path = FOLDER / f"{picture.name}.png"
    path.write_bytes(browser.picture(clip=clip))
    print(f"{path.name}: {path.stat().st_size // 1000} KB")


if __name__ == "__main__":
    sys.exit(main())
