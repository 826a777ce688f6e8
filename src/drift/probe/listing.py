"""What an index lists, read from its page.

The digest of each file (PEP 503's fragments, PEP 691's hashes) or version (npm's ``dist``), as
the index writes it; of apt's ``InRelease`` its ``Date``. What cannot be read is not listed: a
page is evidence, and its own digest is another.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from drift.source.model import RemoteKind

Listed = Iterator[tuple[str, str]]

ACCEPTED: Mapping[RemoteKind, str] = {
    RemoteKind.DEB: "*/*",
    RemoteKind.PYPI: (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
        "text/html;q=0.1, */*;q=0.01"
    ),
    RemoteKind.NPM: "application/vnd.npm.install-v1+json, application/json;q=0.8, */*;q=0.1",
}
_DATE = re.compile(r"(?m)^Date: *(?P<date>[^\r\n]{1,80})")
# Not a parser: those of HTML take time without end for what is made for it.
_ANCHOR = re.compile(
    r"<a\s[^<>]{0,2000}?\bhref\s*=\s*[\"'](?P<href>[^\"'<>]{1,2000})[\"']", re.IGNORECASE
)
_NAME = re.compile(r"[^\x00-\x20\x7f]{1,200}")
_DIGEST = re.compile(r"[\w.+/=:-]{1,200}", re.ASCII)
_HASHES = ("sha512", "sha384", "sha256")


def listed(kind: RemoteKind, content: bytes, most: int) -> dict[str, str]:
    """The first ``most`` things that an index's page lists. Raises nothing for content."""
    text = content.decode("utf-8", "replace")
    try:
        return dict(islice(_sound(_READERS[kind](text)), most))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, AssertionError):
        return {}


def _sound(found: Listed) -> Listed:
    for name, digest in found:
        if _NAME.fullmatch(name) and _DIGEST.fullmatch(digest):
            yield name, digest


def _release(text: str) -> Listed:
    found = _DATE.search(text)
    if found:
        date = parsedate_to_datetime(found["date"])
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        yield "Date", f"{date.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _project(text: str) -> Listed:
    if not text.lstrip().startswith("{"):
        yield from _anchors(text)
        return
    for file in json.loads(text)["files"]:
        hashes = file.get("hashes") or {}
        name = next((name for name in _HASHES if name in hashes), None)
        if name:
            yield str(file["filename"]), f"{name}:{hashes[name]}"


def _anchors(text: str) -> Listed:
    for address in _ANCHOR.finditer(text):
        parts = urlsplit(html.unescape(address["href"]))
        hashes = parse_qs(parts.fragment)
        name = next((name for name in _HASHES if name in hashes), None)
        if name:
            yield unquote(posixpath.basename(parts.path)), f"{name}:{hashes[name][0]}"


def _package(text: str) -> Listed:
    versions: dict[str, Any] = json.loads(text)["versions"]
    for version, manifest in versions.items():
        dist = manifest.get("dist") or {}
        if isinstance(dist.get("integrity"), str):
            yield version, dist["integrity"]
        elif isinstance(dist.get("shasum"), str):
            yield version, f"sha1:{dist['shasum']}"


_READERS: Mapping[RemoteKind, Callable[[str], Listed]] = {
    RemoteKind.DEB: _release,
    RemoteKind.PYPI: _project,
    RemoteKind.NPM: _package,
}
