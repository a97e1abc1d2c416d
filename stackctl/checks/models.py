"""The files that engines load: there, whole, and what their publisher states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackctl.model import Check, Damage, Facts, Finding, Phase, Severity

#: names or problems that a finding shows
_SHOWN = 3

#: id, summary and cause of each kind of damage; its cure comes with the facts
_DAMAGES = {
    Damage.STRUCTURE: (
        "model.whole",
        "its model is damaged",
        "a download or copy that broke off, or something else saved under the model's name",
    ),
    Damage.HASH: (
        "model.hash",
        "its model has wrong bytes",
        "this disk's copy is bad: its publisher states another hash",
    ),
    Damage.UNSTATED: (
        "model.hash",
        "its model is not what was taken into the lock",
        "no publisher states this hash, so nobody knows whether the old or the new content is "
        "right",
    ),
    Damage.DISK: ("model.readable", "its model cannot be read", "the disk has errors"),
    Damage.RIGHTS: ("model.readable", "its model cannot be read", "you have no right to"),
    Damage.PUBLISHER: (
        "model.published",
        "its model is broken at its publisher's",
        "the file is so there as well: its hash is right, so fetching it again changes nothing",
    ),
}


def lock(facts: Facts) -> Iterable[Finding]:
    for bad in facts.bad_locks:
        yield Finding(
            "model.lock",
            Severity.ERROR,
            bad.service,
            bad.reason,
            cause="what its model must be is written there, so nothing is known of it",
            fix=bad.fix,
        )


def present(facts: Facts) -> Iterable[Finding]:
    for missing in facts.missing_models:
        cause = "it was never downloaded, or MODELS_DIR names another folder"
        if missing.files:
            cause = "it was pulled in part, or somebody removed it"
        yield Finding(
            "model.present",
            Severity.ERROR,
            missing.service,
            f"its model is not there: {missing.path}" + _more(missing.files),
            evidence=_few(missing.files, ", ") if len(missing.files) > 1 else "",
            cause=cause,
            fix=missing.fetch,
            values={"path": missing.path, "files": list(missing.files)},
        )


def damage(facts: Facts, check: str) -> Iterable[Finding]:
    for damaged in facts.damaged_models:
        name, summary, cause = _DAMAGES[damaged.damage]
        if name == check:
            yield Finding(
                name,
                Severity.ERROR,
                damaged.service,
                f"{summary}: {damaged.path}",
                evidence=_few(damaged.problems, "; "),
                cause=cause,
                fix=damaged.fetch,
                values={
                    "path": damaged.path,
                    "problems": list(damaged.problems),
                    "damage": damaged.damage,
                },
            )


def whole(facts: Facts) -> Iterable[Finding]:
    return damage(facts, "model.whole")


def right(facts: Facts) -> Iterable[Finding]:
    return damage(facts, "model.hash")


def readable(facts: Facts) -> Iterable[Finding]:
    return damage(facts, "model.readable")


def published(facts: Facts) -> Iterable[Finding]:
    return damage(facts, "model.published")


def unsure(facts: Facts) -> Iterable[Finding]:
    for each in facts.unsure_models:
        yield Finding(
            "model.unsure",
            Severity.WARNING,
            each.service,
            f"its model changed since its last hash: {each.path}" + _more(each.files),
            evidence=_few(each.files, ", ") if len(each.files) > 1 else "",
            cause="it was written, copied or restored, or never hashed; size and structure are "
            "right",
            fix=each.check,
            values={"path": each.path, "files": list(each.files)},
        )


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _few(texts: Sequence[str], between: str) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return between.join(texts[:_SHOWN]) + more


CHECKS = (
    Check("model.lock", "The lock of the models can be read", Phase.BOTH, lock),
    Check("model.present", "The model files are there", Phase.BOTH, present),
    Check("model.whole", "The model files have their full structure", Phase.BOTH, whole),
    Check("model.hash", "The last hash of each model file was right", Phase.BOTH, right),
    Check("model.readable", "The model files can be read", Phase.BOTH, readable),
    Check("model.published", "What the publisher has is a whole model", Phase.BOTH, published),
    Check("model.unsure", "No model file changed since its last hash", Phase.RUNNING, unsure),
)
