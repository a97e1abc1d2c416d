"""Pages of reports in a real browser: as wide as it, without a script, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stackctl.bench import page as bench
from stackctl.proofs.context import page as context
from tests.integration.gateway.browser.chromium import Browser, build, chromium
from tests.unit.stackctl.bench import samples
from tests.unit.stackctl.proofs.test_context_verdict import step, way

pytestmark = pytest.mark.docker
ADDRESS = "http://report.example/"
LOST = (True, False, False, True, True)
PAGES = {
    "bench": bench.page(
        samples.result(*(samples.measured(number).runs[0] for number in (1, 2, 3)))
    ),
    "context": context.page([way(step(10), step(100, counted=65536, found=LOST))], "now"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if why := build():
        pytest.skip(f"no image with a browser can be built here: {why}")
    with chromium("none") as opened:
        opened.script(on=False)
        yield opened


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_it_fits(browser: Browser, name: str, width: int) -> None:
    browser.pages = {ADDRESS: PAGES[name]}
    browser.open(ADDRESS, size=(width, 800))
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    narrowest = "Math.min(...[...document.querySelectorAll('figure')].map(f => f.clientWidth))"
    assert browser.evaluate(narrowest) >= min(width, 340) * 0.8
    assert browser.requests() == [ADDRESS]
    assert browser.complaints() == []


def test_it_is_dark_where_the_reader_is_and_light_on_paper(browser: Browser) -> None:
    browser.pages = {ADDRESS: PAGES["context"]}
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    seen = []
    for media in ("screen", "print"):
        browser.call("Emulation.setEmulatedMedia", media=media, features=dark)
        browser.open(ADDRESS)
        seen.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == ["rgb(13, 17, 23)", "rgb(255, 255, 255)"]
