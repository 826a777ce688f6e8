"""The indexes that ``pip install NAME`` and ``npm install NAME`` ask, read from their words.

One page for each name: PEP 503's project page, and the registry's document of a package. What
a file names (``-r``), a URL or a path is left out, and so is what is asked of an index that is
not known: a variable or a configuration file may name another one, and a name that only a
private index has must not be told to the public one. Specifications: PEP 503, PEP 508, the
manuals of pip's and npm's ``install`` and ``config``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drift.source.dockerfile.addresses import web_address
from drift.source.dockerfile.options import OPERAND, Syntax, read
from drift.source.model import RemoteKind
from drift.source.shell import Invocation

PUBLIC = {
    RemoteKind.PYPI: "https://pypi.org/simple/",
    RemoteKind.NPM: "https://registry.npmjs.org/",
}
# Variables that name an index, or a file that may.
VARIABLES = (
    "PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_CONFIG_FILE", "npm_config_registry",
    "NPM_CONFIG_REGISTRY", "npm_config_userconfig", "NPM_CONFIG_USERCONFIG",
    "npm_config_globalconfig", "NPM_CONFIG_GLOBALCONFIG",
)  # fmt: skip

# fmt: off
_PIP = Syntax("cCefirt", frozenset({
    "--abi", "--cache-dir", "--cert", "--client-cert", "--config-settings", "--constraint",
    "--editable", "--exists-action", "--extra-index-url", "--find-links", "--global-option",
    "--group", "--hash", "--implementation", "--index-url", "--keyring-provider", "--log",
    "--no-binary", "--only-binary", "--platform", "--prefix", "--progress-bar", "--proxy",
    "--pypi-url", "--python", "--python-version", "--report", "--requirement", "--retries",
    "--root", "--root-user-action", "--src", "--target", "--timeout", "--trusted-host",
    "--upgrade-strategy", "--use-deprecated", "--use-feature",
}))
_NPM = Syntax("CLw", frozenset({
    "--before", "--cache", "--cafile", "--cpu", "--depth", "--fetch-retries", "--fetch-timeout",
    "--globalconfig", "--https-proxy", "--include", "--install-strategy", "--libc", "--location",
    "--loglevel", "--maxsockets", "--noproxy", "--omit", "--only", "--os", "--prefix", "--proxy",
    "--registry", "--save-prefix", "--scope", "--script-shell", "--tag", "--userconfig",
    "--workspace",
}))
# fmt: on
_PIP_PROGRAM = re.compile(r"pip[0-9.]*")
_PYTHON = re.compile(r"python[0-9.]*")
_NPM_INSTALL = frozenset({"install", "i", "in", "ins", "inst", "add"})
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*"
    r"(?:\[[^\]]*\])?\s*(?:\(?(?:[=!~]=|[<>])[^@/]*)?(?:;.*)?",
    re.DOTALL,
)
_LONGEST = 500  # characters of a word that is read
_ARCHIVE = re.compile(r".*\.(whl|zip|tgz|tar|tar\.\w+)", re.IGNORECASE)
_PACKAGE = re.compile(
    r"(?:[^@/:]+@npm:)?(?P<name>(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*)"
    r"(?:@[^/:]*)?",
    re.IGNORECASE,
)


def normalized_name(name: str) -> str:
    """A Python project's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of an index that a command asks: whose it is, by its purl's name, and where."""

    kind: RemoteKind
    name: str
    url: str


def asked(invocations: Sequence[Invocation], *, configured: bool = False) -> Iterator[Asked]:
    """What the commands of one script ask of indexes.

    ``configured``: a file that is not known may name another index than the public one.
    """
    known = dict(PUBLIC) if not configured else {}
    for invocation in invocations:
        tool = _tool(invocation.words)
        if tool is None:
            continue
        kind, words = tool
        if words[:1] == ["config"] or words[:1] == ["set"]:
            known.pop(kind, None)  # it may set the index of those that follow
        elif kind is RemoteKind.PYPI:
            yield from _pip(words, invocation.given, known.get(kind))
        else:
            yield from _npm(words, invocation.given, known.get(kind))


def _tool(words: Sequence[str | None]) -> tuple[RemoteKind, list[str | None]] | None:
    name = posixpath.basename(words[0] or "") if words else ""
    if _PYTHON.fullmatch(name) and list(words[1:3]) == ["-m", "pip"]:
        return RemoteKind.PYPI, list(words[3:])
    if _PIP_PROGRAM.fullmatch(name):
        return RemoteKind.PYPI, list(words[1:])
    return (RemoteKind.NPM, list(words[1:])) if name == "npm" else None


def _pip(
    words: Sequence[str | None], given: Mapping[str, str | None], known: str | None
) -> Iterator[Asked]:
    options = list(read(words, _PIP))
    command, names = _operands(options)
    if command != "install" or given.get("PIP_NO_INDEX") or _has(options, "--no-index"):
        return
    files = "PIP_CONFIG_FILE" in given
    index = _index(options, ("-i", "--index-url", "--pypi-url"), given, files, known)
    for word in names if index else ():
        found = _name(_REQUIREMENT, word)
        if found:
            name = normalized_name(found)
            yield Asked(RemoteKind.PYPI, name, f"{index}{name}/")


def _npm(
    words: Sequence[str | None], given: Mapping[str, str | None], known: str | None
) -> Iterator[Asked]:
    options = list(read(words, _NPM))
    command, names = _operands(options)
    if command not in _NPM_INSTALL:
        return
    files = any(name.lower().endswith("config") for name in given) or _has(
        options, "--userconfig", "--globalconfig"
    )
    index = _index(options, ("--registry",), given, files, known)
    scoped = any((option or "").startswith("--@") for option, _ in options)
    for word in names if index else ():
        name = _name(_PACKAGE, word)
        if name and not (scoped and name[0] == "@"):
            yield Asked(RemoteKind.NPM, name, f"{index}{name.replace('/', '%2f')}")


def _name(pattern: re.Pattern[str], word: str) -> str | None:
    """The name that a word asks for; None where it is a path, a URL or an archive."""
    if len(word) > _LONGEST or _ARCHIVE.fullmatch(word):
        return None
    found = pattern.fullmatch(word)
    return found["name"] if found else None


def _operands(options: Sequence[tuple[str, str | None]]) -> tuple[str, list[str]]:
    """The subcommand, and the literal words that follow it."""
    words = [value or "" for option, value in options if option == OPERAND]
    return (words[0], words[1:]) if words else ("", [])


def _has(options: Sequence[tuple[str, str | None]], *names: str) -> bool:
    return any(option in names for option, _ in options)


def _index(
    options: Sequence[tuple[str, str | None]],
    names: tuple[str, ...],
    given: Mapping[str, str | None],
    files: bool,
    known: str | None,
) -> str | None:
    """The index's URL with a slash at its end: as an option says, a variable, or as is known."""
    said = [value for option, value in options if option in names]
    said = said or [
        value for name, value in given.items() if name.lower().endswith(("index_url", "registry"))
    ]
    if len(set(said)) > 1 or (not said and files):
        return None
    url = said[0] if said else known
    address = web_address(url) if url else None
    if address is None or "@" in (url or "").partition("://")[2].partition("/")[0]:
        return None  # what it serves without the credentials is another thing
    return None if "?" in address else address.rstrip("/") + "/"
