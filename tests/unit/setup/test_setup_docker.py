import pytest

from tests.unit.setup.fake_box import Box, fresh_box

box = pytest.fixture(fresh_box)

GOOD = "28.5.2+dfsg4|buildx=0.29.1+ds1|compose=2.40.3-3"
# as the client does it: the plugins on stdout, what hinders it on stderr
NO_DAEMON = """
echo '|buildx=0.29.1|compose=2.40.3'
echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2
exit 1"""
FORBIDDEN = NO_DAEMON.replace("Cannot connect", "permission denied while trying to connect")


@pytest.mark.parametrize(
    ("have", "want", "fine"),
    [
        ("28.5.2+dfsg4", "28.2", True),
        ("28.2", "28.2", True),
        ("v2.24.4", "2.24.4", True),
        ("2.40.3-desktop.1", "2.24.4", True),
        ("29.0.0-rc.1", "28.2", True),
        ("2.9.0", "2.24.4", False),
        ("20.10.24+dfsg1", "28.2", False),
        ("", "28.2", False),
        ("(none)", "28.2", False),
    ],
)
def test_versions_compare_by_number(box: Box, have: str, want: str, fine: bool) -> None:
    done = box.bash(f"source ./lib.sh; at_least '{have}' {want} && echo yes || echo no")
    assert done.stdout == ("yes\n" if fine else "no\n"), done.stderr


def test_does_and_says_nothing_when_all_is_there(box: Box) -> None:
    box.program("docker", f"echo '{GOOD}'")
    done = box.run("docker.sh", as_nobody=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (call,) = box.calls()
    assert call.startswith("docker info")


@pytest.mark.parametrize(
    "answer",
    [
        GOOD.replace("28.5.2", "28.1.9"),
        GOOD.replace("2.40.3", "2.24.3"),
        GOOD.split("|compose")[0],
        "28.5.2|compose=2.40.3",
        GOOD[GOOD.index("|") :],
    ],
)
def test_check_tells_that_something_is_needed(box: Box, answer: str) -> None:
    box.program("docker", f"echo '{answer}'")
    assert box.run("docker.sh", "--check").returncode == 1
    box.program("docker", f"echo '{GOOD}'")
    assert box.run("docker.sh", "--check").returncode == 0


def test_leaves_an_old_engine_alone_and_says_how_to_replace_it(box: Box) -> None:
    box.program("docker", "echo '27.0.3|compose=2.40.3|buildx=0.29'")
    box.program("apt-get", "exit 0")
    done = box.run("docker.sh")
    assert done.returncode == 1
    assert "Docker 27.0.3 is too old: 28.2 or newer is needed" in done.stderr
    assert "setup/docker.sh --upgrade" in done.stderr
    assert box.calls("apt-get") == []


def test_explains_a_daemon_that_this_user_may_not_use(box: Box) -> None:
    box.program("docker", FORBIDDEN)
    done = box.run("docker.sh", as_nobody=True)
    assert done.returncode == 1
    assert "sudo usermod -aG docker" in done.stderr


def test_does_not_start_a_local_daemon_for_a_remote_one(box: Box) -> None:
    box.program("docker", NO_DAEMON)
    done = box.run("docker.sh", environment={"DOCKER_HOST": "ssh://elsewhere"})
    assert done.returncode == 1
    assert "DOCKER_HOST is set to ssh://elsewhere" in done.stderr


def test_without_root_it_names_the_commands_for_an_administrator(box: Box) -> None:
    box.program("apt-get", "exit 0")
    done = box.run("docker.sh", as_nobody=True)
    assert done.returncode == 1
    assert "may not become root" in done.stderr
    assert f"sudo {box.repo}/setup/docker.sh" in done.stderr
    assert box.calls("apt-get") == []


def test_without_root_a_daemon_that_does_not_run_is_for_an_administrator(box: Box) -> None:
    box.program("docker", NO_DAEMON)
    box.program("dockerd", "echo 'Docker version 28.5.2+dfsg4, build deadbeef'")
    done = box.run("docker.sh", as_nobody=True)
    assert done.returncode == 1
    assert "the Docker daemon does not run, and this user may not start it" in done.stderr
    assert f"sudo {box.repo}/setup/docker.sh" in done.stderr


def test_without_apt_it_points_to_the_manual(box: Box) -> None:
    done = box.run("docker.sh")
    assert done.returncode == 1
    assert "https://docs.docker.com/engine/install/" in done.stderr


CASES = {
    "debian, Docker's repository": ("debian", "12", "docker-ce", True, "20.10.24", "1.29.2", ""),
    "debian 12": ("debian", "12", "forky", False, "20.10.24", "1.29.2", ""),
    "debian 13": ("debian", "13", "forky", False, "26.1.5", "2.26.1", ""),
    "debian 14": ("debian", "14", "own", False, "28.5.2", "2.40.3", ""),
    "ubuntu": ("ubuntu", "24.04", "own", False, "28.2.2", "2.37.1", ""),
    "ubuntu, Docker's repository": ("ubuntu", "24.04", "docker-ce", True, "28.2.2", "2.37.1", ""),
    "old ubuntu": ("ubuntu", "20.04", "nothing", False, "26.1.3", "2.20.2", ""),
    "docker-ce is there": ("debian", "12", "docker-ce", False, "20.10.24", "1.29.2", "docker-ce"),
    "docker.io is there": ("ubuntu", "24.04", "own", True, "28.2.2", "2.37.1", "docker.io"),
    "another system": ("fedora", "43", "nothing", True, "", "", ""),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_chooses_where_packages_come_from(
    box: Box, case: tuple[str, str, str, bool, str, str, str]
) -> None:
    system, version, expected, repository, engine, compose, installed = case
    compose_name = "docker-compose-v2" if system == "ubuntu" else "docker-compose"
    release = box.root / "os-release"
    release.write_text(f'ID={system}\nVERSION_ID="{version}"\nVERSION_CODENAME=name\n')
    box.program("curl", "exit 0" if repository else "exit 6")
    box.program("dpkg-query", f'[[ "${{@: -1}}" == "{installed}" ]] && echo "install ok installed"')
    box.program(
        "apt-cache",
        f"case $2 in docker.io) v=1:{engine}+dfsg-1;; {compose_name}) v={compose}-1;; esac;"
        'printf "%s:\\n  Candidate: %s\\n" "$2" "${v:-(none)}"',
    )
    done = box.bash(
        "ENGINE_WANTED=28.2 COMPOSE_WANTED=2.24.4 source_kind=;"
        "source ./lib.sh; source ./docker_packages.sh;"
        "choose_source || { echo nothing; exit; };"
        'printf "%s\\n" "$source_kind" "${package_of[compose]}"',
        OS_RELEASE=str(release),
    )
    kind, *packages = done.stdout.splitlines()
    assert kind == expected, done.stderr
    if kind != "nothing":
        assert packages == ["docker-compose-plugin" if kind == "docker-ce" else compose_name]
