import pytest

from tests.unit.setup.fake_box import Box, append, fresh_box

box = pytest.fixture(fresh_box)

# Makes what `python -m venv` makes, as far as the script looks.
PYTHON = r"""
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"
    cat >"$3/bin/python" <<'PIP'
#!/bin/bash
echo "pip $* ca=${PIP_CERT:-none}" >>CALLS
[[ ! -e BROKEN ]] || { echo "no such version"; exit 1; }
PIP
    printf '#!/bin/bash\n' >"$3/bin/stackctl"
    chmod +x "$3/bin/python" "$3/bin/stackctl" ;;
  --version) echo "Python 3.11.7" ;;
esac
"""


@pytest.fixture(autouse=True)
def python(box: Box) -> None:
    body = PYTHON.replace("CALLS", f"{box.root}/calls").replace("BROKEN", f"{box.root}/broken")
    box.program("python3", body)


def test_installs_once_and_again_when_the_project_changed(box: Box) -> None:
    done = box.run("venv.sh")
    assert done.returncode == 0, done.stderr
    assert "making .venv with Python 3.11.7" in done.stdout
    assert len(box.calls("pip -m pip install")) == 1
    assert box.run("venv.sh").stdout == ""
    append(box.repo / "pyproject.toml", "# changed")
    assert box.run("venv.sh").returncode == 0
    assert len(box.calls("pip -m pip install")) == 2


def test_a_failed_install_is_not_taken_for_done(box: Box) -> None:
    (box.root / "broken").touch()
    done = box.run("venv.sh")
    assert done.returncode == 1
    assert "no such version" in done.stderr
    assert "EXTRA_CA_FILE=" in done.stderr
    (box.root / "broken").unlink()
    assert box.run("venv.sh").returncode == 0
    assert len(box.calls("pip -m pip install")) == 2


def test_says_which_python_is_needed(box: Box) -> None:
    box.program("python3", 'case $1 in -c) exit 1;; --version) echo "Python 3.9.2";; esac')
    done = box.run("venv.sh")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; here is Python 3.9.2" in done.stderr


def test_pip_trusts_the_extra_certificates(box: Box) -> None:
    ca = box.root / "ca.pem"
    ca.write_text("certificates")
    (box.repo / "env").mkdir(exist_ok=True)
    (box.repo / "env" / "stack.env").write_text(f"EXTRA_CA_FILE={ca}\n")
    assert box.run("venv.sh").returncode == 0
    assert box.calls("pip -m pip install")[0].endswith(f"ca={ca}")


def test_installs_python_where_there_is_none(box: Box) -> None:
    python = box.root / "bin" / "python3"
    kept = python.rename(box.root / "python3")
    copied = f"cat {kept} >{python}; chmod +x {python}"
    box.program("apt-get", f'if [[ "$*" == *install* ]]; then {copied}; fi')
    done = box.run("venv.sh")
    assert done.returncode == 0, done.stderr
    assert "installing for the virtual environment: python3 python3-venv" in done.stdout
    assert len(box.calls("pip -m pip install")) == 1
