"""Where apt installs from: ``sources.list(5)``, one line a source or stanzas of deb822.

Both formats, as far as they name archives by ``http`` or ``https``. What apt would refuse is
passed over: it says so itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from drift.snapshot.packages.deb822 import MalformedError, Stanza, stanzas
from drift.source.dockerfile.addresses import web_address

_LIST = "/etc/apt/sources.list"
_PART = re.compile(r"/etc/apt/sources\.list\.d/[A-Za-z0-9_.-]+\.(list|sources)")
_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s*)?(?P<archive>\S+)\s+(?P<suite>\S+)")
_NO = frozenset({"no", "false", "without", "off", "disable"})


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite of an archive: what one ``InRelease`` speaks of. No address holds credentials."""

    archive: str
    name: str

    @property
    def release(self) -> str:
        """The address of its ``InRelease``. A suite that ends in a slash is a flat archive."""
        if not self.name.endswith("/"):
            return f"{self.archive}/dists/{self.name}/InRelease"
        place = self.name.strip("/")
        return f"{self.archive}/{place}/InRelease" if place != "." else f"{self.archive}/InRelease"

    def __str__(self) -> str:
        return f"{self.archive} {self.name}"


def wanted(path: str) -> bool:
    """Whether a path is one of apt's lists of sources."""
    return path.startswith(_LIST) and (path == _LIST or _PART.fullmatch(path) is not None)


def suites(files: Mapping[str, bytes]) -> tuple[Suite, ...]:
    """The suites that binary packages come from, each once, by the files that :func:`wanted`."""
    found: dict[Suite, None] = {}
    for path in sorted(files):
        text = files[path].decode("utf-8", "replace")
        named = _stanzas(text) if path.endswith(".sources") else _lines(text)
        for archive, name in named:
            address = web_address(archive)
            if address and "?" not in address and "$" not in archive + name:
                found.setdefault(Suite(address.rstrip("/"), name))
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        found = _LINE.match(line.partition("#")[0].strip())
        if found:
            yield found["archive"], found["suite"]


def _stanzas(text: str) -> Iterator[tuple[str, str]]:
    plain = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    for stanza in stanzas(plain):
        if not isinstance(stanza, MalformedError) and _is_used(stanza):
            yield from product(stanza.get("uris", "").split(), stanza.get("suites", "").split())


def _is_used(stanza: Stanza) -> bool:
    enabled = stanza.get("enabled", "yes").strip().lower() not in _NO
    return enabled and "deb" in stanza.get("types", "").split()
