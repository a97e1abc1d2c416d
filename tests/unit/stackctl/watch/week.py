"""A scripted week: forty incidents, blips, a flap, reboots, and a channel that is down twice."""

from __future__ import annotations

import random

from tests.unit.stackctl.watch.simulated import MINUTE, ROLES, START, Simulation, box

WEEK = 7 * 1440


def script() -> dict[str, list[tuple[int, int]]]:
    """Forty times, ten of each role, in which it is broken: (first minute, minutes)."""
    dice = random.Random(5)
    return {
        role: [(100 + 60 * shift + 1000 * n, dice.randint(2, 400)) for n in range(10)]
        for shift, role in enumerate(ROLES)
    }


def broken_at(minute: int) -> list[str]:
    found = {r for r, times in script().items() for at, n in times if at <= minute < at + n}
    # blips of one run, and a flap: every other minute for half an hour; neither is an incident
    if minute % 1000 == 970:
        found.add("coder")
    if 4985 <= minute < 5015 and minute % 2:
        found.add("main")
    return sorted(found)


def asleep(minute: int) -> bool:
    """The box reboots now and then, and is off for ten hours once."""
    return minute % 700 in range(3) or 8400 <= minute < 8980


def week() -> Simulation:
    simulation = Simulation()
    for minute in range(WEEK + 60):
        if asleep(minute):
            continue
        simulation.now = START + minute * MINUTE
        simulation.up = not (2300 <= minute < 2600 or 6100 <= minute < 6400)
        simulation.run(box(broken_at(minute)) if minute < WEEK else box([]))
    return simulation


def missed_and_doubled(seen: Simulation) -> tuple[int, int]:
    """Incidents of which a channel heard not both that they opened and that they are over, and
    messages too many; reminders aside."""
    missed = doubled = 0
    for incident in seen.all.values():
        words = [word for word in seen.words(incident.id) if word != "still"]
        # one that came and went while the channel was down is told as what it was
        wanted = ["was"] if "was" in words else ["opened", "gone"]
        missed += any(word not in words for word in wanted)
        doubled += len(words) - len(set(words)) + sum(word not in wanted for word in words)
    return missed, doubled
