"""The packages of a merged tree, of every ecosystem that drift knows.

A database that is there and cannot be read whole makes its ecosystem *unknown*, with the
reason; what could be read is listed all the same. No database is no packages.
"""

from __future__ import annotations

from drift.snapshot.model import EntryType, Package, Packages
from drift.snapshot.packages import apk, apt_sources, dpkg, npm, python
from drift.snapshot.packages.port import Files, Reading, Unreadable

__all__ = ["LARGEST", "Files", "Unreadable", "catalogue", "guarded", "wanted"]

LARGEST = 32 << 20  # bytes of one database file; dpkg's status of 3,000 packages takes 4 MB

_CATALOGUERS = (dpkg, apk, python, npm)
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
# No package's, but kept like a database, from bases too: whether an account is new is told by
# both sides' lines.
_ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shells")


def wanted(path: str) -> bool:
    """Whether the content of a regular file at this path of a layer is to be kept.

    Asked for every file of every layer: string prefixes and suffixes decide first.
    """
    return (
        npm.wanted(path)
        or python.wanted(path)
        or dpkg.wanted(path)
        or apk.wanted(path)
        or path in _OS_RELEASE
        or path in _ACCOUNTS
        or apt_sources.wanted(path)
    )


# Of what is wanted, the files that people write, with what must not be kept perhaps.
guarded = apt_sources.wanted


def catalogue(files: Files) -> Packages:
    """All packages of a tree, sorted by purl, location and version. Raises nothing for content."""
    system = _system(files)
    items: list[Package] = []
    unknown: dict[str, str] = {}
    for cataloguer in _CATALOGUERS:
        reading = Reading(cataloguer.TYPE, files, system)
        items.extend(cataloguer.read(reading))
        if reading.unknown is not None:
            unknown[cataloguer.TYPE] = reading.unknown
    items.sort(key=lambda package: (package.purl, package.location, package.version))
    return Packages(items=tuple(items), unknown=unknown)


def _system(files: Files) -> str:
    """The ``ID`` of os-release(5), which is a link in most images; empty where there is none."""
    reading = Reading("generic", files)
    for path in _OS_RELEASE:
        place = reading.place(path)
        if place is None or files.kind(place) is not EntryType.FILE:
            continue
        for line in (reading.text(path) or "").split("\n"):
            key, _, value = line.partition("=")
            if key.strip() == "ID":
                return value.strip().strip("\"'").lower()
    return ""
