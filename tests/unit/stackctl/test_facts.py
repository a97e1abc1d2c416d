"""nvidia-smi's words inside a container, and the model files on the host."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl import facts
from stackctl.facts import models
from stackctl.model import (
    Algorithm,
    Damage,
    Digest,
    LockedFile,
    LockedModel,
    Mount,
    SeenGpu,
    Service,
    Unavailable,
)
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.models.verdict import Verdict
from stackctl.system.hashing import stamp_of
from stackctl.system.store import Store
from tests.hub import make
from tests.unit.stackctl.box import MAIN, uuid

FAILED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n"
)
LOST = (
    "Unable to determine the device handle for GPU 0000:1B:00.0: GPU is lost.  Reboot the system "
    "to recover this GPU\n"
)


def test_gpus() -> None:
    output = f"{uuid(0)}, Quadro RTX 8000\n{uuid(1)}, NVIDIA X, Y\n"
    assert facts.read_smi(0, output) == (
        SeenGpu(uuid(0), "Quadro RTX 8000"),
        SeenGpu(uuid(1), "NVIDIA X, Y"),
    )


@pytest.mark.parametrize(
    ("code", "output", "reason", "kind"),
    [
        (255, "Failed to initialize NVML: Unknown Error\n", "Unknown Error", "smi:255"),
        (4, "Failed to initialize NVML: Insufficient Permissions\n", "Permissions", "smi:4"),
        (9, FAILED, "couldn't communicate", "smi:9"),
        (
            18,
            "Failed to initialize NVML: Driver/library version mismatch\n"
            "NVML library version: 535.183\n",
            "version mismatch",
            "smi:18",
        ),
        (6, "No devices were found\n", "No devices were found", "smi:6"),
        (15, LOST, "GPU is lost", "smi:15"),
        (1, "", "nvidia-smi ended with 1", "smi:1"),
        (124, "", "did not end in time", "hung"),
        (137, "", "did not end in time", "hung"),
        (127, "timeout: failed to run command 'nvidia-smi': No such file\n", "failed", "no-smi"),
        (126, "", "nvidia-smi not found", "no-smi"),
        (
            1,
            'OCI runtime exec failed: exec: "nvidia-smi": executable file not found in $PATH',
            "not found in $PATH",
            "no-smi",
        ),
    ],
)
def test_no_gpus(code: int, output: str, reason: str, kind: str) -> None:
    found = facts.read_smi(code, output)
    assert isinstance(found, Unavailable)
    assert reason in found.reason
    assert found.code == kind


def test_the_gpus_that_are_left_beside_a_lost_one() -> None:
    output = LOST + f"{uuid(0)}, Quadro RTX 8000\n"
    assert facts.read_smi(15, output) == (SeenGpu(uuid(0), "Quadro RTX 8000"),)


def test_no_gpu_and_no_error_is_no_gpu() -> None:
    assert facts.read_smi(0, "") == ()


def test_a_model_is_looked_for_where_its_mount_says(tmp_path: Path) -> None:
    mount = Mount(str(tmp_path), "/models", True)
    service = replace(MAIN, engine="llama-cpp", model="tiny", mounts=(mount,))
    path = tmp_path / "llama-cpp" / "tiny.gguf"
    assert facts.model_on_host(service) == str(path)
    missing = facts.missing_model(service)
    assert missing
    assert (missing.service, missing.path) == ("main", str(path))
    assert missing.fetch == "stackctl models pull main"
    path.parent.mkdir()
    path.touch()
    assert facts.missing_model(service) is None


def test_a_model_in_a_volume_or_of_an_unknown_engine_is_not_looked_for() -> None:
    volume = replace(MAIN, mounts=(Mount("cache", "/models", False),))
    for service in (volume, MAIN, replace(MAIN, engine="other"), replace(MAIN, model="")):
        assert facts.missing_model(service) is None


def service(folder: Path, **changes: object) -> Service:
    mounts = (Mount(str(folder), "/models", True),)
    made = replace(MAIN, engine="vllm", model="acme/tiny", mounts=mounts)
    return replace(made, **changes)  # type: ignore[arg-type]


def lock_up(folder: Path, text: str, *paths: Path, wrong: str = "") -> None:
    """Lock files as they are on the disk now."""
    files = tuple(
        LockedFile(
            str(path.relative_to(folder)),
            path.name,
            path.stat().st_size,
            Digest(Algorithm.SHA256, "0" * 63 + "1"),
            "2026-01-02T03:04:05Z",
            stamp_of(path.stat()),
            wrong if path == paths[0] else "",
        )
        for path in paths
    )
    store = Store(folder)
    model = LockedModel(sources.parse(text), "a" * 40, files)
    store.change_lock(lambda old: lock.render(lock.put(lock.read(old), model)))


@pytest.fixture
def tiny(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "huggingface/hub/models--acme--tiny/snapshots" / ("a" * 40)
    make.model(folder, 200_000, shards=3)
    return sorted(folder.iterdir())


def test_a_locked_model_that_is_whole(tmp_path: Path, tiny: list[Path]) -> None:
    lock_up(tmp_path, "hf:acme/tiny", *tiny)
    assert models.look(service(tmp_path)) == models.Looked(Verdict(), None, True)


def test_a_locked_model_of_which_a_file_is_missing_is_told_by_that_file(
    tmp_path: Path, tiny: list[Path]
) -> None:
    lock_up(tmp_path, "hf:acme/tiny", *tiny)
    tiny[3].unlink()
    missing = facts.missing_model(service(tmp_path))
    assert missing
    assert (missing.path, missing.fetch) == (str(tiny[3]), "stackctl models pull main")
    assert missing.files == (tiny[3].name,)
    assert facts.damaged_model(service(tmp_path)) is None


def test_a_last_hash_that_was_wrong(tmp_path: Path, tiny: list[Path]) -> None:
    lock_up(tmp_path, "hf:acme/tiny", *tiny, wrong="f" * 64)
    damaged = facts.damaged_model(service(tmp_path))
    assert damaged
    assert damaged.damage is Damage.HASH
    assert (damaged.path, damaged.fetch) == (str(tiny[0]), "stackctl models repair main")
    assert "last right 2026-01-02" in damaged.problems[0]


def test_a_changed_file_is_unsure_and_no_damage(tmp_path: Path, tiny: list[Path]) -> None:
    lock_up(tmp_path, "hf:acme/tiny", *tiny)
    tiny[0].touch()
    (unsure,) = models.look(service(tmp_path)).verdict.unsure
    assert (unsure.path, unsure.check) == (str(tiny[0]), "stackctl models verify main")
    assert facts.damaged_model(service(tmp_path)) is None


def test_a_lock_that_cannot_be_read(tmp_path: Path, tiny: list[Path]) -> None:
    (tmp_path / "models.lock").write_text("<<<<<<< ours\n")
    bad = models.look(service(tmp_path)).bad_lock
    assert bad
    assert bad.service == "main"
    assert "models.lock, line 1" in bad.reason
    assert facts.damaged_model(service(tmp_path)) is None


def test_a_model_of_a_source_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "comfyui" / "checkpoints" / "one.safetensors"
    make.safetensors(path, 5000)
    lock_up(tmp_path, "hf:acme/image", path)
    mounts = (Mount(str(tmp_path / "comfyui"), "/root/ComfyUI/models", True),)
    texts = ("checkpoints=hf:acme/image",)
    image = service(tmp_path, engine="comfyui", model="", mounts=mounts, sources=texts)
    assert models.look(image) == models.Looked(Verdict(), None, True)
    path.write_bytes(path.read_bytes()[:3000])
    damaged = facts.damaged_model(image)
    assert damaged
    problem = f"{path.name}: 3000 bytes, its header promises 5000"
    assert (damaged.path, damaged.problems) == (str(path), (problem,))


def test_a_model_that_lies_where_its_engine_looks_is_named_by_its_source(tmp_path: Path) -> None:
    shards = [tmp_path / "llama-cpp" / f"own-{n:05}-of-00002.gguf" for n in (1, 2)]
    for path in shards:
        make.gguf(path, 4096)
    lock_up(tmp_path, "hf:acme/gguf", *shards)
    own = service(tmp_path, engine="llama-cpp", model="own-00001-of-00002")
    assert models.look(own) == models.Looked(Verdict(), None, True)
    shards[1].unlink()
    missing = facts.missing_model(own)
    assert missing
    assert (missing.path, missing.fetch) == (str(shards[1]), "stackctl models pull hf:acme/gguf")


def test_another_models_damage_is_not_this_services(tmp_path: Path, tiny: list[Path]) -> None:
    lock_up(tmp_path, "hf:acme/tiny", *tiny)
    other = tmp_path / "whisper" / "other.bin"
    other.parent.mkdir()
    other.write_bytes(b"x")
    lock_up(tmp_path, "hf:acme/other", other)
    other.unlink()
    assert models.look(service(tmp_path)) == models.Looked(Verdict(), None, True)


def test_the_quick_look_at_a_large_model_costs_milliseconds(tmp_path: Path) -> None:
    folder = tmp_path / "huggingface/hub/models--acme--tiny/snapshots" / ("a" * 40)
    make.model(folder, 65_000_000_000, shards=20, sparse=True)
    lock_up(tmp_path, "hf:acme/tiny", *sorted(folder.iterdir()))
    began = time.perf_counter()
    looked = models.look(service(tmp_path))
    taken = time.perf_counter() - began
    assert looked == models.Looked(Verdict(), None, True)
    assert taken < 0.5  # 5 ms; a busy machine takes longer, reading the model takes minutes
