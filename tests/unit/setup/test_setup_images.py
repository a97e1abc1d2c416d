from pathlib import Path

import pytest

from tests.unit.setup.fake_box import Box, append, fresh_box

box = pytest.fixture(fresh_box)

NAMES = ("sim-llama-cpp", "sim-whisper", "sim-comfyui", "sim-haproxy", "tools")

# Remembers the labels of what it has built; the base image is always there.
DOCKER = r"""
store=STORE
case "$1 $2" in
  "image inspect")
    [[ "$*" == *RepoTags* ]] || exit 0
    echo '["debian:forky-slim"] null sha256:'"$(cat "$store/base")"
    for file in "$store"/*.label; do
      [[ -e $file ]] || continue
      printf '["stackctl/%s:1"] {"stackctl.inputs":"%s"} sha256:abc\n' \
        "$(basename "$file" .label)" "$(cat "$file")"
    done ;;
  "buildx build")
    [[ ! -e $store/broken ]] || { echo "cannot find package"; exit 1; }
    name=$(sed 's,.*--tag stackctl/\([^:]*\):1.*,\1,' <<<"$*")
    sed 's/.*stackctl.inputs=\([^ ]*\).*/\1/' <<<"$*" >"$store/$name.label" ;;
esac
"""


@pytest.fixture
def store(box: Box) -> Path:
    folder = box.root / "store"
    folder.mkdir()
    (folder / "base").write_text("111")
    box.program("docker", DOCKER.replace("STORE", str(folder)))
    return folder


def built(box: Box, **environment: str) -> list[str]:
    """Names of the images that one run builds."""
    before = len(box.calls("docker buildx build"))
    done = box.run("images.sh", environment=environment)
    assert done.returncode == 0, done.stderr
    calls = box.calls("docker buildx build")[before:]
    return [name for call in calls for name in NAMES if f"--tag stackctl/{name}:1 " in call]


def test_builds_each_image_once(box: Box, store: Path) -> None:
    assert built(box) == list(NAMES)
    assert built(box) == []
    assert box.run("images.sh").stdout == ""


def test_builds_again_only_what_changed(box: Box, store: Path) -> None:
    built(box)
    images = box.repo / "compose/images"
    append(images / "sim-whisper/Dockerfile", "# changed")
    assert built(box) == ["sim-whisper"]
    (images / "sim-comfyui/standin/new.py").write_text("")
    assert built(box) == ["sim-comfyui"]
    append(images / "common/devices.sh", "# changed")
    assert built(box) == list(NAMES)
    (store / "base").write_text("222")
    assert built(box) == list(NAMES)


def test_caches_of_tools_are_no_inputs(box: Box, store: Path) -> None:
    built(box)
    for name in ("__pycache__/x.pyc", ".mypy_cache/x.json"):
        path = box.repo / "compose/images/sim-comfyui/standin" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert built(box) == []


def test_a_failed_build_shows_its_output_and_is_tried_again(box: Box, store: Path) -> None:
    (store / "broken").touch()
    done = box.run("images.sh")
    assert done.returncode == 1
    assert "cannot find package" in done.stderr
    assert "stackctl/sim-llama-cpp:1 could not be built" in done.stderr
    (store / "broken").unlink()
    assert built(box) == list(NAMES)


@pytest.mark.parametrize("place", ["environment", "stack.env"])
def test_extra_certificates_are_a_secret_of_the_build(box: Box, store: Path, place: str) -> None:
    ca = box.root / "ca.pem"
    ca.write_text("certificate")
    if place == "environment":
        built(box, EXTRA_CA_FILE=str(ca))
    else:
        (box.repo / "env/stack.env").write_text(f'#EXTRA_CA_FILE=/no\nEXTRA_CA_FILE="{ca}"\n')
        built(box)
    calls = box.calls("docker buildx build")
    assert len(calls) == len(NAMES)
    assert all(f"--secret id=extra_ca,src={ca} " in call for call in calls)


def test_no_certificates_no_secret(box: Box, store: Path) -> None:
    built(box)
    assert not any("--secret" in call for call in box.calls())


def test_unreadable_certificates_are_named(box: Box, store: Path) -> None:
    done = box.run("images.sh", environment={"EXTRA_CA_FILE": "/nowhere/ca.pem"})
    assert done.returncode == 1
    assert "EXTRA_CA_FILE is /nowhere/ca.pem, which cannot be read" in done.stderr
    assert box.calls("docker buildx build") == []
