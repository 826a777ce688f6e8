"""Alpine packages, from apk's installed database (``apk(5)``, "installed database").

Stanzas of lines ``X:value``, an empty line between them: ``P`` name, ``V`` version, ``o``
origin, ``C`` the checksum of the package's control segment (which holds that of its
data), then ``F`` a directory, and for each file in it ``R`` name and ``Z`` its checksum
(``Q1``: base64 of SHA-1; ``Q2``: of SHA-256).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from drift.snapshot.model import Package
from drift.snapshot.packages.port import Reading

TYPE = "apk"

_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_ALGORITHMS = {"Q1": ("sha1", 20), "Q2": ("sha256", 32)}


def wanted(path: str) -> bool:
    """Whether a path is apk's database, before or after apk moved it to ``/usr``."""
    return path in _DATABASES


def read(reading: Reading) -> Iterator[Package]:
    """The packages of each database that is there."""
    for path in sorted({place for path in _DATABASES if (place := reading.place(path))}):
        text = reading.text(path)
        if text is None:
            continue
        if text and not text.endswith("\n"):
            reading.problem(f"{path}: is truncated, its last line has no end")
        for stanza in _stanzas(text):
            yield from _package(reading, path, stanza)


@dataclass(slots=True)
class _Stanza:
    """One package as it is read."""

    first: int
    fields: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    directory: str | None = None
    damage: str | None = None

    def add(self, number: int, line: str) -> None:
        key, colon, value = line.partition(":")
        if not colon or len(key) != 1:
            self._damaged(number, "is not a field")
        elif key == "F":
            self.directory = f"/{value}".rstrip("/")
        elif key == "R":
            self._file(number, value)
        elif key == "Z":
            self._digest(number, value)
        else:
            self.fields.setdefault(key, value)

    def _file(self, number: int, name: str) -> None:
        if self.directory is None or not name:
            self._damaged(number, "is a file without a name or directory")
        else:
            self.files.append(f"{self.directory}/{name}")

    def _digest(self, number: int, checksum: str) -> None:
        algorithm, length = _ALGORITHMS.get(checksum[:2], ("", 0))
        try:
            digest = base64.b64decode(checksum[2:], validate=True)
        except ValueError:
            digest = b""
        if not digest or len(digest) != length or not self.files:
            self._damaged(number, "is not a file's checksum")
        else:
            self.digests[self.files[-1]] = f"{algorithm}:{digest.hex()}"

    def _damaged(self, number: int, how: str) -> None:
        self.damage = self.damage or f"line {number} {how}"


def _stanzas(text: str) -> Iterator[_Stanza]:
    stanza: _Stanza | None = None
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line:
            stanza = stanza or _Stanza(number)
            stanza.add(number, line)
        elif stanza is not None:
            yield stanza
            stanza = None


def _package(reading: Reading, path: str, stanza: _Stanza) -> Iterator[Package]:
    if stanza.damage is not None:
        reading.problem(f"{path}: {stanza.damage}")
    name, version = stanza.fields.get("P"), stanza.fields.get("V")
    if not name or not version:
        reading.problem(f"{path}: the stanza at line {stanza.first} has no name or version")
        return
    package = reading.package(
        name,
        version,
        namespace=reading.system or "alpine",
        files=stanza.files,
        digests=stanza.digests,
        source=stanza.fields.get("o") or None,
        integrity=stanza.fields.get("C") or None,
    )
    if package is not None:
        yield package
