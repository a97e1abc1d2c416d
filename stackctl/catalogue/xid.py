"""Errors that NVIDIA's kernel driver numbers, and what its catalogue says is to be done."""

from __future__ import annotations

from enum import StrEnum

from stackctl.model import Depth, Failure, Sure, Where


class Action(StrEnum):
    """What brings the GPU back, by NVIDIA's catalogue."""

    NONE = "nothing to do"
    RESTART = "`stackctl restart` the services of GPU N; if it comes again, test the card"
    RESET = (
        "`stackctl down`; sudo nvidia-smi -i N --gpu-reset, else sudo reboot; then `stackctl up`"
    )
    COLD_START = "power the machine off and on; reseat the card, look at its power and its heat"
    READ = "sudo dmesg | grep NVRM: the line names the action; sudo reboot if it says Node Reboot"
    ECC = (
        "nvidia-smi -q -d ECC; `stackctl down`; sudo nvidia-smi -i N --gpu-reset; have the card "
        "replaced if the count grows"
    )
    LINK = "nvidia-smi nvlink -s; nvidia-smi nvlink -e; sudo reboot; reseat the bridge"


_RESTARTS = {
    13: "a program used the GPU wrongly, or the GPU is failing",
    31: "a program touched memory that it does not own",
    32: "a program's commands to the GPU came out damaged",
    94: "a contained ECC error: the program that used the memory was ended",
    109: "the GPU did not change from one program to the next in time",
}
_RESETS = {
    62: "the GPU's power controller halted",
    64: "a failing row of memory could not be replaced",
    95: "an uncontained ECC error: whatever ran on the GPU may be wrong",
    119: "the GPU's system processor did not answer",
    120: "the GPU's system processor failed",
    140: "an ECC error in a memory that cannot correct it",
    143: "the GPU's system processor could not be initialised",
}
_OTHERS = {
    43: (Action.NONE, "a program on the GPU was stopped; its own fault"),
    45: (Action.NONE, "work was cleared away after another Xid, or when a program was killed"),
    48: (Action.ECC, "a double-bit ECC error: the GPU's memory is failing"),
    63: (Action.NONE, "a failing row of memory was marked for replacement"),
    74: (Action.LINK, "an NVLink error"),
    79: (Action.COLD_START, "the GPU has fallen off the bus: power, riser, heat or the card"),
    92: (Action.ECC, "many single-bit ECC errors: the GPU's memory is ageing"),
    154: (Action.READ, "the driver changed what is to be done for this GPU"),
}

#: by number: action, meaning
XIDS: dict[int, tuple[Action, str]] = dict(
    sorted(
        {
            **{number: (Action.RESTART, meaning) for number, meaning in _RESTARTS.items()},
            **{number: (Action.RESET, meaning) for number, meaning in _RESETS.items()},
            **_OTHERS,
        }.items()
    )
)
#: those that are over with the program that caused them
HARMLESS = frozenset(number for number, (action, _) in XIDS.items() if action is Action.NONE)
#: those after which the GPU does not work, or may compute wrongly, until somebody acts
FATAL = frozenset(XIDS) - HARMLESS - frozenset(_RESTARTS) - {92}


def _failure(number: int, action: Action, meaning: str) -> Failure:
    return Failure(
        f"xid-{number}",
        rf"NVRM: Xid \((?:PCI:)?[0-9a-fA-F:.]+\).*?: {number},",
        meaning,
        action.value,
        (Where.KERNEL,),
        sure=Sure.LIKELY if number in _RESTARTS else Sure.CERTAIN,
        source="NVIDIA's Xid catalogue, as leptonai/gpud holds it",
        # 45 follows another Xid
        depth=Depth.SYMPTOM if number in HARMLESS else Depth.CAUSE,
    )


FAILURES = tuple(_failure(number, action, meaning) for number, (action, meaning) in XIDS.items())
