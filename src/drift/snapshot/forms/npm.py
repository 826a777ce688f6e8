"""npm's cache index, ``_cacache/index-v5`` (cacache, ``lib/entry-index.js``).

Lines of a SHA-1 over the rest, a tab, and a JSON object: key, integrity, time, size and
metadata, with npm's own time and the response's headers.
"""

from __future__ import annotations

import json
import re
from typing import Any

from drift.snapshot.forms.model import Window

MARK = "/_cacache/index-v5/"
_LINE = re.compile(rb"([0-9a-f]{40})\t(\{.{0,65536}\})")
_LIMIT = 1 << 20


class NpmCacheIndex:
    """The entries without the times of the requests and the headers of the responses.

    Not exact: what a registry says in its headers is left out. The integrity stays.
    """

    name = "npm-cache-index"
    kind = "cache"
    exact = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """One line of JSON for each entry; None for other content."""
        del path, window
        if len(content) > _LIMIT:
            return None
        entries: list[str] = []
        for line in content.split(b"\n"):
            if not line:
                continue
            match = _LINE.fullmatch(line)
            entry = _entry(match[2]) if match else None
            if entry is None:
                return None
            entries.append(json.dumps(entry, sort_keys=True))
        return "\n".join(entries).encode() if entries else None


def _entry(text: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    entry.pop("time", None)
    metadata = entry.get("metadata")
    if isinstance(metadata, dict):
        for varies in ("time", "resHeaders"):
            metadata.pop(varies, None)
    return entry
