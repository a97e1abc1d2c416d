"""What install may write, and what remove may take away."""

import json
from pathlib import Path

import pytest

from gpusim import guard, manifest
from gpusim.cdi import specification
from gpusim.errors import GpusimError
from gpusim.guard import nvidia_hardware, refuse_real_gpus
from gpusim.hardware import gpu_uuid, make_profile
from gpusim.manifest import Manifest, load_manifest, place_directory, place_file, take_away


def pci_device(folder: Path, address: str, vendor: str, pci_class: str) -> None:
    (folder / address).mkdir(parents=True)
    (folder / address / "vendor").write_text(vendor + "\n")
    (folder / address / "class").write_text(pci_class + "\n")


def test_real_gpu_is_recognised(tmp_path: Path) -> None:
    pci_device(tmp_path, "0000:00:02.0", "0x8086", "0x030000")
    pci_device(tmp_path, "0000:01:00.0", "0x10de", "0x030200")
    pci_device(tmp_path, "0000:01:00.1", "0x10de", "0x040300")  # the sound of the same card
    assert nvidia_hardware(tmp_path) == ["0000:01:00.0"]


@pytest.fixture
def bare_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Guard and manifest look at a folder instead of this machine."""
    for name, place in [("PCI_DEVICES", "pci"), ("DRIVER_DIR", "driver")]:
        monkeypatch.setattr(guard, name, tmp_path / place)
    monkeypatch.setattr(nvidia_hardware, "__defaults__", (tmp_path / "pci",))
    monkeypatch.setattr(guard, "CDI_DIRS", (tmp_path / "cdi",))
    monkeypatch.setattr(guard, "TOOL_DIRS", (str(tmp_path / "bin"),))
    monkeypatch.setattr(guard, "LIBRARY_DIRS", (str(tmp_path / "lib"),))
    monkeypatch.setattr(guard, "LOCAL_LIBRARY_DIR", str(tmp_path / "local"))
    monkeypatch.setattr(manifest, "MANIFEST_FILE", tmp_path / "manifest.json")
    for name in ("cdi", "bin", "lib"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_bare_host_is_fine(bare_host: Path) -> None:
    refuse_real_gpus(())


def test_host_with_a_gpu_is_refused(bare_host: Path) -> None:
    pci_device(bare_host / "pci", "0000:01:00.0", "0x10de", "0x030000")
    with pytest.raises(GpusimError, match=r"real NVIDIA GPU \(0000:01:00.0\)"):
        refuse_real_gpus(())


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("driver", ""),
        ("bin/nvidia-smi", ""),
        ("bin/nvidia-container-cli", ""),
        ("lib/libnvidia-ml.so.1", ""),
        ("lib/libcuda.so.1", ""),
        ("cdi/nvidia.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n"),
        ("cdi/other.json", '{"kind": "nvidia.com/gpu"}'),
    ],
)
def test_host_with_driver_files_is_refused(bare_host: Path, place: str, content: str) -> None:
    (bare_host / place).write_text(content)
    with pytest.raises(GpusimError, match=rf"not ours: {bare_host / place}$"):
        refuse_real_gpus(())
    refuse_real_gpus({bare_host / place})


def test_other_cdi_devices_may_stay(bare_host: Path) -> None:
    (bare_host / "cdi/other.json").write_text('{"kind": "vendor.com/net"}')
    (bare_host / "cdi/broken.json").write_text("{")
    refuse_real_gpus(())


def test_files_come_and_go(bare_host: Path) -> None:
    ours = Manifest(make_profile())
    target = bare_host / "new" / "deep" / "tool"
    place_directory(ours, target.parent)
    assert place_file(ours, target, b"one", 0o755)
    assert target.stat().st_mode & 0o777 == 0o755
    assert not place_file(ours, target, b"one", 0o755)
    assert place_file(ours, target, b"two", 0o755)
    read_back = load_manifest()
    assert read_back is not None
    assert read_back.directories == [str(target.parent.parent), str(target.parent)]
    assert take_away(read_back, read_back.paths()) == []
    assert not target.exists()


def test_foreign_file_is_not_overwritten(bare_host: Path) -> None:
    target = bare_host / "bin/nvidia-smi"
    target.write_bytes(b"real")
    with pytest.raises(GpusimError, match="not ours"):
        place_file(Manifest(make_profile()), target, b"ours", 0o755)
    assert target.read_bytes() == b"real"


def test_file_that_somebody_replaced_stays(bare_host: Path) -> None:
    ours = Manifest(make_profile())
    target = bare_host / "bin/nvidia-smi"
    place_file(ours, target, b"ours", 0o755)
    target.write_bytes(b"real")
    with pytest.raises(GpusimError, match="not ours"):
        place_file(ours, target, b"ours, newer", 0o755)
    [line] = take_away(ours, {target})
    assert "changed by somebody else" in line
    assert target.read_bytes() == b"real"


def test_damaged_manifest_is_explained(bare_host: Path) -> None:
    (bare_host / "manifest.json").write_text("{")
    with pytest.raises(GpusimError, match="is damaged"):
        load_manifest()


def test_cdi_specification() -> None:
    spec = json.loads(specification(make_profile(2)))
    nodes = {
        device["name"]: [node["minor"] for node in device["containerEdits"]["deviceNodes"]]
        for device in spec["devices"]
    }
    assert nodes == {"all": [0, 1], "0": [0], gpu_uuid(0): [0], "1": [1], gpu_uuid(1): [1]}
    [control] = spec["containerEdits"]["deviceNodes"]
    assert (control["path"], control["type"], control["major"], control["minor"]) == (
        *("/dev/nvidiactl", "c"),
        *(195, 255),
    )
