"""Debian packages and a flat apt archive of them, written without Debian's tools.

A binary package is an ``ar`` archive of ``debian-binary``, ``control.tar.gz`` and
``data.tar.gz`` (deb(5)); an archive for ``deb [trusted=yes] URL ./`` is a directory with the
packages and an index of their control fields, sizes and digests (sources.list(5)).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_MTIME = 1_700_000_000  # the same bytes whenever a package is written


@dataclass(frozen=True, slots=True)
class Deb:
    """A package for every architecture: its files by absolute path, its postinst, its needs."""

    name: str
    version: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    postinst: str | None = None
    depends: str | None = None

    @property
    def filename(self) -> str:
        return f"{self.name}_{self.version}_all.deb"

    @property
    def control(self) -> str:
        """The control fields, each line ended."""
        needs = f"Depends: {self.depends}\n" if self.depends else ""
        return (
            f"Package: {self.name}\n"
            f"Version: {self.version}\n"
            "Architecture: all\n"
            f"{needs}"
            "Maintainer: The drift demo <demo@example.org>\n"
            "Description: a package that drift's demo moves\n"
        )

    def content(self) -> bytes:
        """The package file."""
        scripts = {"postinst": self.postinst.encode()} if self.postinst else {}
        control = _tar({"control": self.control.encode(), **scripts}, executable=scripts)
        data = _tar({path.lstrip("/"): content for path, content in self.files.items()})
        members = {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(control, mtime=0),
            "data.tar.gz": gzip.compress(data, mtime=0),
        }
        return _ar(members)


def write_archive(directory: Path, packages: Sequence[Deb]) -> None:
    """Make ``directory`` the archive of exactly these packages."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.deb"):
        old.unlink()
    for package in packages:
        (directory / package.filename).write_bytes(package.content())
    (directory / "Packages").write_text("\n".join(_entry(package) for package in packages))


def _entry(package: Deb) -> str:
    content = package.content()
    return (
        f"{package.control}Filename: ./{package.filename}\n"
        f"Size: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def _tar(files: Mapping[str, bytes], executable: Mapping[str, bytes] | None = None) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for directory in _parents(files):
            member = tarfile.TarInfo(directory)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, _MTIME
            archive.addfile(member)
        for path, content in files.items():
            member = tarfile.TarInfo(f"./{path}")
            member.size, member.mtime = len(content), _MTIME
            member.mode = 0o755 if executable and path in executable else 0o644
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _parents(files: Mapping[str, bytes]) -> list[str]:
    """Every directory above the files, the topmost first; dpkg wants them named."""
    found = {f"./{parent}" for path in files for parent in Path(path).parents if parent.name}
    return ["./", *sorted(found)]


def _ar(members: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        header = f"{name:<16}{_MTIME:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)
