"""Addresses of things outside: what may be asked of them, and what must not be kept."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>(?!//)\S+)")
_SECRET = re.compile(
    r"(^|[-_.])(token|access_?key|api_?key|key|secret|password|passwd|pwd|auth|credential|sig"
    r"|signature|sas)([-_.]|$)",
    re.IGNORECASE,
)
_SCHEMES = frozenset({"http", "https"})
_GIT_SCHEMES = frozenset({"http", "https", "git", "ssh"})
_IMPOSSIBLE = re.compile(r"[\x00-\x20\x7f\\]|[\ud800-\udfff]")


def web_address(text: str) -> str | None:
    """An ``http`` or ``https`` URL without its user part and fragment.

    None for anything else, and where a parameter of the query looks like a credential: what
    such an address serves without it is another thing.
    """
    return _address(text, _SCHEMES)


def git_address(text: str) -> str | None:
    """A git repository's URL without its user part; ``user@host:path`` becomes ``ssh://``."""
    if "://" not in text:
        match = _SCP.fullmatch(text)
        if match is None or "@" not in text:
            return None
        text = f"ssh://{match['host']}/{match['path'].lstrip('/')}"
    return _address(text, _GIT_SCHEMES)


def _address(text: str, schemes: frozenset[str]) -> str | None:
    if _IMPOSSIBLE.search(text):
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    if parts.scheme.lower() not in schemes or not host or _holds_credential(parts.query):
        return None
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme.lower(), host + port, parts.path, parts.query, ""))


def _holds_credential(query: str) -> bool:
    return any(_SECRET.search(name) for name, _ in parse_qsl(query, keep_blank_values=True))


def file_name(url: str) -> str:
    """The name that a download of a URL gets: its path's last part."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def fragment_of(text: str) -> str:
    """What stands behind the first ``#``."""
    return text.partition("#")[2]
