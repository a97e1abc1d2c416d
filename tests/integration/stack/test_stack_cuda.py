"""CUDA that fails under a running stack: healed where a new container helps, else explained and
left alone; and an image whose tag moved, which is told on the next failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.stack.box import ROLES, Box, docker, gpusim
from tests.integration.stack.spoil import cuda_inside
from tests.integration.stack.watching import changed, forgotten, started, timer

pytestmark = [pytest.mark.docker, pytest.mark.stack]


@pytest.fixture
def watched(stack: Box) -> Iterator[Box]:
    """The running stack, of which nothing is remembered."""
    with forgotten(stack):
        yield stack


def test_cuda_that_fails_in_one_container_is_healed(watched: Box) -> None:
    before = started(watched)
    cuda_inside(watched, "coder")
    (finding,) = [f for f in watched.verify().findings if f["severity"] == "error"]
    assert (finding["check"], finding["subject"]) == ("gpu.cuda", "coder")
    assert finding["cause"].startswith("CUDA works on the host")
    first = timer(watched)
    assert "coder: not healed: seen for the first time" in first.out
    second = timer(watched)
    assert second.code == 0, second.text
    assert "coder: recreated, as CUDA fails in it" in second.out
    assert changed(watched, before) == {"coder"}


def test_cuda_that_fails_on_the_host_is_explained_and_left(watched: Box) -> None:
    """More runs than a healer has attempts."""
    before = started(watched)
    gpusim("fault", "cuda-999")
    said = [timer(watched) for _ in range(4)]
    assert {result.code for result in said} == {1}
    for role in ROLES:
        assert f"{role}: not healed: CUDA fails on the host as well" in said[-1].out
    assert "nvidia-modprobe" in said[-1].out
    assert "heal.breaker" not in said[-1].out
    assert started(watched) == before
    gpusim("clear")
    assert timer(watched).code == 0
    assert started(watched) == before


@pytest.fixture
def moved(watched: Box) -> Iterator[str]:
    """A tag of one's own for the image of coder, which then means another one."""
    tag = f"{watched.project}-moved:1"
    image = watched.inspect("coder")["Config"]["Image"]
    docker("tag", image, tag)
    watched.replace("compose/engines/llama-cpp.yaml", "image: ", f"image: {tag} # ")
    yield tag
    gpusim("clear")
    watched.restore_files()
    assert watched.stackctl("up", "coder").code == 0
    docker("rmi", tag)  # of which there is no container any more, or its image would stay


def test_a_tag_that_moved_is_told_on_the_next_failure(watched: Box, moved: str) -> None:
    assert watched.stackctl("up", "coder").code == 0
    assert timer(watched).code == 0
    old = watched.inspect("coder")["Image"]
    docker("commit", "--change", "LABEL moved=1", watched.container("coder"), moved)
    assert watched.stackctl("restart", "coder").code == 0
    new = watched.inspect("coder")["Image"]
    assert new != old
    gpusim("fault", "cgroup-denied", "--container", watched.container("coder"))
    said = timer(watched).out
    line = f"image of coder: tag {moved}, now {new[:19]}, before {old[:19]}"
    assert said.index(line) < said.index("ERROR  coder")
