"""Who gets which GPU, and which hardware profile fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.model import (
    Driver,
    GpuProcess,
    GpuRequest,
    Hardware,
    StackError,
    Unavailable,
)
from stackctl.placement import assign, choose_profile, spare
from stackctl.settings import hardware_profiles
from tests.unit.stackctl.box import CODER, DRIVER, ROOT, SERVICES, gpu, uuid

GPUS = tuple(gpu(i) for i in range(4))
BY_UUID = tuple(f"nvidia.com/gpu={uuid(i)}" for i in range(4))
BY_INDEX = tuple(f"nvidia.com/gpu={i}" for i in range(4))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (GpuRequest("nvidia", ("3",)), (3,)),
        (GpuRequest("nvidia", ("1", "0")), (1, 0)),
        (GpuRequest("nvidia", ("2", "2")), (2,)),
        (GpuRequest("nvidia", (uuid(2),)), (2,)),
        (GpuRequest("nvidia", (uuid(2), "0")), (2, 0)),
        (GpuRequest("cdi", ("nvidia.com/gpu=1",)), (1,)),
        (GpuRequest("cdi", (f"nvidia.com/gpu={uuid(1)}",)), (1,)),
        (GpuRequest("cdi", ("nvidia.com/gpu=all",)), (0, 1, 2, 3)),
        (GpuRequest("nvidia", count=2), (0, 1)),
        (GpuRequest("", count=-1), (0, 1, 2, 3)),
    ],
)
def test_by_uuid_without_cdi(asked: GpuRequest, given: tuple[int, ...]) -> None:
    placed = assign([replace(CODER, gpus=asked)], GPUS, ())
    assert tuple(g.index for g in placed.gpus["coder"]) == given
    assert placed.requests["coder"] == GpuRequest("nvidia", tuple(uuid(i) for i in given))


def test_by_cdi_where_the_daemon_knows_the_uuid() -> None:
    placed = assign([CODER], GPUS, (*BY_INDEX, *BY_UUID, "nvidia.com/gpu=all"))
    assert placed.requests["coder"] == GpuRequest("cdi", (BY_UUID[3],))


def test_by_cdi_index_where_the_specification_names_no_uuid() -> None:
    placed = assign([CODER], GPUS, (*BY_INDEX, "nvidia.com/gpu=all"))
    assert placed.requests["coder"] == GpuRequest("cdi", (BY_INDEX[3],))


def test_a_specification_that_lacks_one_card_is_not_used() -> None:
    both = replace(CODER, gpus=GpuRequest("nvidia", ("2", "3")))
    placed = assign([both], GPUS, (*BY_UUID[:3], "vendor.com/gpu=3"))
    assert placed.requests["coder"] == GpuRequest("nvidia", (uuid(2), uuid(3)))


@pytest.mark.parametrize("missing", ["7", "GPU-none", "nvidia.com/gpu=9"])
def test_a_gpu_that_is_not_there(missing: str) -> None:
    with pytest.raises(StackError, match="coder: there is no GPU") as caught:
        assign([replace(CODER, gpus=GpuRequest("nvidia", (missing,)))], GPUS, ())
    assert missing.removeprefix("nvidia.com/gpu=") in caught.value.message
    assert caught.value.fix


def test_no_gpu_wanted_none_given() -> None:
    placed = assign([replace(CODER, gpus=GpuRequest())], GPUS, BY_UUID)
    assert placed.requests == {}
    assert placed.gpus == {}


def test_only_two_services_share_a_card_here() -> None:
    placed = assign(SERVICES, GPUS, BY_UUID)
    given = [g.index for mine in placed.gpus.values() for g in mine]
    assert sorted(given) == [0, 1, 2, 2, 3]


PROFILES = (
    Hardware("rtx5090", "NVIDIA GeForce RTX 5090", 1, 32607),
    Hardware("rtx8000x4", "Quadro RTX 8000", 4, 46080),
    Hardware("sim", "Quadro RTX 8000 [simulated]", 4, 46080),
    Hardware("cpu", "", 0, 0),
)


def driver(count: int, name: str, mib: int) -> Driver:
    return replace(DRIVER, gpus=tuple(gpu(i, name=name, total_mib=mib) for i in range(count)))


def test_the_profile_that_fits() -> None:
    assert choose_profile(PROFILES, driver(4, "Quadro RTX 8000", 46080)) == "rtx8000x4"
    assert choose_profile(PROFILES, driver(1, "NVIDIA GeForce RTX 5090", 32607)) == "rtx5090"


@pytest.mark.parametrize(
    ("count", "name", "mib", "closest"),
    [
        (3, "Quadro RTX 8000", 46080, "rtx8000x4"),
        (4, "NVIDIA RTX A6000", 49140, "rtx8000x4"),
        (1, "NVIDIA GeForce RTX 4090", 24564, "rtx5090"),
        (8, "NVIDIA B200", 183359, "rtx8000x4"),
        (0, "", 0, "rtx5090"),
    ],
)
def test_the_closest_profile_is_named(count: int, name: str, mib: int, closest: str) -> None:
    with pytest.raises(StackError, match=f"closest is {closest} ") as caught:
        choose_profile(PROFILES, driver(count, name, mib))
    assert f"env/hardware/{closest}.env" in caught.value.fix


def test_mixed_cards_fit_no_profile() -> None:
    cards = (*GPUS[:3], gpu(3, name="NVIDIA RTX A6000"))
    with pytest.raises(StackError, match="no hardware profile"):
        choose_profile(PROFILES, replace(DRIVER, gpus=cards))


def test_simulated_cards_are_never_chosen_by_themselves() -> None:
    with pytest.raises(StackError):
        choose_profile(PROFILES, driver(4, "Quadro RTX 8000 [simulated]", 46080))


def test_without_any_profile() -> None:
    with pytest.raises(StackError, match="no hardware profile in env/hardware"):
        choose_profile((), DRIVER)


def test_the_profiles_of_this_repository() -> None:
    profiles = {p.profile: p for p in hardware_profiles(ROOT)}
    assert {"rtx8000x4", "rtx5090", "sim"} <= set(profiles)
    assert profiles["rtx8000x4"] == PROFILES[1]
    assert choose_profile(tuple(profiles.values()), DRIVER) == "rtx8000x4"


def test_a_second_container_goes_where_there_is_room() -> None:
    gpus = (gpu(0, used_mib=40000), gpu(1, used_mib=20000), gpu(2), gpu(3, used_mib=16000))
    assert [g.index for g in spare(CODER, gpus, whole=False)] == [2]
    both = replace(CODER, gpus=GpuRequest("nvidia", ("2", "3")), vram_mib=40000)
    assert [g.index for g in spare(both, gpus, whole=False)] == []
    assert [g.index for g in spare(replace(both, vram_mib=10000), gpus, whole=False)] == [1, 0]


def test_an_engine_that_takes_all_of_a_gpu_needs_one_that_nobody_uses() -> None:
    used = gpu(2, processes=(GpuProcess(1, 100, "a container"),))
    assert spare(CODER, (used, gpu(3)), whole=True) == ()
    assert spare(CODER, (used, gpu(3)), whole=False) == (used,)
    assert spare(CODER, (gpu(2, fault=Unavailable("lost")), gpu(3)), whole=False) == ()
