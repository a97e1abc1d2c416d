from pathlib import Path

import pytest

from tests.unit.setup.fake_box import Box, append, fresh_box

box = pytest.fixture(fresh_box)

# Remembers the label of what it has built; the base image is always there.
DOCKER = r"""
store=STORE
case "$1 $2" in
  "image inspect")
    case "$*" in
      *Labels*) cat "$store/label" 2>/dev/null ;;
      *) cat "$store/base" ;;
    esac ;;
  "buildx build")
    [[ ! -e $store/broken ]] || { echo "no matching distribution"; exit 1; }
    sed 's/.*stackctl.inputs=\([^ ]*\).*/\1/' <<<"$*" >"$store/label" ;;
  "run --rm") [[ ! -e $store/model ]] || cat "$store/model" ;;
esac
"""
# pip: downloads only from PyTorch's own index
PYTHON = r"""
[[ "$*" == *download.pytorch.org* ]] || exit 1
[[ ! -e STORE/offline ]] || { echo "network is unreachable"; exit 1; }
: >"$HOME/.cache/stackctl/wheels/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
"""


@pytest.fixture
def store(box: Box) -> Path:
    folder = box.root / "store"
    folder.mkdir()
    (folder / "base").write_text("111")
    box.program("docker", DOCKER.replace("STORE", str(folder)))
    box.program("python", PYTHON.replace("STORE", str(folder)))
    box.program("uname", "echo x86_64")
    (box.repo / ".venv/bin").mkdir(parents=True)
    (box.repo / ".venv/bin/python").symlink_to(box.root / "bin/python")
    return folder


def builds(box: Box, **environment: str) -> int:
    before = len(box.calls("docker buildx build"))
    done = box.run("pytorch_images.sh", environment=environment)
    assert done.returncode == 0, done.stderr
    return len(box.calls("docker buildx build")) - before


def test_builds_once_from_a_wheel_fetched_once(box: Box, store: Path) -> None:
    assert builds(box) == 1
    (call,) = box.calls("docker buildx build")
    assert f"--build-context wheels={box.root}/.cache/stackctl/wheels " in call
    assert len(box.calls("python")) == 2, "the usual index first, then PyTorch's"
    assert builds(box) == 0
    (store / "label").unlink()
    assert builds(box) == 1
    assert len(box.calls("python")) == 2


def test_builds_again_when_inputs_changed(box: Box, store: Path) -> None:
    builds(box)
    images = box.repo / "compose/images"
    append(images / "cpu-vllm/Dockerfile", "# changed")
    assert builds(box) == 1
    append(images / "common/apt-install", "# changed")
    assert builds(box) == 1
    append(images / "common/devices.sh", "# of no meaning here")
    assert builds(box) == 0
    (store / "base").write_text("222")
    assert builds(box) == 1


def test_says_when_it_wrote_the_model(box: Box, store: Path) -> None:
    builds(box)
    assert box.run("pytorch_images.sh").stdout == ""
    (store / "model").write_text("wrote /out/hub/…")
    assert "wrote a tiny gpt-oss" in box.run("pytorch_images.sh").stdout


@pytest.mark.parametrize("name", ["EXTRA_CA_FILE", "PIP_CERT", "SSL_CERT_FILE"])
def test_trusts_whom_pip_trusts(box: Box, store: Path, name: str) -> None:
    ca = box.root / "ca.pem"
    ca.write_text("certificate")
    builds(box, **{name: str(ca)})
    (call,) = box.calls("docker buildx build")
    assert f"--secret id=extra_ca,src={ca} " in call


def test_no_certificates_no_secret(box: Box, store: Path) -> None:
    builds(box)
    assert not any("--secret" in call for call in box.calls())


def test_unreadable_certificates_are_named(box: Box, store: Path) -> None:
    done = box.run("pytorch_images.sh", environment={"PIP_CERT": "/nowhere/ca.pem"})
    assert done.returncode == 1
    assert "EXTRA_CA_FILE is /nowhere/ca.pem, which cannot be read" in done.stderr
    assert box.calls("docker buildx build") == []


def test_without_pytorch_it_says_where_to_put_it(box: Box, store: Path) -> None:
    (store / "offline").touch()
    done = box.run("pytorch_images.sh")
    assert done.returncode == 1
    assert "network is unreachable" in done.stderr
    assert "torch==2.13.0+cpu is not to be had" in done.stderr
    assert f"{box.root}/.cache/stackctl/wheels" in done.stderr


def test_a_failed_build_shows_its_output_and_is_tried_again(box: Box, store: Path) -> None:
    (store / "broken").touch()
    done = box.run("pytorch_images.sh")
    assert done.returncode == 1
    assert "no matching distribution" in done.stderr
    (store / "broken").unlink()
    assert builds(box) == 1
