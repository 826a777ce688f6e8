"""Which part of a package's version moved: epoch, upstream or revision.

As Debian and rpm write versions (``[EPOCH:]UPSTREAM[-REVISION]``), and Alpine
(``UPSTREAM-rN``). Other ecosystems have no epoch and no packager's revision.
"""

from __future__ import annotations

import re

_WITH_REVISION = ("deb", "rpm", "apk")


def step(purl: str, before: str | None, after: str | None) -> str:
    """``epoch``, ``upstream``, ``revision``; ``added``, ``removed``; else empty."""
    if before is None or after is None:
        return "added" if before is None else "removed"
    if before == after or ", " in before or ", " in after:
        return "" if before == after else "several copies"
    kind = purl.removeprefix("pkg:").partition("/")[0]
    one, other = _parts(kind, before), _parts(kind, after)
    for name, was, became in zip(("epoch", "upstream", "revision"), one, other, strict=True):
        if was != became:
            return name
    return ""


def _parts(kind: str, version: str) -> tuple[str, str, str]:
    if kind not in _WITH_REVISION:
        return "0", version, ""
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isdigit()):
        epoch, rest = "0", version
    if kind == "apk":
        found = re.fullmatch(r"(.*)-r(\d+)", rest)
        return epoch, found[1] if found else rest, found[2] if found else ""
    upstream, dash, revision = rest.rpartition("-")
    return (str(int(epoch)), upstream, revision) if dash else (str(int(epoch)), rest, "")
