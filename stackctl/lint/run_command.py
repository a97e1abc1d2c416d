"""One command line -> a service: `docker run …`, or an engine started by hand.

Options: https://docs.docker.com/reference/cli/docker/container/run/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from stackctl.lint import command
from stackctl.lint.compose import by_image, mount_target, port_of
from stackctl.lint.issue import Source, Span
from stackctl.lint.run_editor import Option, ProcessEditor, RunEditor
from stackctl.lint.service import ALL, Gpus, Health, Published, Service, Value, mebibytes
from stackctl.lint.words import Unreadable, Word, split
from stackctl.model import StackError

_RUN = re.compile(r"(docker|podman|nerdctl)( container)? (run|create)")
#: options without a value
_SWITCHES = frozenset(
    f"--{name}"
    for name in (
        *("rm", "detach", "interactive", "tty", "privileged", "init", "read-only", "publish-all"),
        *("no-healthcheck", "oom-kill-disable", "quiet"),
    )
)
#: short option -> long
_SHORT = {"e": "--env", "p": "--publish", "v": "--volume", "l": "--label", "u": "--user"} | {
    "w": "--workdir",
    "h": "--hostname",
    "m": "--memory",
    "d": "--detach",
    "i": "--interactive",
    "t": "--tty",
    "P": "--publish-all",
}


def parse(source: Source) -> Service:
    """The service that a command line starts; a StackError when it starts none."""
    span = Span(source, 0, len(source.text))
    try:
        words = split(source.text, span, lambda text: text, script=True)
        docker = _docker_run(words)
        if docker:
            return _container(source, words, docker)
        invocation = command.find(words, "", "", {}, lambda text: text, script=True)
    except Unreadable as error:
        raise StackError(f"{source.name}:1: {error}", fix="close the quote", exit_code=2) from None
    if invocation is None:
        raise StackError(
            f"{source.name}: neither `docker run …` nor a command that starts a known engine",
            fix="e.g. --command 'vllm serve openai/gpt-oss-20b --port 8000'",
            exit_code=2,
        )
    env = {name: Value(text, word.span or span) for name, (text, word) in invocation.env.items()}
    return Service(
        name="",
        kind="process",
        span=invocation.words[0].span or span,
        editor=ProcessEditor(invocation),
        engine=invocation.engine,
        env=env,
        invocation=invocation,
        command_span=invocation.words[0].span,
    )


@dataclass(slots=True)
class _Docker:
    """`docker run` taken apart: its options, the image, and what stands behind."""

    first: int
    options: list[Option] = field(default_factory=list)
    image: Word | None = None
    rest: list[Word] = field(default_factory=list)

    def texts(self, *names: str) -> list[Option]:
        return [option for option in self.options if option.name in names]

    def last(self, name: str) -> Option | None:
        return next(iter(reversed(self.texts(name))), None)


def _docker_run(words: Sequence[Word]) -> _Docker | None:
    for index in range(len(words)):
        match = _RUN.match(" ".join(word.text for word in words[index : index + 3]))
        if match:
            return _options(words, index + len(match[0].split()))
    return None


def _options(words: Sequence[Word], first: int) -> _Docker:
    docker = _Docker(first)
    left = list(words[first:])
    while left and left[0].text.startswith("-") and len(left[0].text) > 1:
        word, left = left[0], left[1:]
        name, equals, value = word.text.partition("=")
        if not name.startswith("--"):
            # -it bundles switches, -p8000:8000 and -e NAME=x carry their value or take the next
            name, equals, value = _short(word.text)
        if equals or name in _SWITCHES or not left:
            docker.options.append(Option(name, value, (word,)))
        else:
            docker.options.append(Option(name, left[0].text, (word, left[0])))
            left = left[1:]
    if left and not left[0].operator:
        docker.image = left[0]
        end = next((i for i, w in enumerate(left) if w.operator), len(left))
        docker.rest = left[1:end]
    return docker


def _short(text: str) -> tuple[str, str, str]:
    for at, letter in enumerate(text[1:], 1):
        name = _SHORT.get(letter, f"-{letter}")
        if name not in _SWITCHES:
            return name, "=" if text[at + 1 :] else "", text[at + 1 :].removeprefix("=")
    return _SHORT.get(text[1:2], text), "", ""


def _container(source: Source, words: Sequence[Word], docker: _Docker) -> Service:
    whole = Span(source, 0, len(source.text))
    image = docker.image.text if docker.image else ""
    engine, entrypoint = by_image(image)
    replaced = docker.last("--entrypoint")
    line = [Word(replaced.value), *docker.rest] if replaced else docker.rest
    env = {}
    for option in docker.texts("--env"):
        key, _, text = option.value.partition("=")
        env[key] = Value(text, option.span or whole)
    labels = {}
    for option in docker.texts("--label"):
        key, _, text = option.value.partition("=")
        labels[key] = text
    invocation = command.find(
        line,
        engine,
        "" if replaced else entrypoint,
        {name: value.text for name, value in env.items()},
        lambda text: text,
    )
    ipc, shm, network = docker.last("--ipc"), docker.last("--shm-size"), docker.last("--network")
    network = network or docker.last("--net")
    driver = docker.last("--log-driver")
    ports = [port_of(Value(o.value, o.value_span or whole)) for o in docker.texts("--publish")]
    logs = {o.value.partition("=")[0]: o.value.partition("=")[2] for o in docker.texts("--log-opt")}
    name = docker.last("--name")
    return Service(
        name=name.value if name else "",
        kind="docker",
        span=words[docker.first - 1].span or whole,
        editor=RunEditor(docker.options, docker.image),
        image=Value(image, docker.image.span or whole) if docker.image else None,
        engine=labels.get("stackctl.engine") or engine or (invocation.engine if invocation else ""),
        env=env,
        invocation=invocation,
        command_span=docker.image.span if docker.image else whole,
        gpus=_gpus(docker, whole),
        runtime=_value(docker.last("--runtime"), whole),
        privileged=_value(docker.last("--privileged"), whole),
        shm_mib=mebibytes(shm.value) if shm else 0,
        ipc=ipc.value if ipc else "",
        ports=tuple(port for port in ports if isinstance(port, Published)),
        host_network=bool(network and network.value == "host"),
        mounts=tuple(_mounts(docker)),
        health=_health(docker, whole),
        log_driver=driver.value if driver else "",
        log_options=logs,
        labels=labels,
        passing=docker.last("--rm") is not None,
    )


def _value(option: Option | None, whole: Span) -> Value | None:
    return Value(option.value, option.span or whole) if option else None


def _gpus(docker: _Docker, whole: Span) -> Gpus:
    asked = docker.last("--gpus")
    if asked:
        span = asked.span or whole
        match = re.search(r"device=([\w,/.=:-]+)", asked.value)
        if match:
            bare = "," in match[1] and not asked.value.startswith('"')
            return Gpus(tuple(filter(None, match[1].split(","))), 0, span, bare)
        if "all" in asked.value or not asked.value.isdecimal():
            return Gpus((), ALL, span)
        return Gpus((), int(asked.value[:6]), span)
    ids = []
    for option in docker.texts("--device"):
        path = option.value.partition(":")[0]
        match = re.fullmatch(r"(?:nvidia\.com/gpu=|/dev/nvidia(?=\d))([\w-]+)", path)
        if match or option.value.startswith("nvidia.com/gpu="):
            ids.append(match[1] if match else option.value.partition("=")[2])
    span = next((o.span for o in docker.texts("--device") if o.span), whole)
    return Gpus((), ALL, span) if "all" in ids else Gpus(tuple(ids), 0, span)


def _mounts(docker: _Docker) -> list[str]:
    targets = [mount_target(option.value) for option in docker.texts("--volume", "--tmpfs")]
    for option in docker.texts("--mount"):
        match = re.search(r"(?:target|dst|destination)=([^,]+)", option.value)
        targets += [match[1]] if match else []
    return targets


def _health(docker: _Docker, whole: Span) -> Health | None:
    check, off = docker.last("--health-cmd"), docker.last("--no-healthcheck")
    if off:
        return Health((), Value("", off.span or whole), off=True)
    if check is None:
        return None
    return Health(("CMD-SHELL", check.value), Value(check.value, check.span or whole))
