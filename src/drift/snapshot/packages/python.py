"""Python distributions, wherever they lie (PyPA "Recording installed projects"; egg-info).

A distribution is a ``*.dist-info`` directory with METADATA, or a ``*.egg-info`` file or
directory with PKG-INFO. Its files are those of RECORD, installed-files.txt or SOURCES.txt.
``location`` is the directory it is installed in and its normalised name. A copy that
another distribution brings in its own files, or vendors in a ``_vendor`` directory, is a
part of that one: it is on no import path, and pip does not list it.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from drift.snapshot.model import Package
from drift.snapshot.packages.port import Reading
from drift.source.dockerfile.indexes import normalized_name

TYPE = "pypi"

_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info")
_WANTED = (
    *_METADATA,
    ".dist-info/RECORD",
    ".egg-info/SOURCES.txt",
    ".egg-info/installed-files.txt",
)
_DIGEST_BYTES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
_VENDORED = re.compile(r"/(?:site|dist)-packages/(?:.*/)?_vendor/[^/]+(?:/[^/]+)?\Z", re.DOTALL)


def wanted(path: str) -> bool:
    """Whether a path belongs to an installed distribution's metadata."""
    return path.endswith(_WANTED)


def read(reading: Reading) -> Iterator[Package]:
    """The distributions that are not part of others."""
    found = {}
    for path in sorted(p for p in reading.files.paths() if p.endswith(_METADATA)):
        if _VENDORED.search(path) is None:
            package = _package(reading, path)
            if package is not None:
                found[path] = package
    brought = {file: p for p in found.values() for file in p.files if file.endswith(_METADATA)}
    for path, package in found.items():
        owner = brought.get(path)
        if owner is None or owner is package or not _inside(package, owner):
            yield package


def _inside(package: Package, owner: Package) -> bool:
    outer = posixpath.dirname(owner.location).rstrip("/") + "/"
    return posixpath.dirname(package.location).startswith(outer)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files of a distribution, and the digests that its RECORD gives."""

    files: tuple[str, ...]
    digests: dict[str, str]


def _package(reading: Reading, metadata: str) -> Package | None:
    text = reading.text(metadata)
    if text is None:
        return None
    headers = _headers(text)
    name, version = headers.get("name"), headers.get("version")
    if not name or not version:
        reading.problem(f"{metadata}: has no Name or Version")
        return None
    home = metadata if metadata.endswith(".egg-info") else posixpath.dirname(metadata)
    root = posixpath.dirname(home)
    normalised = normalized_name(name)
    listing = _listing(reading, metadata, home, root)
    return reading.package(
        normalised,
        version,
        location=posixpath.join(root, normalised),
        files=(metadata, *listing.files),
        digests=listing.digests,
    )


def _headers(text: str) -> dict[str, str]:
    """The core metadata's single fields, lower-cased; the first of each counts."""
    headers: dict[str, str] = {}
    for line in io.StringIO(text.removeprefix("\ufeff")):
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(name.lower(), value.strip())
    return headers


def _listing(reading: Reading, metadata: str, home: str, root: str) -> _Listing:
    """What the distribution says it installed; a listing is optional."""
    if metadata.endswith(".dist-info/METADATA"):
        return _record(reading, f"{home}/RECORD", root)
    if home == metadata:
        return _Listing((), {})
    # installed-files.txt is relative to the egg-info itself, SOURCES.txt to what it lies in.
    for path, base in ((f"{home}/installed-files.txt", home), (f"{home}/SOURCES.txt", root)):
        text = reading.text(path)
        if text is not None:
            return _Listing(tuple(_at(base, line) for line in text.split("\n") if line), {})
    return _Listing((), {})


def _record(reading: Reading, path: str, root: str) -> _Listing:
    """RECORD is CSV: path, ``ALGORITHM=urlsafe-base64``, size in bytes."""
    digests: dict[str, str] = {}
    files: list[str] = []
    rows = csv.reader(io.StringIO(reading.text(path) or "", newline=""), strict=True)
    try:
        for file, digest in map(_row, filter(None, rows)):
            files.append(_at(root, file))
            if digest is not None:
                digests[files[-1]] = digest
    except (csv.Error, ValueError) as error:
        reading.problem(f"{path}: row {len(files) + 1} cannot be read ({error})")
    return _Listing(tuple(files), digests)


def _row(row: list[str]) -> tuple[str, str | None]:
    if len(row) != 3 or not row[0]:
        raise ValueError(f"{len(row)} columns, not path, digest, size")
    return row[0], _digest(row[1]) if row[1] else None


def _at(base: str, path: str) -> str:
    return "/" + posixpath.normpath(posixpath.join(base, path)).lstrip("/")


def _digest(text: str) -> str:
    algorithm, _, encoded = text.partition("=")
    try:
        padding = "=" * (-len(encoded) % 4)
        digest = base64.b64decode(encoded + padding, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(f"the digest is not base64: {error}") from error
    if _DIGEST_BYTES.get(algorithm) != len(digest):
        raise ValueError(f"no {algorithm!r} digest has {len(digest)} bytes")
    return f"{algorithm}:{digest.hex()}"
