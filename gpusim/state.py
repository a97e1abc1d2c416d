"""The state file: a box and its faults as a value, and the text that the mock driver reads.

The text has one `key=value` per line. Two keys are for us alone and skipped by the mock:
`profile` and `active_fault`, each with JSON, so that nothing is lost between commands.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gpusim.errors import GpusimError
from gpusim.faults import KINDS, Fault
from gpusim.hardware import Profile, driver_keys, gpu_keys
from gpusim.paths import locked_directory, state_file, write_atomically


@dataclass(frozen=True)
class State:
    profile: Profile
    faults: tuple[Fault, ...] = ()

    def with_fault(self, fault: Fault) -> "State":
        kept = tuple(other for other in self.faults if not fault.same_place(other))
        return replace(self, faults=(*kept, fault))

    def without(self, cleared: tuple[Fault, ...]) -> "State":
        return replace(self, faults=tuple(f for f in self.faults if f not in cleared))


def render(state: State) -> str:
    keys = driver_keys()
    for index in range(state.profile.gpus):
        keys |= {
            f"gpu{index}.{key}": value for key, value in gpu_keys(state.profile, index).items()
        }
    for fault in state.faults:
        keys |= KINDS[fault.name].keys(fault)
    lines = [f"profile={json.dumps(state.profile.as_json())}"]
    lines += [f"active_fault={json.dumps(asdict(fault))}" for fault in state.faults]
    lines += [f"{key}={value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def parse(text: str) -> State:
    """The value behind a rendered text. GpusimError when it was not written by render()."""
    profile: Profile | None = None
    faults = []
    try:
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key == "profile":
                profile = Profile(**json.loads(value))
            elif key == "active_fault":
                faults.append(Fault(**json.loads(value)))
    except (ValueError, TypeError) as error:
        raise GpusimError(
            f"the state file is damaged ({error}): remove and install again"
        ) from None
    if profile is None:
        raise GpusimError("the state file is damaged (no profile): remove and install again")
    return State(profile, tuple(faults))


def load(path: Path | None = None) -> State:
    path = path or state_file()
    try:
        return parse(path.read_text())
    except FileNotFoundError:
        raise GpusimError(
            f"no simulated GPUs here ({path} is missing): python -m gpusim install"
        ) from None
    except PermissionError as error:
        raise GpusimError(f"cannot read the state: {error}") from None


def save(state: State, path: Path | None = None) -> None:
    write_atomically(path or state_file(), render(state).encode())


def update(change: Callable[[State], State]) -> State:
    """Load, change and save while no other command does. GpusimError when that is not allowed."""
    path = state_file()
    load(path)  # says it well when nothing is installed
    try:
        with locked_directory(path.parent):
            changed = change(load(path))
            save(changed, path)
            return changed
    except PermissionError as error:
        raise GpusimError(f"cannot change the state: {error} (are you root?)") from None
