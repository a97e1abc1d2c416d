"""The box as a value, and its text."""

from pathlib import Path

import pytest

from gpusim.errors import GpusimError, UsageError
from gpusim.faults import KINDS, Fault, Scope, kernel_log_line
from gpusim.hardware import MAX_GPUS, gpu_uuid, make_profile
from gpusim.state import State, load, parse, render, save, update

VALUES = {"seconds": 1.5, "xid": 79, "sequence": 7}


def every_fault() -> tuple[Fault, ...]:
    return tuple(
        Fault(
            name,
            gpu=1 if kind.scope is Scope.GPU else None,
            container="engine" if kind.scope is Scope.CONTAINER else None,
            values=VALUES,
        )
        for name, kind in KINDS.items()
    )


def test_text_and_value_are_the_same_thing() -> None:
    state = State(make_profile(2, "NVIDIA H20"), every_fault())
    assert len(state.faults) == 11
    assert parse(render(state)) == state


def keys_of(state: State) -> set[str]:
    return set(render(state).splitlines())


@pytest.mark.parametrize("fault", every_fault(), ids=lambda fault: fault.name)
def test_each_fault_changes_what_the_driver_reads(fault: Fault) -> None:
    healthy = State(make_profile())
    broken = {line for line in keys_of(healthy.with_fault(fault)) if "active_fault" not in line}
    changed = broken - keys_of(healthy)
    if KINDS[fault.name].scope is Scope.CONTAINER:
        assert changed == set()  # it lives in the container's cgroup
    elif KINDS[fault.name].scope is Scope.GPU:
        assert changed
        assert all(line.startswith("gpu1.") for line in changed)
    else:
        assert changed
        assert not any(line.startswith("gpu") for line in changed)


def test_same_fault_again_takes_the_place_of_the_old_one() -> None:
    state = State(make_profile()).with_fault(Fault("hung-driver", values={"seconds": 1}))
    state = state.with_fault(Fault("hung-driver", values={"seconds": 2}))
    state = state.with_fault(Fault("gpu-lost", gpu=0)).with_fault(Fault("gpu-lost", gpu=1))
    assert [(f.name, f.gpu, f.values) for f in state.faults] == [
        ("hung-driver", None, {"seconds": 2}),
        ("gpu-lost", 0, {}),
        ("gpu-lost", 1, {}),
    ]


def test_save_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save(State(make_profile()), path)
    with path.open() as old:
        save(State(make_profile(2)), path)
        assert parse(old.read()).profile.gpus == 4
    assert load(path).profile.gpus == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("text", ["", "driver_version=1\n", "profile={\n", 'profile={"no": 1}\n'])
def test_damaged_state_is_explained(text: str) -> None:
    with pytest.raises(GpusimError, match="state file is damaged"):
        parse(text)


def test_missing_state_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(GpusimError, match="python -m gpusim install"):
        load(tmp_path / "nothing")


def test_uuids_are_like_real_ones_and_all_different() -> None:
    uuids = [gpu_uuid(index) for index in range(MAX_GPUS)]
    assert len(set(uuids)) == MAX_GPUS
    assert uuids[0] == "GPU-551f0476-02c6-509f-b9b4-952eceb8c8a5"


def test_profiles() -> None:
    assert make_profile().memory_mib == 46080
    assert make_profile(name="NVIDIA B200").compute_capability == "10.0"
    assert make_profile(name="Quadro RTX 8000 [simulated]").name == "Quadro RTX 8000"
    custom = make_profile(1, "Mine", 2048, "8.6")
    assert (custom.memory_mib, custom.compute_capability) == (2048, "8.6")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0,), "--gpus must be from 1 to 16"),
        ((17,), "--gpus must be from 1 to 16"),
        ((1, "Mine"), "not a known product"),
        ((1, None, 3), "--memory-mib must be from 1024"),
        ((1, "Mine", 2048, "turing"), "looks like 7.5"),
    ],
)
def test_profiles_that_make_no_sense(
    arguments: tuple[int, str | None, int | None, str | None], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        make_profile(*arguments)


def test_kernel_log_line_is_the_drivers_and_not_to_be_taken_for_real() -> None:
    line = kernel_log_line(1, 79)
    assert line.startswith("NVRM: Xid (PCI:0000:1b:00): 79, pid=")
    assert line.endswith("GPU has fallen off the bus. [simulated]")


def test_change_without_permission_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_state: State, _path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("GPUSIM_STATE", str(tmp_path / "state"))
    save(State(make_profile()))
    monkeypatch.setattr("gpusim.state.save", refuse)
    with pytest.raises(GpusimError, match=r"cannot change the state: .* \(are you root\?\)"):
        update(lambda state: state)
