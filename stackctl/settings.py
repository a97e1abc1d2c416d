"""Env files and the environment -> Settings. The only reader of os.environ.

Layers, the later wins: env/images.env, the hardware profile, env/stack.env, the environment.
Compose reads the same files in the same order (`--env-file`), so both agree.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from stackctl.model import Hardware, StackError

#: names of publishers' mirrors and tokens, as their own tools call them; ours is Ollama's
ENDPOINTS = ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "OLLAMA_REGISTRY")
TOKENS = ("HF_TOKEN", "MODELSCOPE_API_TOKEN")
#: where `verify --record` tells what it saw; the addresses have passwords and tokens in them
ADDRESSES = ("STACKCTL_ALERT_URLS", "STACKCTL_PING_URL")
METRICS_FILE = "STACKCTL_METRICS_FILE"
#: user and group `haproxy` of the official image
NOBODYS = (99, 99)
SECRETS = (*TOKENS, *ADDRESSES)
_PORT = re.compile(r".*_PORT$")
#: ends of names, and the two values there are
_EITHER = {"GATEWAY_COUNT_STREAMS": ("yes", "no"), "_TOOLS": ("native", "emulated")}
_COUNT = re.compile(r".*(?:_CONTEXT|_VRAM_MIB|_COUNT|_MIB|_SLOTS|_QUEUE)$")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stack's files are and what the owner chose. `environ` is for child programs."""

    root: Path
    profile: str
    env_files: tuple[Path, ...]
    values: Mapping[str, str]
    environ: Mapping[str, str]

    @property
    def compose_file(self) -> Path:
        return self.root / "compose" / "compose.yaml"

    @property
    def state(self) -> Path:
        return self.root / ".stackctl"

    @property
    def models_dir(self) -> Path:
        """Compose resolves a relative path from the file that names it, so we do as well."""
        return (self.root / "compose" / "engines" / self.values["MODELS_DIR"]).resolve()


def find_root() -> Path:
    """The clone's folder: STACKCTL_HOME, else the one we were installed from, else upwards."""
    named = os.environ.get("STACKCTL_HOME")
    if named:
        if not (Path(named) / "compose" / "compose.yaml").is_file():
            raise StackError(
                f"STACKCTL_HOME={named}: no compose/compose.yaml there",
                fix="set STACKCTL_HOME to the folder of your clone",
                exit_code=2,
            )
        return Path(named).resolve()
    here = Path(__file__).resolve().parent.parent
    for folder in (here, *[Path.cwd(), *Path.cwd().parents]):
        if (folder / "compose" / "compose.yaml").is_file():
            return folder
    raise StackError(
        "no compose/compose.yaml here or above",
        fix="go to the folder of your clone, or set STACKCTL_HOME to it",
        exit_code=2,
    )


def hardware_profiles(root: Path) -> tuple[Hardware, ...]:
    """All profiles of env/hardware."""
    found = []
    for path in sorted((root / "env" / "hardware").glob("*.env")):
        values = read_env(path)
        found.append(
            Hardware(
                path.stem,
                values.get("HARDWARE_GPU_NAME", ""),
                int(values.get("HARDWARE_GPU_COUNT", "0")),
                int(values.get("HARDWARE_GPU_MIB", "0")),
            )
        )
    return tuple(found)


def chosen_profile(root: Path) -> str:
    """The profile that the owner named; empty if it is to be chosen by the hardware."""
    own = root / "env" / "stack.env"
    values = read_env(own) if own.is_file() else {}
    return os.environ.get("STACKCTL_PROFILE") or values.get("STACKCTL_PROFILE", "")


@dataclass(frozen=True, slots=True)
class Recording:
    """Where a run is remembered, and who is told. The addresses are secrets."""

    folder: Path
    alert_urls: tuple[str, ...] = field(default=(), repr=False)
    ping_url: str = field(default="", repr=False)
    metrics_file: Path | None = None


def recording(root: Path) -> Recording:
    """What `verify --record` is to do; as verify, it needs no hardware profile."""
    own = root / "env" / "stack.env"
    values = read_env(own) if own.is_file() else {}
    for key in (*ADDRESSES, METRICS_FILE):
        if key in os.environ:
            _check(f"environment: {_shown(key, os.environ[key])}", key, os.environ[key])
            values[key] = os.environ[key]
    file = values.get(METRICS_FILE, "")
    return Recording(
        root / ".stackctl",
        tuple(dict.fromkeys(values.get("STACKCTL_ALERT_URLS", "").split())),
        values.get("STACKCTL_PING_URL", "").strip(),
        root / file if file else None,
    )


def gateway_user(root: Path) -> tuple[int, int]:
    """User and group of the gateway: the clone's owner, who then may speak to it; never root."""
    stat = root.stat()
    return (stat.st_uid, stat.st_gid) if stat.st_uid else NOBODYS


def chosen_project(named: str | None) -> str:
    """The Compose project to look at: the one named, else that of the environment; "" is all."""
    return os.environ.get("COMPOSE_PROJECT_NAME", "") if named is None else named


def variable(name: str) -> str:
    """An environment variable that the user named; empty if it is not set."""
    return os.environ.get(name, "")


def load(root: Path, profile: str) -> Settings:
    """Settings for one hardware profile; every value checked."""
    hardware = root / "env" / "hardware" / f"{profile}.env"
    if not hardware.is_file():
        known = ", ".join(sorted(p.stem for p in hardware.parent.glob("*.env")))
        raise StackError(
            f"STACKCTL_PROFILE={profile}: there is no {hardware.relative_to(root)}",
            fix=f"choose one of: {known}",
            exit_code=2,
        )
    files = [root / "env" / "images.env", hardware]
    if (root / "env" / "stack.env").is_file():
        files.append(root / "env" / "stack.env")
    values = {"MODELS_DIR": "../../models"}
    for path in files:
        values |= read_env(path)
    own = {key: value for key, value in os.environ.items() if key in values or _knob(root, key)}
    for key, value in own.items():
        _check(f"environment: {_shown(key, value)}", key, value)
    values |= own
    _check_choices(root, values)
    environ = dict(os.environ) | {
        "COMPOSE_PROFILES": values.get("COMPOSE_PROFILES", ""),
        "GATEWAY_USER": ":".join(map(str, gateway_user(root))),
    }
    return Settings(root, profile, tuple(files), values, environ)


def read_env(path: Path) -> dict[str, str]:
    """One env file, each line checked: a line that Compose would not read as we do is an error."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StackError(f"{path}: no such file", fix="git checkout -- env", exit_code=2) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(
            f"{path}: cannot be read: {error}", fix="save it as UTF-8 text", exit_code=2
        ) from None
    with path.open(encoding="utf-8-sig") as stream:
        for binding in parse_stream(stream):
            if binding.error:
                bad = binding.original.string
                above = bad[: len(bad) - len(bad.lstrip())].count("\n")  # blank lines belong to it
                raise _bad(path, binding.original.line + above, bad.strip())
    values = {
        key: value
        for key, value in dotenv_values(path, interpolate=False, encoding="utf-8-sig").items()
        if value is not None
    }
    lines = text.splitlines()
    for key, value in values.items():
        line = next(
            (n for n, t in enumerate(lines, 1) if re.match(rf"\s*(export )?{key}\s*=", t)), 0
        )
        _check(f"{path.parent.name}/{path.name}:{line}: {_shown(key, value)}", key, value)
    return values


def variables(paths: Sequence[Path]) -> dict[str, str]:
    """What Compose would resolve `${…}` of a stranger's file with: env files, the environment."""
    values: dict[str, str] = {}
    for path in paths:
        try:
            found = dotenv_values(path, encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise StackError(
                f"{path}: cannot be read: {error}", fix="save it as UTF-8 text", exit_code=2
            ) from None
        if not path.is_file():
            raise StackError(f"{path}: no such file", fix=f"ls {path.parent}", exit_code=2)
        values |= {key: value for key, value in found.items() if value is not None}
    return values | dict(os.environ)


def _knob(root: Path, key: str) -> bool:
    """Whether Compose would take this variable of the environment for one of our knobs."""
    roles = "|".join(role.upper() for role in _names(root, "roles"))
    if key in (*ENDPOINTS, *SECRETS, METRICS_FILE):
        return True
    names = "ENGINE|PORT|CONTEXT|VRAM_MIB|SOURCE|ALIASES|SLOTS|QUEUE|TOOLS"
    gateway = "GATEWAY_(BIND|HTTP_BIND|HTTP_PORT|ACME_BIND|ACME_PORT|METRICS_PORT|COUNT_STREAMS)"
    return bool(re.fullmatch(rf"BIND_ADDRESS|{gateway}|({roles})_({names})", key))


def _names(root: Path, folder: str) -> list[str]:
    return sorted(path.stem for path in (root / "compose" / folder).glob("*.yaml"))


def _shown(key: str, value: str) -> str:
    """A setting in an error; a secret keeps its value to itself."""
    return key if key in SECRETS else f"{key}={value}"


def _check(where: str, key: str, value: str) -> None:
    if "$" in value:
        raise StackError(
            f"{where}: '$' means different things to Compose and to us",
            fix="write the value out",
            exit_code=2,
        )
    if _PORT.match(key) and not (value.isdecimal() and 0 < int(value) < 65536):
        raise StackError(f"{where}: not a port", fix="a number from 1 to 65535", exit_code=2)
    if key == "BIND_ADDRESS" or re.fullmatch(r"GATEWAY_(HTTP_|ACME_)?BIND", key):
        try:
            ipaddress.ip_address(value)
        except ValueError:
            raise StackError(
                f"{where}: not an IP address",
                fix="127.0.0.1, or an address of this machine",
                exit_code=2,
            ) from None
    for name, (one, other) in _EITHER.items():
        if key.endswith(name) and value not in (one, other, ""):
            said = f"{where}: neither {one} nor {other}"
            raise StackError(said, fix=f"{one} or {other}", exit_code=2)
    if key in ENDPOINTS and value and not re.fullmatch(r"https?://[^\s@/]+(/[^\s@]*)?", value):
        raise StackError(
            f"{where}: not the address of a publisher",
            fix="https://HOST, without a user or a password in it",
            exit_code=2,
        )
    if _COUNT.match(key) and not (value.isdecimal() and int(value) > 0):
        raise StackError(f"{where}: not a number", fix="a whole number above 0", exit_code=2)


def _check_choices(root: Path, values: Mapping[str, str]) -> None:
    """Engines and roles must exist: Compose ignores an unknown role without a word."""
    roles = _names(root, "roles")
    engines = [name for name in _names(root, "engines") if name != "base"]
    for role in filter(None, values.get("COMPOSE_PROFILES", "").split(",")):
        if role not in roles:
            raise StackError(
                f"COMPOSE_PROFILES names {role!r}, which is no role",
                fix=f"choose from: {', '.join(roles)}",
                exit_code=2,
            )
    for key, value in values.items():
        if key.endswith("_ENGINE") and value not in engines:
            raise StackError(
                f"{key}={value}: there is no such engine",
                fix=f"choose one of: {', '.join(engines)}",
                exit_code=2,
            )


def _bad(path: Path, line: int, text: str) -> StackError:
    if any(secret in text for secret in SECRETS):
        text = text.partition("=")[0] + "=..."
    return StackError(
        f"{path.parent.name}/{path.name}:{line}: cannot be read: {text}",
        fix="write NAME=value, one a line",
        exit_code=2,
    )
