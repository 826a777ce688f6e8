"""The git repositories that commands take from: ``git clone``, and ``git+URL`` of pip and npm.

What a clone checks out afterwards is its ref, where that is literal. Specification: the manual
pages git-clone(1), git-fetch(1), pip's "VCS Support", npm-install(1).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from drift.source.dockerfile.addresses import git_address
from drift.source.dockerfile.options import OPERAND, Syntax, read
from drift.source.shell import Environment, Invocation

# fmt: off
_CLONE = Syntax("bocuj", frozenset({
    "--branch", "--origin", "--config", "--upload-pack", "--jobs", "--depth", "--reference",
    "--reference-if-able", "--shallow-since", "--shallow-exclude", "--separate-git-dir",
    "--template", "--server-option", "--filter", "--bundle-uri", "--revision", "--ref-format",
}))
_FETCH = Syntax("jo", frozenset({
    "--depth", "--deepen", "--shallow-since", "--shallow-exclude", "--jobs", "--upload-pack",
    "--filter", "--server-option", "--refmap", "--negotiation-tip", "--recurse-submodules-default",
}))
_GLOBAL = Syntax("Cc", frozenset({"--git-dir", "--work-tree", "--namespace", "--config-env"}))
# fmt: on
_CHECKOUT = Syntax("bB", frozenset({"--orphan", "--conflict", "--pathspec-from-file"}))
_PLUS = re.compile(r"(?:^|[\s@=,'\"\[])git\+(?P<url>(?:https?|ssh|git)://[^\s'\",\]]+)")
_INSTALLERS = frozenset(
    {"pip", "pipx", "uv", "python", "npm", "pnpm", "yarn", "poetry", "pipenv", "pdm"}
)
_NODE = frozenset({"npm", "pnpm", "yarn"})


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository that is taken, at which ref (None: HEAD), and where to.

    ``known`` is false where a ref is named that is not literal.
    """

    url: str
    ref: str | None = None
    target: str | None = None
    known: bool = True


def clones(invocations: Sequence[Invocation]) -> Iterator[Clone]:
    """The repositories that the commands of one script take from, in order."""
    reading = _Reading()
    for invocation in invocations:
        reading.read(invocation)
    return (clone for clone in reading.clones if clone.known)


class _Reading:
    def __init__(self) -> None:
        self.clones: list[Clone] = []
        self.remotes: dict[tuple[str | None, str], str] = {}

    def read(self, invocation: Invocation) -> None:
        words = invocation.words
        name = posixpath.basename(words[0] or "") if words else ""
        if name == "git":
            self._git(invocation)
        elif name.rstrip("0123456789.") in _INSTALLERS:
            for word in words[1:]:
                self.clones.extend(_installed(word or "", node=name in _NODE))

    def _git(self, invocation: Invocation) -> None:
        words, env = list(invocation.words[1:]), Environment(directory=invocation.directory)
        while words and (words[0] or "").startswith("-"):
            option = words.pop(0)
            if option in ("-C", "-c", "--git-dir", "--work-tree"):
                value = words.pop(0) if words else None
                if option == "-C":
                    env.directory = env.path(value) if value else None
        command, arguments = (words[0], words[1:]) if words else (None, [])
        if command == "clone":
            self._clone(arguments, env)
        elif command in ("checkout", "switch", "reset"):
            self._checkout(arguments, env)
        elif command == "remote" and arguments[:1] == ["add"]:
            self._remote([word for word in arguments[1:] if word != "-f"], env)
        elif command in ("fetch", "pull"):
            self._fetch(arguments, env)

    def _clone(self, arguments: Sequence[str | None], env: Environment) -> None:
        ref: str | None = None
        known, operands = True, []
        for option, value in read(arguments, _CLONE):
            if option in ("-b", "--branch", "--revision"):
                ref, known = value, value is not None
            elif option == OPERAND:
                operands.append(value)
        url = git_address(operands[0]) if operands and operands[0] else None
        if url is None:
            return
        directory = operands[1] if len(operands) > 1 else _humanish(url)
        target = env.path(directory) if directory else None
        self.clones.append(Clone(url, ref, target, known))

    def _remote(self, arguments: Sequence[str | None], env: Environment) -> None:
        if len(arguments) == 2 and arguments[0] and arguments[1]:
            url = git_address(arguments[1])
            if url is not None:
                self.remotes[env.directory, arguments[0]] = url

    def _fetch(self, arguments: Sequence[str | None], env: Environment) -> None:
        operands = [value for option, value in read(arguments, _FETCH) if option == OPERAND]
        if len(operands) < 2 or operands[0] is None:
            return
        source = operands[0]
        url = self.remotes.get((env.directory, source)) or git_address(source)
        ref = operands[1]
        if url is not None:
            name = ref.lstrip("+").partition(":")[0] if ref else None
            self.clones.append(Clone(url, name or None, env.directory, name is not None))

    def _checkout(self, arguments: Sequence[str | None], env: Environment) -> None:
        """What is checked out of the clone where we are: the last one, if nothing tells."""
        words: list[str | None] = []
        for word in arguments:
            if word == "--":
                return  # paths, or what comes before them is a ref and paths follow
            words.append(word)
        operands = [value for option, value in read(words, _CHECKOUT) if option == OPERAND]
        if len(operands) != 1 or operands == ["FETCH_HEAD"]:
            return
        at = self._clone_at(env.directory)
        if at is None:
            return
        ref = operands[0]
        if ref is not None:
            ref = ref.removeprefix("origin/")
        self.clones[at] = replace(self.clones[at], ref=ref, known=ref is not None)

    def _clone_at(self, directory: str | None) -> int | None:
        for at in range(len(self.clones) - 1, -1, -1):
            target = self.clones[at].target
            if directory is None or target is None:
                return at if len(self.clones) == 1 else None
            if directory == target or directory.startswith(target + "/"):
                return at
        return None


def _humanish(url: str) -> str:
    """The directory that git makes for a clone."""
    return posixpath.basename(url.rstrip("/").removesuffix("/.git").removesuffix(".git"))


def _installed(word: str, *, node: bool) -> Iterator[Clone]:
    """``git+https://host/path@ref#egg=name`` (pip) or ``git+https://host/path#ref`` (npm)."""
    for match in _PLUS.finditer(word):
        address, _, fragment = match["url"].partition("#")
        scheme, _, rest = address.partition("://")
        authority, slash, path = rest.partition("/")
        ref: str | None = None
        if node:
            if fragment.startswith("semver:"):
                continue
            ref = fragment or None
        elif "@" in path:
            path, _, ref = path.rpartition("@")
        url = git_address(f"{scheme}://{authority}{slash}{path}")
        if url is not None:
            yield Clone(url, ref)
