"""What stands between a cataloguer and the image: the tree it reads, and what it could not.

A cataloguer is a module with ``TYPE`` (the purl type), ``wanted(path)`` and
``read(reading)``, which yields packages and tells :class:`Reading` of every problem. It
never raises for what an image holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from packageurl import PackageURL

from drift.errors import SnapshotError
from drift.snapshot.model import EntryType, Package


class Unreadable(SnapshotError):  # noqa: N818 (a state of the file, as its callers say it)
    """A file of the tree whose content cannot be had; the message is the reason."""


class Files(Protocol):
    """A merged tree, as far as cataloguers look at it. Paths are absolute."""

    def paths(self) -> Iterable[str]:
        """Every path of the merged tree that is not a directory, in any order."""
        ...

    def read(self, path: str) -> bytes:
        """The content of a regular file for which ``wanted`` held.

        Raises:
            Unreadable: it was not kept, or is damaged.
        """
        ...

    def kind(self, path: str) -> EntryType | None:
        """What stands at a resolved path; None where nothing does."""
        ...

    def resolve(self, path: str) -> str:
        """A path with its parents' symbolic links followed; its last part is taken as it is.

        Raises:
            SnapshotError: links that lead in a circle, or a parent that is a file.
        """
        ...


class Reading:
    """One cataloguer's look at a tree.

    ``system`` is the distribution's ID (os-release), empty where the image names none.
    """

    def __init__(self, purl_type: str, files: Files, system: str = "") -> None:
        self.purl_type = purl_type
        self.files = files
        self.system = system
        self._problems: list[str] = []

    @property
    def unknown(self) -> str | None:
        """Why the packages are not known for sure; None where all could be read."""
        if not self._problems:
            return None
        more = len(self._problems) - 1
        return self._problems[0] + (f" (and {more} more problems)" if more else "")

    def problem(self, reason: str) -> None:
        """Tell what could not be read; a reason names the path."""
        self._problems.append(reason)

    def content(self, path: str) -> bytes | None:
        """A database file's content; None where nothing is there, or with a problem told."""
        there = self.place(path)
        kind = self.files.kind(there) if there else None
        if there is None or kind is None:
            return None
        if kind is not EntryType.FILE:
            self.problem(f"{path}: is a {kind}, not a regular file")
            return None
        try:
            return self.files.read(there)
        except Unreadable as error:
            reason = error.message.removeprefix(f"{there}: ")
            self.problem(f"{path}: {reason}")
            return None

    def text(self, path: str) -> str | None:
        """As :meth:`content`, decoded as paths are (UTF-8, other bytes as surrogates)."""
        content = self.content(path)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        """Whether anything stands at a path."""
        there = self.place(path)
        return there is not None and self.files.kind(there) is not None

    def place(self, path: str) -> str | None:
        """Where a path lies in the merged tree; None where its parents lead nowhere."""
        try:
            return self.files.resolve(path)
        except SnapshotError:
            return None

    def owned(self, listed: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Of the paths that a database lists, those in the tree: (as listed, as it lies there).

        A cataloguer lists a directory only where the package brings it empty.
        """
        for path in listed:
            there = self.place(path)
            if there and self.files.kind(there) is not None:
                yield path, there

    def package(
        self,
        name: str,
        version: str,
        *,
        namespace: str = "",
        location: str = "",
        files: Iterable[str] = (),
        digests: Mapping[str, str] | None = None,
        source: str | None = None,
        integrity: str | None = None,
    ) -> Package | None:
        """A package; None, with a problem told, where its name gives no purl.

        ``files`` are as the database lists them, ``digests`` by those paths. Only regular
        files have digests: for a symbolic link, databases digest its target's name.
        """
        try:
            purl = PackageURL(
                type=self.purl_type, namespace=_encodable(namespace), name=_encodable(name)
            ).to_string()
        except ValueError as error:
            self.problem(f"a package whose name gives no purl: {name!r} ({error})")
            return None
        places = dict(self.owned(files))
        vendor = {
            places[path]: digest
            for path, digest in (digests or {}).items()
            if path in places and self.files.kind(places[path]) is EntryType.FILE
        }
        return Package(
            purl=purl,
            version=version,
            location=location,
            files=tuple(sorted(set(places.values()))),
            digests=vendor,
            source=source,
            integrity=integrity,
        )


def _encodable(text: str) -> str:
    """Text that a URL can carry: undecodable bytes written out, as ``\\xNN``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
