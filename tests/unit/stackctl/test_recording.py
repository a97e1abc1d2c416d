"""Where a run is remembered and who is told: knobs of which two are secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl import settings
from stackctl.model import StackError

URLS = "json://u:hunter2@host.lan ntfy://hunter2"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key in (*settings.ADDRESSES, settings.METRICS_FILE):
        monkeypatch.delenv(key, raising=False)
    (tmp_path / "env").mkdir()
    return tmp_path


def test_nothing_is_told_to_nobody(clone: Path) -> None:
    assert settings.recording(clone) == settings.Recording(clone / ".stackctl")


def test_from_the_file_and_over_it_the_environment(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "env/stack.env").write_text(
        f"STACKCTL_ALERT_URLS={URLS}\nSTACKCTL_PING_URL=https://hc/x\nSTACKCTL_METRICS_FILE=m.prom\n"
    )
    found = settings.recording(clone)
    assert found.alert_urls == tuple(URLS.split())
    assert (found.ping_url, found.metrics_file) == ("https://hc/x", clone / "m.prom")
    assert "hunter2" not in repr(found)
    monkeypatch.setenv("STACKCTL_ALERT_URLS", "")
    monkeypatch.setenv("STACKCTL_METRICS_FILE", "/var/m.prom")
    found = settings.recording(clone)
    assert (found.alert_urls, found.metrics_file) == ((), Path("/var/m.prom"))


@pytest.mark.parametrize("line", [f"STACKCTL_ALERT_URLS={URLS}$", f'STACKCTL_PING_URL="{URLS}'])
def test_a_mistake_does_not_show_the_secret(clone: Path, line: str) -> None:
    (clone / "env/stack.env").write_text(f"MAIN_PORT=1\n{line}\n")
    with pytest.raises(StackError) as told:
        settings.recording(clone)
    assert "hunter2" not in told.value.message + told.value.fix
    assert "stack.env:2" in told.value.message
    assert "STACKCTL_" in told.value.message


def test_nor_does_one_of_the_environment(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCTL_PING_URL", "https://hunter2$")
    with pytest.raises(StackError) as told:
        settings.recording(clone)
    assert "hunter2" not in told.value.message
