import pytest

from tests.unit.setup.fake_box import Box, fresh_box

box = pytest.fixture(fresh_box)

MISSING = 'case "$1 $2" in "image inspect") exit 1;; "pull --quiet") exit CODE;; esac'
NO_REGISTRY = 'case "$1 $2" in "image inspect" | "manifest inspect") exit 1;; esac'
MIRROR = 'echo "http://mirror.example/debian-security/"; echo "http://mirror.example/debian/"'


def test_leaves_an_image_that_is_there(box: Box) -> None:
    box.program("docker", "exit 0")
    done = box.run("base_image.sh")
    assert (done.returncode, done.stdout) == (0, "")
    assert box.calls() == ["docker image inspect debian:forky-slim"]


def test_pulls_where_a_registry_answers(box: Box) -> None:
    box.program("docker", MISSING.replace("CODE", "0"))
    done = box.run("base_image.sh")
    assert done.stdout == "set-up: pulled debian:forky-slim\n"
    assert "docker pull --quiet debian:forky-slim" in box.calls()


def test_builds_it_from_the_mirror_of_this_host(box: Box) -> None:
    box.program("docker", MISSING.replace("CODE", "1"))
    box.program("apt-get", MIRROR)
    box.program("mmdebstrap", "exit 0")
    done = box.run("base_image.sh")
    assert done.returncode == 0, done.stderr
    (call,) = box.calls("mmdebstrap")
    assert call.endswith(" http://mirror.example/debian forky main")
    assert [line for line in box.calls("docker import") if line.endswith(" debian:forky-slim")]


def test_without_root_it_says_what_an_administrator_can_do(box: Box) -> None:
    box.program("docker", MISSING.replace("CODE", "1"))
    box.program("mmdebstrap", "exit 0")
    done = box.run("base_image.sh", as_nobody=True)
    assert done.returncode == 1
    assert f"sudo {box.repo}/setup/base_image.sh" in done.stderr
    assert box.calls("mmdebstrap") == []


def test_a_registry_that_does_not_answer_is_not_waited_for(box: Box) -> None:
    box.program("docker", NO_REGISTRY)
    box.program("apt-get", MIRROR)
    box.program("mmdebstrap", "exit 0")
    assert box.run("base_image.sh").returncode == 0
    assert box.calls("docker pull") == []


def test_without_a_mirror_of_its_own_mmdebstrap_chooses(box: Box) -> None:
    """As on Ubuntu, which has no Debian mirror in its lists."""
    box.program("docker", NO_REGISTRY)
    box.program("mmdebstrap", "exit 0")
    assert box.run("base_image.sh").returncode == 0
    (call,) = box.calls("mmdebstrap")
    assert "deb [" not in call
    assert " forky /" in call


def test_a_mirror_that_fails_is_named(box: Box) -> None:
    box.program("docker", MISSING.replace("CODE", "1"))
    box.program("apt-get", MIRROR)
    box.program("mmdebstrap", "echo 'E: download failed' >&2; exit 25")
    done = box.run("base_image.sh")
    assert done.returncode == 1
    assert "E: download failed" in done.stderr
    assert "curl -I http://mirror.example/debian/dists/forky/Release" in done.stderr
    assert box.calls("docker import") == []
