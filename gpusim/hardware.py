"""The GPUs of a simulated box, as plain values."""

import uuid
from dataclasses import asdict, dataclass

from gpusim.errors import UsageError

SUFFIX = " [simulated]"
MAX_GPUS = 16  # MAX_GPUS in driver/state.h
MIB = 1 << 20

DRIVER_VERSION = "580.159.03"
CUDA_VERSION = "13.0"

# PCI buses of the GPU slots in a common eight-GPU server, then some more.
BUSES = (
    *("1A", "1B", "3D", "3E", "88", "89", "B1", "B2"),
    *("C1", "C2", "C3", "C4", "D1", "D2", "D3", "D4"),
)
UUID_NAMESPACE = uuid.UUID("5e1f4a2b-9c3d-4b6a-8f10-73696d676075")

# NVML_DEVICE_ARCH_* by compute capability, from nvml.h.
ARCHITECTURES = {
    (7, 0): 5,
    (7, 5): 6,
    (8, 0): 7,
    (8, 6): 7,
    (8, 9): 8,
    (9, 0): 9,
    (10, 0): 10,
    (12, 0): 10,
}
ARCHITECTURE_UNKNOWN = 0xFFFFFFFF
BRAND_QUADRO_RTX, BRAND_NVIDIA = 12, 14


@dataclass(frozen=True)
class Product:
    """What nvidia-smi shows for a product: MiB of memory, watts, PCI device id."""

    memory_mib: int
    compute_capability: str
    power_limit_w: int
    device_id: int


PRODUCTS = {
    "Quadro RTX 8000": Product(46080, "7.5", 260, 0x1E3010DE),
    "NVIDIA GeForce RTX 5090": Product(32607, "12.0", 575, 0x2B8510DE),
    "NVIDIA H100 80GB HBM3": Product(81559, "9.0", 700, 0x233010DE),
    "NVIDIA H20": Product(97871, "9.0", 500, 0x232910DE),
    "NVIDIA B200": Product(183359, "10.0", 1000, 0x290110DE),
}
DEFAULT_PRODUCT = "Quadro RTX 8000"


@dataclass(frozen=True)
class Profile:
    """A box with `gpus` equal GPUs."""

    gpus: int = 4
    name: str = DEFAULT_PRODUCT
    memory_mib: int = PRODUCTS[DEFAULT_PRODUCT].memory_mib
    compute_capability: str = PRODUCTS[DEFAULT_PRODUCT].compute_capability

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def make_profile(
    gpus: int | None = None,
    name: str | None = None,
    memory_mib: int | None = None,
    compute_capability: str | None = None,
) -> Profile:
    """The default box with some of it replaced. UsageError when that makes no sense."""
    name = (name or DEFAULT_PRODUCT).removesuffix(SUFFIX)
    product = PRODUCTS.get(name)
    if product is None and (memory_mib is None or compute_capability is None):
        known = ", ".join(PRODUCTS)
        raise UsageError(
            f"{name!r} is not a known product ({known}):"
            " give --memory-mib and --compute-capability with it"
        )
    profile = Profile(
        gpus=4 if gpus is None else gpus,
        name=name,
        memory_mib=memory_mib or (product or PRODUCTS[DEFAULT_PRODUCT]).memory_mib,
        compute_capability=compute_capability
        or (product or PRODUCTS[DEFAULT_PRODUCT]).compute_capability,
    )
    if not 1 <= profile.gpus <= MAX_GPUS:
        raise UsageError(f"--gpus must be from 1 to {MAX_GPUS}, not {profile.gpus}")
    if not 1024 <= profile.memory_mib <= 1 << 20:
        raise UsageError(f"--memory-mib must be from 1024 to {1 << 20}, not {profile.memory_mib}")
    major, _, minor = profile.compute_capability.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise UsageError(f"--compute-capability looks like 7.5, not {profile.compute_capability!r}")
    return profile


def gpu_uuid(index: int) -> str:
    """The same on every box, so that tests and documentation can name it."""
    return f"GPU-{uuid.uuid5(UUID_NAMESPACE, str(index))}"


def gpu_bus(index: int) -> str:
    """PCI address as NVML writes it."""
    return f"00000000:{BUSES[index]}:00.0"


def driver_keys() -> dict[str, object]:
    """The keys of struct hardware in driver/state.h."""
    major, minor = CUDA_VERSION.split(".")
    return {
        "driver_version": DRIVER_VERSION,
        "library_version": DRIVER_VERSION,
        "cuda_version": int(major) * 1000 + int(minor) * 10,
    }


def gpu_keys(profile: Profile, index: int) -> dict[str, object]:
    """The keys of struct gpu in driver/state.h for one idle, healthy GPU."""
    product = PRODUCTS.get(profile.name, PRODUCTS[DEFAULT_PRODUCT])
    major, minor = (int(part) for part in profile.compute_capability.split("."))
    return {
        "name": profile.name + SUFFIX,
        "uuid": gpu_uuid(index),
        "serial": f"032512000{index:04d}",
        "bus": gpu_bus(index),
        "vbios": "90.02.1A.00.05",
        "memory_total": profile.memory_mib * MIB,
        "memory_reserved": 400 * MIB,
        "memory_base": 3 * MIB,
        "bar1_total": 256 * MIB,
        "bar1_used": 5 * MIB,
        "minor": index,
        "device_id": product.device_id,
        "subsystem_id": 0x129E10DE,
        "architecture": ARCHITECTURES.get((major, minor), ARCHITECTURE_UNKNOWN),
        "brand": BRAND_QUADRO_RTX if profile.name.startswith("Quadro RTX") else BRAND_NVIDIA,
        "cores": 4608,
        "cc_major": major,
        "cc_minor": minor,
        "temperature": 34,
        "fan": 33,
        "power": 22_000,
        "power_limit": product.power_limit_w * 1000,
        "power_state": 8,
        "persistence": 1,
        "sm_clock": 300,
        "sm_clock_max": 2100,
        "memory_clock": 405,
        "memory_clock_max": 7001,
        "pcie_generation": 3,
        "pcie_width": 16,
        "ecc": 1,
    }
