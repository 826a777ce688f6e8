"""What `drift init` writes: a drift.toml for the Dockerfiles and compose files of a repository.

Compose files are untrusted: they are parsed safely, up to a size, and those whose
aliases stand for too much are refused. Specification: the Compose Build Specification.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from drift.config.places import is_git_url
from drift.errors import ConfigError

LARGEST = 1 << 20  # bytes of a compose file
MOST_NODES = 100_000  # of a compose file, its aliases followed
MOST = 500  # images that are proposed
_DIRECTORIES = {"node_modules", "vendor", "third_party", "venv", "site-packages", "reports"}
_DOCKERFILES = ("Dockerfile", "*.Dockerfile", "Dockerfile.*", "Containerfile")
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose*.yaml", "docker-compose*.yml")
# What would come out otherwise without it, of the Compose Build Specification.
_LOST = ("additional_contexts", "labels", "privileged", "entitlements", "isolation", "ulimits")
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<rest>[^{}]*))?\})"
)
_HEAD = """\
# drift.toml: the images that drift builds each night. `drift schema config` lists all keys.
# Relative paths are relative to this file; ${NAME} is the environment variable's value.

[engine]
# builder = "auto"        # auto | buildkit | classic
# jobs = 2                # builds at once
# timeout = "60m"         # for one build

[policy]
# fail_on = ["external", "unexplained", "broken"]  # what flags an image
# tolerate = ["package-index"]                     # reported, but never flags

# [[ignore]]              # paths left out of the comparison
# path = "/var/log/**"
# reason = "logs"
"""


@dataclass(slots=True)
class _Proposal:
    """One image to be, with notes on what was left out of it."""

    name: str
    source: str
    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _Unset(Exception):  # noqa: N818 - it says what is missing, and never leaves this module
    """A compose value needs a variable that has no default."""


def propose(root: Path) -> str:
    """The text of a commented drift.toml for what is found under a directory.

    The text loads without an error where it stands in ``root``. What was found but could
    not be taken is in its comments, with the reason.

    Raises:
        ConfigError: nothing that can be built was found.
    """
    skipped: list[str] = []
    files = sorted(_files(root, skipped))
    proposals: list[_Proposal] = []
    for file in files:
        if _named(file, _COMPOSE):
            proposals += _compose(root, file, skipped)
    covered = {os.path.normpath(Path(p.keys["context"], p.keys["dockerfile"])) for p in proposals}
    for file in files:
        if _named(file, _DOCKERFILES) and str(file) not in covered:
            proposals.append(_plain(root, file))
    if not proposals:
        reasons = "".join(f"\n{reason}" for reason in skipped)
        raise ConfigError(
            f"{root}: found no Dockerfile and no compose file that builds{reasons}",
            hint="add a Dockerfile, or write a drift.toml whose [[image]] has a git URL as context",
        )
    if len(proposals) > MOST:
        skipped.append(f"{len(proposals) - MOST} more images: only the first {MOST} are listed")
    return _text(_unique(proposals[:MOST]), skipped)


def _files(root: Path, skipped: list[str]) -> Iterator[Path]:
    """The Dockerfiles and compose files, relative; symbolic links are not followed."""
    ignored = _ignored(root)
    for folder, directories, names in os.walk(root):
        here = Path(folder).relative_to(root)
        for name in sorted(directories):
            if name in _DIRECTORIES or name.startswith(".") or ignored(f"{here / name}/"):
                directories.remove(name)
                if not name.startswith("."):
                    skipped.append(f"{here / name}/: vendored, generated or ignored by git")
        for name in names:
            file = here / name
            if _named(file, (*_DOCKERFILES, *_COMPOSE)) and not name.endswith(".dockerignore"):
                if ignored(str(file)) or not (root / file).is_file():
                    skipped.append(f"{file}: ignored by git, or not a file")
                else:
                    yield file


def _ignored(root: Path) -> Any:
    from pathspec import GitIgnoreSpec

    try:
        text = (root / ".gitignore").read_text(errors="replace")
        return GitIgnoreSpec.from_lines(text.splitlines()).match_file
    except (OSError, ValueError):
        return lambda _: False


def _named(file: Path, patterns: Iterable[str]) -> bool:
    return any(fnmatch(file.name, pattern) for pattern in patterns)


def _plain(root: Path, file: Path) -> _Proposal:
    folder = file.parent
    stem = re.sub(r"^(Dockerfile|Containerfile)\.?|\.Dockerfile$", "", file.name)
    name = "-".join(part for part in (folder.name or root.resolve().name, stem) if part)
    keys = {"context": folder.as_posix(), "dockerfile": file.name}
    return _Proposal(name, str(file), keys)


def _compose(root: Path, file: Path, skipped: list[str]) -> Iterator[_Proposal]:
    try:
        document = _yaml(root / file)
    except (OSError, ValueError, RecursionError) as error:
        skipped.append(f"{file}: {' '.join(str(error).split())[:200] or 'nested too deeply'}")
        return
    services = document.get("services") if isinstance(document, dict) else None
    for name, service in services.items() if isinstance(services, dict) else ():
        build = service.get("build") if isinstance(service, dict) else None
        if build is None:
            continue
        try:
            proposal = _service(root, file, str(name), service, build)
            _secrets(proposal, file, build, document.get("secrets"))
            yield proposal
        except (_Unset, ValueError, TypeError, OSError) as error:
            skipped.append(f"{file}, service {str(name)[:80]}: {str(error)[:200]}")


def _yaml(file: Path) -> Any:
    import yaml

    with file.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    try:
        if _extent(yaml.compose(content, Loader=yaml.SafeLoader), {}) > MOST_NODES:
            raise ValueError("its aliases stand for too much")
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML that is safe to read: {error}") from None


def _extent(node: Any, known: dict[int, int]) -> int:
    """How many nodes a YAML node stands for once its aliases are followed."""
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # what an alias to itself would see
        inner = node.value if isinstance(getattr(node, "value", None), list) else []
        flat = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_extent(part, known) for part in flat)
    return known[id(node)]


def _service(root: Path, file: Path, name: str, service: Any, build: Any) -> _Proposal:
    entry = build if isinstance(build, dict) else {"context": build}
    context = _expanded(entry.get("context", "."))
    if "dockerfile_inline" in entry:
        raise ValueError("dockerfile_inline has no file to build from")
    proposal = _Proposal(name, f"{file}, service {name}")
    if not is_git_url(context):
        context = os.path.normpath(file.parent / context)
    dockerfile = _expanded(entry.get("dockerfile", "Dockerfile"))
    proposal.keys = {"context": context, "dockerfile": dockerfile}
    if not is_git_url(context) and not (root / context / dockerfile).is_file():
        raise ValueError(f"there is no {dockerfile} in {context}")
    _settings(proposal, service, entry)
    return proposal


def _settings(proposal: _Proposal, service: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    from drift.config import units

    platforms = entry.get("platforms") or [service.get("platform")]
    wanted: dict[str, tuple[Any, Any]] = {
        "tags": ([service["image"]] if service.get("image") else None, units.reference),
        "target": (entry.get("target"), str),
        "platform": (platforms[0] if isinstance(platforms, list) else None, units.platform),
        "network": (entry.get("network"), str),
        "shm_size": (entry.get("shm_size"), units.size),
        "extra_hosts": (_pairs(entry.get("extra_hosts"), ":"), units.host),
        "ssh": (_pairs(entry.get("ssh"), "="), units.identifier),
    }
    for key, (value, check) in wanted.items():
        if value is None or value == []:
            continue
        try:
            texts = [_expanded(item) for item in (value if isinstance(value, list) else [value])]
            for text in texts:
                check(text)
            proposal.keys[key] = texts if isinstance(value, list) else texts[0]
        except (_Unset, ValueError) as error:
            proposal.notes.append(f"{key} left out: {error}")
    lost = [f"{key} left out: drift.toml has no such key" for key in _LOST if entry.get(key)]
    proposal.notes.extend(lost)
    if isinstance(platforms, list) and len(platforms) > 1:
        proposal.notes.append("several platforms: the first is built")
    proposal.keys["args"] = _args(proposal, entry.get("args"))


def _secrets(proposal: _Proposal, file: Path, build: Any, defined: Any) -> None:
    """The secrets that a build mounts, from the compose file's own list of them."""
    from drift.config import units

    uses = build.get("secrets") if isinstance(build, dict) else None
    found: dict[str, dict[str, str]] = {}
    for use in uses if isinstance(uses, list) else []:
        source, name = (use.get("source"), use.get("target")) if isinstance(use, dict) else (use, 0)
        try:
            place = _place(file, defined.get(str(source)) if isinstance(defined, dict) else None)
            key = units.identifier(name or source)
            found[key] = {"id": key, **place}
        except (_Unset, ValueError) as error:
            proposal.notes.append(f"secret {str(source)[:80]} left out: {error}")
    if found:
        proposal.keys["secrets"] = list(found.values())


def _place(file: Path, definition: Any) -> dict[str, str]:
    """Where drift reads a secret, of how a compose file defines it."""
    given = definition if isinstance(definition, dict) else {}
    if given.get("file"):
        return {"file": os.path.normpath(file.parent / _expanded(given["file"]))}
    if given.get("environment"):
        return {"env": _expanded(given["environment"])}
    raise ValueError('no file or variable is named; add it, as { id = "…", file = "…" }')


def _args(proposal: _Proposal, args: Any) -> dict[str, str]:
    kept = {}
    for pair in _pairs(args, "="):
        name, given, value = str(pair).partition("=")
        try:
            kept[name] = _expanded(value if given else f"${{{name}}}")
        except (_Unset, ValueError) as error:
            proposal.notes.append(f"argument {name} left out: {error}")
    return kept


def _pairs(value: Any, separator: str) -> list[Any]:
    """A list as it is; of a mapping, ``key SEPARATOR value``, or the key where it has no value."""
    if isinstance(value, dict):
        return [
            str(key) if item is None else f"{key}{separator}{_scalar(item)}"
            for key, item in value.items()
        ]
    return value if isinstance(value, list) else []


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise ValueError("expected a single value")  # noqa: TRY004 - it is the input's
    return str(value)


def _expanded(value: object) -> str:
    """A compose value with its variables' defaults; never the environment of this moment."""

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["operator"] in ("-", ":-"):
            return str(match["rest"])
        if match["operator"] in ("+", ":+"):
            return ""
        raise _Unset(f"the variable {match['plain'] or match['name']} has no default")

    text = _VARIABLE.sub(replace, _scalar(value))
    if "\0" in text or not text.isprintable():
        raise ValueError("a value with control characters")
    return text


def _unique(proposals: Iterable[_Proposal]) -> Iterator[_Proposal]:
    taken: set[str] = set()
    for proposal in proposals:
        base = re.sub(r"[^a-z0-9]+", "-", proposal.name.lower()).strip("-")[:50].strip("-")
        base = name = base or "image"
        count = 1
        while name in taken:
            count += 1
            name = f"{base}-{count}"
        taken.add(name)
        proposal.name = name
        yield proposal


def _text(proposals: Iterable[_Proposal], skipped: Iterable[str]) -> str:
    parts = [_HEAD]
    for proposal in proposals:
        lines = [_comment(f"from {proposal.source}"), *map(_comment, proposal.notes)]
        lines += ["[[image]]", f"name = {_toml(proposal.name)}"]
        lines += [f"{key} = {_toml(value)}" for key, value in proposal.keys.items() if value]
        parts.append("\n".join(lines) + "\n")
    left = [_comment(f"  {reason}") for reason in skipped]
    if left:
        parts.append("\n".join(["# Skipped:", *left]) + "\n")
    return "\n".join(parts)


def _comment(text: str) -> str:
    return "# " + "".join(c if c.isprintable() else "?" for c in text)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(str(value).replace("${", "$${"), ensure_ascii=False)
