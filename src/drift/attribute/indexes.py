"""Lists of what could be installed: they move though nothing installed does.

apt keeps what it fetched in ``/var/lib/apt/lists``, each file named after its URL with
``/`` written as ``_`` (``sources.list(5)``; ``URItoFileName``), ``pkgcache.bin`` as its
reading of them, and ``eipp.log.xz`` as what it planned with them; apk keeps
``APKINDEX.*.tar.gz``.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind
from drift.attribute.sides import Sides
from drift.attribute.values import Values
from drift.compare.model import Comparison, FileChange
from drift.snapshot.model import EntryType, printable_path

_LISTS = "/var/lib/apt/lists/"
_PLAN = "/var/log/apt/eipp.log.xz"
_CACHES = ("/var/cache/apt/pkgcache.bin", "/var/cache/apt/srcpkgcache.bin")
_APK = re.compile(r"(/var/cache/apk|/etc/apk/cache|/lib/apk/cache)/APKINDEX\.[0-9a-f]+\.tar\.gz")
_RELEASE = re.compile(r"(?P<root>.+)_(?P<name>InRelease|Release|Release\.gpg)")
_COMPONENT = re.compile(
    r"(?P<root>.+?_dists_.+?)_[^_]+_(binary-[^_]+|source|i18n|dep11|cnf|Contents-[^_]+)(_.*)?"
)
_FLAT = re.compile(r"(?P<root>.+)_(Packages|Sources)(\.\w+)?")


class PackageIndexes:
    """Claims for package indexes that moved. They are not the packages' doing."""

    def __init__(self, sides: Sides, comparison: Comparison, values: Values) -> None:
        self._sides = sides
        self._values = values
        lists = [change for change in comparison.files if change.path.startswith(_LISTS)]
        self._first = next((claim for claim in map(self._list, lists) if claim), None)

    def of_path(self, change: FileChange) -> Claim | None:
        """The index that a path was fetched from.

        apt's own reading of its lists follows from them, with several from the first. Where
        none of them changed it is nobody's: it differs between any two builds.
        """
        if change.path.startswith(_LISTS):
            return self._list(change)
        if change.path in _CACHES:
            return self._first
        if _APK.fullmatch(change.path):
            return self._claim(change, printable_path(change.path))
        return None

    def of_plan(self, change: FileChange) -> Claim | None:
        """apt's log of what it planned: where no package moved, it names the lists' versions."""
        if change.path != _PLAN:
            return None
        return self._first or self._claim(change, printable_path(change.path))

    def _list(self, change: FileChange) -> Claim | None:
        entry = change.after or change.before
        name = posixpath.basename(change.path)
        if entry is None or entry.type is not EntryType.FILE or name == "lock":
            return None
        return self._claim(change, index_url(name) or printable_path(change.path))

    def _claim(self, change: FileChange, subject: str) -> Claim:
        signed = change.path.endswith("InRelease")
        layer = change.layer if change.after else None
        return Claim(
            origin=self._values.who_moved(change),
            kind=Kind.PACKAGE_INDEX,
            subject=subject,
            grade=Grade.INFERRED,
            before=change.before.digest if signed and change.before else None,
            after=change.after.digest if signed and change.after else None,
            instruction=self._sides.made_by(layer),
            layer=layer,
            evidence=(
                "a list of what could be installed, fetched by the package tool",
                *(("repo fingerprint unchanged",) if self._sides.same_repo_side else ()),
            ),
        )


def index_url(name: str) -> str | None:
    """The URL of the suite that one of apt's lists belongs to; None where its name has none.

    The name keeps neither the scheme nor which ``_`` was a ``/``: apt writes those that were
    none as ``%5f``.
    """
    found = next((m for p in (_RELEASE, _COMPONENT, _FLAT) if (m := p.fullmatch(name))), None)
    if found is None:
        return None
    place = unquote(found["root"].replace("_", "/")).rstrip("/.")
    return f"file://{place}" if place.startswith("/") else f"http://{place}"
