"""`stackctl lint`: mistakes in compose files and engine commands, before a load of five minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackctl import lint as core
from stackctl import report, settings
from stackctl.commands import plan, vllm_flags
from stackctl.lint import render
from stackctl.model import Severity, StackError
from stackctl.settings import Settings
from stackctl.system import files, terminal


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is looked at, and with which variables."""

    project: core.Project
    env: Mapping[str, str]
    active: frozenset[str] | None
    gpu_mib: int


@dataclass(frozen=True, slots=True)
class _Result:
    """What was found in one file, or what is left of it; `corrected` are texts by file."""

    found: Sequence[core.Issue]
    judges: frozenset[str]
    services: int
    fixed: Sequence[core.Issue] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)


def lint(
    paths: Sequence[str],
    *,
    command: str | None,
    env_files: Sequence[str],
    write: bool,
    as_json: bool,
) -> int:
    """Lint the files, or our own stack. 1 if an error is left."""
    results = [
        _examined(scope, write=write, correct=write or command is not None)
        for scope in _scopes(paths, command, env_files)
    ]
    found = [issue for result in results for issue in result.found]
    if write and command is None:
        for result in results:
            for name, text in result.corrected.items():
                files.rewrite(Path(name), text)
    if as_json:
        terminal.out(_json(results))
    else:
        terminal.out(_text(results))
        if command is not None:
            terminal.out("\n" + results[0].corrected.get("command", command))
    return 1 if any(issue.severity is Severity.ERROR for issue in found) else 0


def list_rules(*, as_json: bool) -> int:
    """The rules there are."""
    if as_json:
        terminal.out(json.dumps([{"id": r.id, "title": r.title} for r in core.RULES], indent=2))
    else:
        terminal.out(report.table(("RULE", "WHAT"), [(r.id, r.title) for r in core.RULES]))
    return 0


def errors(config: Settings, service: str) -> list[str]:
    """What is wrong with one service of our own stack under these settings, in words."""
    scope = _own(config)
    mine = tuple(each for each in scope.project.services if each.name == service)
    found, _ = _judged(scope, replace(scope.project, services=mine))
    return [f"{i.summary}  [{i.rule}]" for i in found if i.severity is Severity.ERROR]


def _scopes(paths: Sequence[str], command: str | None, env_files: Sequence[str]) -> list[_Scope]:
    if command is not None:
        if paths:
            raise StackError(
                "--command and compose files exclude each other",
                fix="run stackctl lint twice",
                exit_code=2,
            )
        return [_Scope(core.load_command(command), {}, None, 0)]
    if paths:
        return [_stranger(path, env_files) for path in paths]
    return [_own(plan.load())]


def _own(config: Settings) -> _Scope:
    env = {**config.environ, **config.values}
    name = str(config.compose_file)
    if config.compose_file.is_relative_to(Path.cwd()):
        name = str(config.compose_file.relative_to(Path.cwd()))
    return _scope(name, env)


def _stranger(path: str, env_files: Sequence[str]) -> _Scope:
    """Compose itself reads `.env` beside the file, unless env files are named."""
    beside = Path(path).parent / ".env"
    chosen = [Path(name) for name in env_files] or ([beside] if beside.is_file() else [])
    return _scope(path, settings.variables(chosen))


def _scope(name: str, env: Mapping[str, str]) -> _Scope:
    source = core.Source(name, files.read(Path(name)))
    profiles = env.get("COMPOSE_PROFILES", "")
    mib = env.get("HARDWARE_GPU_MIB", "")
    return _Scope(
        core.load(source, env, _other),
        env,
        frozenset(profiles.split(",")) if profiles else None,
        int(mib) if mib.isdecimal() else 0,
    )


def _other(name: str) -> str | None:
    """A file that is included or extended; None where there is none, which is Compose's to tell."""
    try:
        return files.read(Path(name))
    except StackError:
        return None


def _load(scope: _Scope, texts: Mapping[str, str]) -> core.Project:
    first = scope.project.sources[0]
    if first.name == "command":
        return core.load_command(texts["command"])
    return core.load(
        core.Source(first.name, texts[first.name]),
        scope.env,
        lambda name: texts[name] if name in texts else _other(name),
    )


def _examined(scope: _Scope, *, write: bool, correct: bool) -> _Result:
    project = scope.project
    issues, judges = _judged(scope, project)
    if not correct:
        return _Result(issues, judges, len(project.services))
    # vLLM's verdict is on the old words; while they change the table serves, and vLLM in the end
    quick = core.Known(scope.gpu_mib)
    before = {source.name: source.text for source in project.sources}
    texts, done = core.fix(
        before, lambda texts: core.examine(_load(scope, texts), quick, scope.active)
    )
    if write and texts != before:
        issues, judges = _judged(scope, _load(scope, texts))
    corrected = {name: text for name, text in texts.items() if text != before[name]}
    return _Result(issues, judges, len(project.services), done if write else (), corrected)


def _judged(scope: _Scope, project: core.Project) -> tuple[list[core.Issue], frozenset[str]]:
    verdicts = vllm_flags.ask(core.vllm_arguments(project.services))
    issues = core.examine(project, core.Known(scope.gpu_mib, verdicts), scope.active)
    return issues, frozenset(vllm_flags.judges(project.services, verdicts))


def _text(results: Sequence[_Result]) -> str:
    found = [issue for result in results for issue in result.found]
    blocks = [
        f"fixed: {i.span}: {i.service}: {i.summary}  [{i.rule}]" for r in results for i in r.fixed
    ]
    blocks += [render.text(issue) + "\n" for issue in found]
    judges = {judge for result in results for judge in result.judges}
    blocks += [f"vLLM's flags were checked by {judge}" for judge in sorted(judges)]
    return "\n".join([*blocks, render.summary(found, sum(r.services for r in results))])


def _json(results: Sequence[_Result]) -> str:
    found = [issue for result in results for issue in result.found]
    return report.as_json(
        [issue.finding(render.lines(issue)) for issue in found],
        ok=not any(issue.severity is Severity.ERROR for issue in found),
        fixed=[
            {"rule": i.rule, "service": i.service, "summary": i.summary}
            for result in results
            for i in result.fixed
        ],
        vllm_flags_checked_by=sorted({judge for result in results for judge in result.judges}),
        corrected=next((r.corrected["command"] for r in results if "command" in r.corrected), None),
    )
