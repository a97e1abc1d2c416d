"""The command line: help, usage errors, the error boundary, poor terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from stackctl import __main__ as entry
from stackctl import __version__, cli
from stackctl.model import StackError

VERBS = ("up", "down", "restart", "status", "logs", "verify")


@pytest.mark.parametrize("verb", ["", *VERBS, "connect"])
def test_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run([verb, "--help"] if verb else ["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "Exit codes: 0 fine" in out
    assert out.isascii()
    if not verb:
        assert all(name in out for name in VERBS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"stackctl {__version__}\n"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nosuch"],
        ["up", "--nosuch"],
        ["up", "--timeout", "0"],
        ["up", "--timeout", "soon"],
        ["logs", "-n", "-1"],
        ["status", "main"],
    ],
)
def test_usage_errors_end_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(argv)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def python(
    code: str, env: Mapping[str, str] | None = None, *argv: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *argv],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=10,
        check=False,
    )


BOUNDARY = """
import sys
from stackctl import __main__, cli
from stackctl.model import StackError
def run(argv):
    {body}
cli.run = run
sys.exit(__main__.main(["status"]))
"""


def test_a_bug_ends_with_3_and_a_report(tmp_path: object) -> None:
    done = python(BOUNDARY.format(body="1 / 0"), {"TMPDIR": str(tmp_path)})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    path = done.stderr.split("report it with ")[1].strip()
    assert path.startswith(str(tmp_path))
    with open(path) as file:
        assert "ZeroDivisionError: division by zero" in file.read()


@pytest.mark.parametrize("code", [1, 2])
def test_an_explained_failure_ends_as_it_says(code: int) -> None:
    body = f"raise StackError('no GPU', fix='modprobe nvidia', exit_code={code})"
    done = python(BOUNDARY.format(body=body))
    assert done.returncode == code
    assert done.stderr == "error: no GPU\n  fix: modprobe nvidia\n"


def test_an_interrupt_ends_with_130_even_while_a_thread_waits() -> None:
    body = (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); "
        "print('begun'); raise KeyboardInterrupt"
    )
    done = python(BOUNDARY.format(body=body))
    assert done.returncode == 130
    assert done.stdout == "begun\n"
    assert "what runs keeps running" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_gone_is_no_error() -> None:
    body = "sys.stdout.write('x' * 100000); raise BrokenPipeError"
    done = python(BOUNDARY.format(body=body))
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["cp949", "ascii", "latin-1"])
def test_a_terminal_that_cannot_show_a_name(encoding: str) -> None:
    """A model's name or a log line may hold anything."""
    body = "print('\\u2713 mod\\u00e8le \\U0001f600'); raise StackError('\\u2713 \\u00e8')"
    done = python(BOUNDARY.format(body=body), {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert done.returncode == 1
    assert "\\U0001f600" in done.stdout
    assert "error: " in done.stderr


@pytest.mark.parametrize("encoding", ["cp949", "ascii"])
def test_the_list_of_checks_on_a_poor_terminal(encoding: str) -> None:
    code = "import sys; from stackctl.__main__ import main; sys.exit(main())"
    done = python(code, {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, "verify", "--list")
    assert done.returncode == 0, done.stderr
    assert "engine.on-gpu" in done.stdout


def test_help_is_instant_because_it_imports_nothing() -> None:
    code = (
        "import sys\nfrom stackctl import cli\n"
        "try:\n    cli.run(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    done = python(code)
    loaded = set(done.stderr.replace("'", "").strip("[]\n").split(", "))
    assert "stackctl.cli" in loaded
    heavy = {"docker", "rich", "requests", "yaml", "dotenv", "pynvml", "dataclasses"}
    assert heavy & loaded == set()
    ours = {m for m in loaded if m.startswith("stackctl")}
    assert {m for m in ours if not m.startswith("stackctl.cli")} == {"stackctl"}


def test_every_verb_reaches_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from stackctl.commands import down, status, up, verify

    calls: list[str] = []

    def fake(name: str, code: int) -> object:
        def call(*_args: object, **options: object) -> int:
            calls.append(name + ("+recreate" if options.get("recreate") else ""))
            return code

        return call

    for module, name in (
        (up, "up"),
        (down, "down"),
        (down, "logs"),
        (status, "status"),
        (verify, "verify"),
        (verify, "list_checks"),
    ):
        monkeypatch.setattr(module, name, fake(name, 1))
    for argv in (*([v] for v in VERBS), ["verify", "--list"]):
        assert cli.run(argv) == 1
    assert calls == ["up", "down", "up+recreate", "status", "logs", "verify", "list_checks"]


def test_the_boundary_passes_results_through(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def reconfigure(self, **_options: str) -> None:
            pass

        def write(self, _text: str) -> int:
            return 0

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stdout", Stream())
    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.setattr(cli, "run", lambda _argv: 1)
    assert entry.main(["verify"]) == 1

    def refuse(_argv: object) -> int:
        raise StackError("x", exit_code=2)

    monkeypatch.setattr(cli, "run", refuse)
    assert entry.main(["verify"]) == 2
