"""Which program a container is for, and which package of its image brought it. No effects.

A shell, an init or a wrapper is none: what it runs counts. What an interpreter runs counts where
a package owns it, else the interpreter itself. Command lines are another's: what they say is
looked up in the image's tree and nowhere else.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drift.errors import SnapshotError
from drift.snapshot.model import EntryType, Package
from drift.snapshot.tree import MergedTree

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # where none is set
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"))
_WRAPPERS = frozenset(
    (
        *("tini", "tini-static", "dumb-init", "docker-init", "catatonit", "init"),
        *("s6-svscan", "s6-supervise", "runsvdir", "runsv"),
        *("gosu", "su-exec", "setpriv", "chpst", "runuser", "su", "sudo", "setuser", "chroot"),
        *("env", "exec", "nice", "ionice", "nohup", "stdbuf", "timeout", "setsid", "numactl"),
    )
)
_TAKE_ONE = frozenset(("gosu", "su-exec", "timeout", "chroot", "setuser"))  # USER, SECONDS, …
_INTERPRETER = re.compile(
    r"(?:python|pypy|node|nodejs|ruby|perl|php|java|lua|guile|erl|beam\.smp|mono|dotnet)[0-9.]*"
)
_LINKS = 40
_DEEP = 8


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a container, as the engine lists it."""

    pid: int
    parent: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What an image holds, as far as programs are looked up in it."""

    tree: MergedTree
    packages: Sequence[Package]
    path: str = PATH
    directory: str = "/"

    def find(self, word: str) -> str | None:
        """Where a program, or a file that it is given, lies; its symbolic links are followed."""
        if "/" in word:
            return self._file(posixpath.join(self.directory or "/", word))
        found = (self._file(f"{folder}/{word}") for folder in self.path.split(":") if folder)
        return next((path for path in found if path), None)

    def owner(self, path: str) -> Package | None:
        """The package that a file belongs to."""
        return next((package for package in self.packages if path in package.files), None)

    def module(self, name: str) -> Package | None:
        """The package of a Python module that is run by its name."""
        inside = "/" + name.replace(".", "/")
        ends = (f"{inside}.py", f"{inside}/__main__.py", f"{inside}/__init__.py")
        return next(
            (one for one in self.packages if any(path.endswith(ends) for path in one.files)), None
        )

    def _file(self, path: str) -> str | None:
        path = posixpath.normpath(path)
        for _ in range(_LINKS):
            try:
                node = self.tree.get(path)
            except SnapshotError:
                return None
            if node is None:
                return None
            if node.entry.type is not EntryType.SYMLINK:
                return node.entry.path if node.entry.type is EntryType.FILE else None
            target = node.entry.link or ""
            path = posixpath.normpath(posixpath.join(posixpath.dirname(node.entry.path), target))
        return None


def main_process(processes: Iterable[Process]) -> tuple[str, ...]:
    """The command line of the process that a container is for; empty where only shells and
    inits run."""
    everyone = sorted(processes, key=lambda one: one.pid)
    children: dict[int, list[Process]] = {}
    for one in everyone:
        children.setdefault(one.parent, []).append(one)
    pids = {one.pid for one in everyone}
    first = next((one for one in everyone if one.parent not in pids), None)
    return _below(first, children, _DEEP) if first else ()


def _below(one: Process, children: Mapping[int, Sequence[Process]], deep: int) -> tuple[str, ...]:
    words = _titled(one.words)
    if not words or not deep or not _is_wrapper(words[0]):
        return words if deep else ()
    found = (_below(child, children, deep - 1) for child in children.get(one.pid, ()))
    return next((words for words in found if words), ())


def _titled(words: Sequence[str]) -> tuple[str, ...]:
    """A process that writes its own title: ``nginx: master process nginx -g …``."""
    return (words[0].rstrip(":").lstrip("-"), *words[1:]) if words else ()


def main_command(words: Sequence[str]) -> tuple[str, ...]:
    """What a configured command (entry point and arguments) comes to run; empty where that
    cannot be told."""
    left = list(words)
    for _ in range(_DEEP):
        while left and re.fullmatch(r"[A-Za-z_]\w*=.*", left[0], re.DOTALL):
            left.pop(0)
        if not left or not (_is_wrapper(left[0]) or _is_script(left[0])):
            return tuple(left)
        left = _wrapped(posixpath.basename(left[0]), left[1:])
    return ()


def _wrapped(name: str, words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if name in _SHELLS and re.fullmatch(r"-\w*c", option):
            return _first_command(words[0]) if words else []
        if option == "--":
            break
    if name in _TAKE_ONE and words:
        words.pop(0)
    return words


def _first_command(text: str) -> list[str]:
    """The last command of a shell's text: what comes before prepares it, as a rule."""
    last = re.split(r"&&|\|\||[;\n]", text.strip().rstrip(";& \n"))[-1]
    try:
        return shlex.split(last)
    except ValueError:
        return []


def _is_wrapper(word: str) -> bool:
    name = posixpath.basename(word)
    return name in _SHELLS or name in _WRAPPERS


def _is_script(word: str) -> bool:
    name = posixpath.basename(word)
    return name.endswith((".sh", ".bash")) or name in ("docker-entrypoint", "entrypoint")


def package_of(words: Sequence[str], image: Holding) -> tuple[str | None, Package | None]:
    """The file that a command line runs, and the package that owns it; None for each that the
    image does not have."""
    path = image.find(words[0]) if words else None
    if path is None:
        return None, None
    own = image.owner(path)
    names = (posixpath.basename(words[0]), posixpath.basename(path))
    if any(_INTERPRETER.fullmatch(name) for name in names):
        return _of_script(words[1:], image) or (path, own)
    return path, own


def _of_script(words: Sequence[str], image: Holding) -> tuple[str, Package] | None:
    """What an interpreter runs, where a package owns it."""
    for before, word in zip(("", *words), words, strict=False):
        if before == "-m":
            package = image.module(word)
            return (word, package) if package else None
        if word.startswith("-"):
            continue
        path = image.find(posixpath.join(".", word) if "/" not in word else word)
        package = image.owner(path) if path else None
        if path and package:
            return path, package
        if path:
            return None
    return None
