"""What takes more than one key of drift.toml to see, or a look at the disk.

The checks run over the tables as they were parsed, whether or not each key in them is
right, so that all mistakes of a file are told at once; what is of a wrong type is left to
the other checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from drift.config.mistakes import Mistake, Path, Shown
from drift.config.places import absolute, is_git_url

_Tables = Iterator[tuple[Path, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one document; ``lines`` tells where a first name stands."""

    document: Mapping[str, Any]
    root: FilePath
    environ: Mapping[str, str]
    shown: Shown

    def __iter__(self) -> Iterator[Mistake]:
        yield from self._duplicates()
        for path, image in self._tables("image"):
            yield from self._context(path, image)
            for place, secret in _elements(image.get("secrets"), (*path, "secrets")):
                yield from _exactly_one(place, secret, ("file", "env"))
        for path, notify in self._tables("notify"):
            yield from self._notify(path, notify)
        smtp = self.document.get("smtp")
        if isinstance(smtp, dict) and ("user" in smtp) != ("password" in smtp):
            yield Mistake(("smtp",), "expected user and password together, found one of them")

    def _tables(self, key: str) -> _Tables:
        return _elements(self.document.get(key), (key,))

    def _duplicates(self) -> Iterator[Mistake]:
        first: dict[str, Path] = {}
        for path, image in self._tables("image"):
            name = image.get("name")
            if isinstance(name, str) and first.setdefault(name, path) != path:
                place = (*path, "name")
                found = self.shown.value(name, place)
                where = f"image[{first[name][1]}]"
                yield Mistake(place, f"expected a unique name, found {found}, as of {where}")

    def _context(self, path: Path, image: Mapping[str, Any]) -> Iterator[Mistake]:
        context, dockerfile = image.get("context", "."), image.get("dockerfile", "Dockerfile")
        if not isinstance(context, str) or not context:
            return
        if is_git_url(context):
            if "revision" in image and context.partition("#")[2].partition(":")[0]:
                text = "expected the revision here or after the # of context, found both"
                yield Mistake((*path, "revision"), text)
            return
        yield from self._files(path, context, dockerfile)

    def _files(self, path: Path, context: str, dockerfile: object) -> Iterator[Mistake]:
        directory, place = absolute(context, self.root, self.environ), (*path, "context")
        if not _readable(directory, FilePath.is_dir):
            found = self.shown.value(context, place)
            yield Mistake(place, f"expected a directory or a git URL, found no directory {found}")
        elif isinstance(dockerfile, str) and dockerfile:
            place = (*path, "dockerfile")
            if not _readable(directory / dockerfile, FilePath.is_file):
                found = self.shown.value(dockerfile, place)
                text = f"expected a file, relative to the context, found no file {found}"
                yield Mistake(place, text)

    def _notify(self, path: Path, notify: Mapping[str, Any]) -> Iterator[Mistake]:
        yield from _exactly_one(path, notify, ("mail", "webhook", "url"))
        if "mail" in notify and "smtp" not in self.document:
            yield Mistake((*path, "mail"), "expected a table [smtp] that says how mail is sent")
        if "secret" in notify and "webhook" not in notify:
            yield Mistake((*path, "secret"), "expected a webhook, which alone is signed")
        if "attach" in notify and "mail" not in notify:
            yield Mistake((*path, "attach"), "expected a mail, to which alone a page is attached")


def _elements(array: object, path: Path) -> _Tables:
    for index, element in enumerate(array if isinstance(array, list) else ()):
        if isinstance(element, dict):
            yield (*path, index), element


def _exactly_one(path: Path, table: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Mistake]:
    found = [key for key in keys if key in table]
    if len(found) != 1:
        choices = f"{', '.join(keys[:-1])} and {keys[-1]}"
        yield Mistake(
            path, f"expected exactly one of {choices}, found {' and '.join(found) or 'none'}"
        )


def _readable(path: FilePath, is_there: Any) -> bool:
    try:
        return bool(is_there(path))
    except (OSError, ValueError):  # no permission, a name too long, a NUL in it
        return False
