"""A Python package index ("simple" API, PEP 503) with wheels of a test's own."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from support.moving_site import Web

_WHEN = (2025, 11, 1, 0, 0, 0)  # the same bytes whenever a wheel is written


@dataclass(frozen=True)
class Wheel:
    """A pure Python distribution: its modules by path, and what it needs."""

    name: str
    version: str
    files: Mapping[str, str] = field(default_factory=dict)
    requires: Sequence[str] = ()

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content()).hexdigest()

    def content(self) -> bytes:
        about = f"{self.name}-{self.version}.dist-info"
        needs = "".join(f"Requires-Dist: {name}\n" for name in self.requires)
        members = {
            **self.files,
            f"{about}/METADATA": (
                f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n{needs}"
            ),
            f"{about}/WHEEL": (
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            ),
        }
        record = "".join(_recorded(name, text) for name, text in members.items())
        members[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n"
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, text in members.items():
                archive.writestr(zipfile.ZipInfo(name, _WHEN), text)
        return target.getvalue()


def _recorded(name: str, text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"{name},sha256={digest.decode()},{len(text.encode())}\n"


def publish(web: Web, wheels: Sequence[Wheel]) -> str:
    """Make these wheels all that the index has; gives its URL."""
    for path in [page for page in web.pages if page.startswith(("/simple/", "/wheels/"))]:
        web.remove(path)
    for name in {wheel.name for wheel in wheels}:
        links = "".join(
            f'<a href="/wheels/{wheel.filename}#sha256={wheel.digest}">{wheel.filename}</a>\n'
            for wheel in wheels
            if wheel.name == name
        )
        web.serve(f"/simple/{name}/", f"<!DOCTYPE html><html><body>{links}</body></html>")
    for wheel in wheels:
        web.serve(f"/wheels/{wheel.filename}", wheel.content())
    return web.url("/simple/")
