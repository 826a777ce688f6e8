"""Debian packages, from dpkg's database (``dpkg(1)``, deb-src-files in ``/var/lib/dpkg``).

``status`` holds every package that dpkg knows; distroless images have one control file for
each in ``status.d`` instead. What is listed is what has files in the image: every state but
``not-installed`` and ``config-files``, as ``dpkg-query -W`` shows them. ``location`` is what
dpkg adds to the name of a package that can be installed for several architectures at once
(``Multi-Arch: same``): ``:amd64``. A path that another package diverts lies where the
diversion says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drift.snapshot.model import Package
from drift.snapshot.packages.deb822 import MalformedError, Stanza, stanzas
from drift.snapshot.packages.port import Reading

TYPE = "deb"

_ROOT = "/var/lib/dpkg/"
_STATUS = _ROOT + "status"
_STATUS_D = _ROOT + "status.d/"
_INFO = _ROOT + "info/"
_DIVERSIONS = _ROOT + "diversions"
_LISTS = (".list", ".md5sums")
_ABSENT = ("not-installed", "config-files")
_MD5 = re.compile(r"[0-9a-f]{32}")
_CONFFILE_FLAGS = {"obsolete", "remove-on-upgrade"}
# What dpkg adds to a stanza, or lets the archive's index override; the rest is the vendor's.
_NOT_THE_VENDORS = {
    "status", "conffiles", "config-version", "triggers-pending", "triggers-awaited",
    "priority", "section",
}  # fmt: skip


def wanted(path: str) -> bool:
    """Whether a path belongs to dpkg's database."""
    if not path.startswith(_ROOT):
        return False
    if path.startswith(_INFO):
        return path.endswith(_LISTS)
    return path in (_STATUS, _DIVERSIONS) or path.startswith(_STATUS_D)


def read(reading: Reading) -> Iterator[Package]:
    """The packages of ``status`` and of ``status.d``."""
    diversions = _diversions(reading)
    found = False
    for stanza in (*_status(reading), *_status_d(reading)):
        found = True
        package = _package(reading, stanza, diversions)
        if package is not None:
            yield package
    if not found and reading.unknown is None and _has_lists(reading):
        reading.problem(f"{_STATUS}: names no package, but {_INFO} holds their file lists")


def _has_lists(reading: Reading) -> bool:
    return any(p.startswith(_INFO) and p.endswith(".list") for p in reading.files.paths())


@dataclass(frozen=True, slots=True)
class _Control:
    """A package's stanza, and where its list of files lies."""

    path: str
    fields: Stanza
    single: bool  # from status.d

    @property
    def architecture(self) -> str:
        """``:amd64`` for a package that may be installed for several architectures."""
        same = self.fields.get("multi-arch", "").lower() == "same"
        return f":{self.fields.get('architecture', '')}" if same else ""

    @property
    def installed(self) -> bool:
        """Whether dpkg holds files of it. Files of status.d often have no Status."""
        words = self.fields.get("status", "").split()
        return words[-1] not in _ABSENT if words else self.single


def _status(reading: Reading) -> Iterator[_Control]:
    text = reading.text(_STATUS)
    if text is None:
        return
    if text and not text.endswith("\n"):
        reading.problem(f"{_STATUS}: is truncated, its last line has no end")
    for fields in _checked(reading, _STATUS, text):
        if len(fields.get("status", "").split()) == 3:
            yield _Control(_STATUS, fields, single=False)
        else:
            reading.problem(f"{_STATUS}: {fields['package']!r} has no valid Status")


def _status_d(reading: Reading) -> Iterator[_Control]:
    place = reading.place(_STATUS_D + "x")
    if place is None:
        return
    directory = place.removesuffix("x")
    for path in sorted(p for p in reading.files.paths() if p.startswith(directory)):
        if "/" in path.removeprefix(directory) or path.endswith(".md5sums"):
            continue
        text = reading.text(path)
        if text is None:
            continue
        found = False
        for fields in _checked(reading, path, text):
            found = True
            yield _Control(path, fields, single=True)
        if not found:
            reading.problem(f"{path}: names no package")


def _checked(reading: Reading, path: str, text: str) -> Iterator[Stanza]:
    """The stanzas that name a package; a problem for each other one."""
    for stanza in stanzas(text):
        if isinstance(stanza, MalformedError):
            reading.problem(f"{path}: {stanza}")
        elif not stanza.get("package"):
            reading.problem(f"{path}: a stanza without Package")
        else:
            yield stanza


def _package(reading: Reading, control: _Control, diversions: _Diversions) -> Package | None:
    if not control.installed:
        return None
    name, version = control.fields["package"], control.fields.get("version")
    if not version:
        reading.problem(f"{control.path}: {name!r} has no Version")
        return None
    md5sums = _md5sums(reading, control)
    digests = {**md5sums, **_conffiles(control.fields)}
    listed = digests.keys() if control.single else _list(reading, control)
    return reading.package(
        name,
        version,
        namespace=reading.system or "debian",
        location=control.architecture,
        files=[diversions.place(path, name) for path in listed],
        digests={diversions.place(path, name): digest for path, digest in digests.items()},
        source=_source(control.fields),
        integrity=_integrity(control.fields, md5sums),
    )


def _integrity(fields: Stanza, md5sums: Mapping[str, str]) -> str:
    """One digest of the vendor's control fields and of its files' digests, removed ones too.

    Obsolete conffiles are an earlier version's. Whoever digests something else here must
    name it otherwise than ``sha256:``: nights of before would look published anew.
    """
    control = sorted(item for item in fields.items() if item[0] not in _NOT_THE_VENDORS)
    conffiles = _conffiles(fields, obsolete=False)
    text = repr((control, sorted(md5sums.items()), sorted(conffiles.items())))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _source(fields: Stanza) -> str:
    """``NAME`` or ``NAME (VERSION)`` as the database says; by default the package's own name."""
    return fields.get("source") or fields["package"]


def _list(reading: Reading, control: _Control) -> list[str]:
    """The listed paths, without those that others of the list lie in (directories to dpkg)."""
    name = control.fields["package"]
    path = _lists_path(reading, control, ".list")
    text = None if path is None else reading.text(path)
    if path is None:
        reading.problem(f"{_INFO}{name}{control.architecture}.list: is missing")
    listed = [line for line in (text or "").split("\n") if line not in ("", "/.")]
    if any(not line.startswith("/") for line in listed):
        reading.problem(f"{path}: holds lines that are no absolute paths")
        listed = [line for line in listed if line.startswith("/")]
    if text and not text.endswith("\n"):
        reading.problem(f"{path}: is truncated, its last line has no end")
    parents = {line.rpartition("/")[0] for line in listed}
    return [line for line in listed if line not in parents]


def _lists_path(reading: Reading, control: _Control, suffix: str) -> str | None:
    if control.single:
        path = control.path + suffix
        return path if reading.exists(path) else None
    names = (control.fields["package"] + control.architecture, control.fields["package"])
    paths = (f"{_INFO}{name}{suffix}" for name in names)
    return next((path for path in paths if reading.exists(path)), None)


def _md5sums(reading: Reading, control: _Control) -> dict[str, str]:
    """The vendor's digests; packages need not bring any."""
    path = _lists_path(reading, control, ".md5sums")
    digests: dict[str, str] = {}
    damaged = False
    for line in ((path and reading.text(path)) or "").split("\n"):
        digest, file = line[:32], line[32:].lstrip(" *").removeprefix("./")
        if file and _MD5.fullmatch(digest):
            digests["/" + file.lstrip("/")] = f"md5:{digest}"
        elif line:
            damaged = True
    if damaged:
        reading.problem(f"{path}: holds lines that are no md5sums")
    return digests


def _conffiles(fields: Stanza, *, obsolete: bool = True) -> dict[str, str]:
    """``PATH MD5 [obsolete] [remove-on-upgrade]``; one not yet unpacked has no digest."""
    digests = {}
    for line in fields.get("conffiles", "").split("\n"):
        words = line.split(" ")
        flags = set()
        while words and words[-1] in _CONFFILE_FLAGS:
            flags.add(words.pop())
        if len(words) > 1 and _MD5.fullmatch(words[-1]) and (obsolete or "obsolete" not in flags):
            digests[" ".join(words[:-1])] = f"md5:{words[-1]}"
    return digests


@dataclass(frozen=True, slots=True)
class _Diversions:
    """Which paths lie elsewhere, for all packages but the one that diverts them."""

    to: Mapping[str, tuple[str, str]]

    def place(self, path: str, package: str) -> str:
        """Where a package's path lies."""
        there, by = self.to.get(path, (path, package))
        return path if by == package else there


def _diversions(reading: Reading) -> _Diversions:
    """Triples of lines: the path, where it lies instead, by which package (``:``: locally)."""
    lines = (reading.text(_DIVERSIONS) or "").removesuffix("\n").split("\n")
    if lines == [""]:
        return _Diversions({})
    if len(lines) % 3:
        reading.problem(f"{_DIVERSIONS}: is truncated, {len(lines)} lines are not triples")
    triples = zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    return _Diversions({path: (there, by) for path, there, by in triples})
