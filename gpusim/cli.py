"""Arguments in, lines out."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from gpusim import commands, host
from gpusim.hardware import make_profile
from gpusim.watcher import watch


class Arguments(argparse.Namespace):
    """Every option with its type, for the type checker."""

    verb: str
    gpus: int | None
    name: str | None
    memory_mib: int | None
    compute_capability: str | None
    json: bool
    fault: str | None
    gpu: int | None
    container: str | None
    seconds: float | None
    xid: int | None


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m gpusim", description="Simulated NVIDIA GPUs for tests (docs/gpusim.md)."
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    install = verbs.add_parser("install", help="put simulated GPUs on this host (root)")
    install.add_argument("--gpus", type=int, metavar="N", help="how many (4)")
    install.add_argument("--name", help="product name (Quadro RTX 8000)")
    install.add_argument("--memory-mib", type=int, metavar="MIB", help="memory of each")
    install.add_argument("--compute-capability", metavar="X.Y", help="for an unknown product")

    verbs.add_parser("remove", help="undo install (root)")

    status = verbs.add_parser("status", help="what is simulated, and what is broken")
    status.add_argument("--json", action="store_true", help="for programs")

    fault = verbs.add_parser("fault", help="break something")
    fault.add_argument("fault", metavar="NAME", help="see: python -m gpusim faults")
    fault.add_argument("--gpu", type=int, metavar="N")
    fault.add_argument("--container", metavar="NAME")
    fault.add_argument("--seconds", type=float, metavar="S", help="of hung-driver (10)")
    fault.add_argument("--xid", type=int, metavar="N", help="number of the Xid (79)")

    clear = verbs.add_parser("clear", help="mend what fault broke: one kind, or everything")
    clear.add_argument("fault", metavar="NAME", nargs="?")
    clear.add_argument("--gpu", type=int, metavar="N", help="only on this one")
    clear.add_argument("--container", metavar="NAME", help="only in this one")

    verbs.add_parser("faults", help="the kinds of fault there are, and those set")
    verbs.add_parser("watch", help="keep GPU memory true to the processes (install starts it)")
    return top


def _install(arguments: Arguments) -> int:
    asked = (arguments.gpus, arguments.name, arguments.memory_mib, arguments.compute_capability)
    profile = None if all(value is None for value in asked) else make_profile(*asked)
    for line in host.install(profile) or ["nothing to do"]:
        print(line)
    return 0


def _status_lines(status: dict[str, Any]) -> list[str]:
    if not status["installed"] and not status["gpus"]:
        return ["no simulated GPUs here: python -m gpusim install"]
    lines = [
        f"GPU {gpu['index']}: {gpu['name']}, {gpu['memory_mib']} MiB, {gpu['uuid']},"
        f" {gpu['processes']} processes with {gpu['processes_mib']} MiB"
        for gpu in status["gpus"]
    ]
    lines += [f"fault: {fault}" for fault in status["faults"]] or ["no faults"]
    if status["watcher_pid"]:
        lines.append(f"watcher: alive (pid {status['watcher_pid']})")
    else:
        lines.append("watcher: not running: python -m gpusim install")
    return lines


def _status(arguments: Arguments) -> int:
    status = commands.status()
    if arguments.json:
        print(json.dumps(status, indent=1))
    else:
        print("\n".join(_status_lines(status)))
    return 0 if status["ready"] else 1


def _fault(arguments: Arguments) -> int:
    assert arguments.fault is not None
    print(
        commands.set_fault(
            arguments.fault,
            gpu=arguments.gpu,
            container=arguments.container,
            seconds=arguments.seconds,
            xid=arguments.xid,
        )
    )
    return 0


def _remove(_arguments: Arguments) -> int:
    print("\n".join(host.remove()))
    return 0


def _clear(arguments: Arguments) -> int:
    print("\n".join(commands.clear_faults(arguments.fault, arguments.gpu, arguments.container)))
    return 0


def _faults(_arguments: Arguments) -> int:
    print("\n".join(commands.list_faults()))
    return 0


def _watch(_arguments: Arguments) -> int:
    watch()
    return 0


VERBS: dict[str, Callable[[Arguments], int]] = {
    "install": _install,
    "remove": _remove,
    "status": _status,
    "fault": _fault,
    "clear": _clear,
    "faults": _faults,
    "watch": _watch,
}


def run(argv: list[str]) -> int:
    """The exit code. GpusimError for an explained failure."""
    arguments = parser().parse_args(argv, Arguments())
    return VERBS[arguments.verb](arguments)
