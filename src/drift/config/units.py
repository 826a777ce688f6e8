"""Durations, sizes and other small grammars of drift.toml.

Each parser takes the value as TOML gave it, and raises :class:`ValueError` whose text says
what was expected; the value itself is not in it, because it may be secret.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from drift.config.model import FreeSpace
from drift.oci import Platform, Reference

DURATION = r"^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w|y))+$"
SIZE = r"^[0-9]+(?:\.[0-9]+)? ?(?:[kKmMgGtTpP][iI]?)?[bB]?$"
FREE = r"^(?:[0-9]+(?:\.[0-9]+)?%|" + SIZE.strip("^$") + ")$"
NAME = r"^[a-z0-9]+(?:[._-][a-z0-9]+)*$"
HOST = r"^[^\s:=]+[:=][^\s=]+$"
ADDRESS = r"^[^@\x00-\x1f\x7f]+@[^@\s]+$"
ID = r"^[A-Za-z0-9_.-]+$"
STORE = r"^(?:sqlite|postgresql)(?:\+[a-z0-9_]+)?://"
HTTP = r"^https?://[^\s/]"
IGNORE = r"^[^\x00\r\n]+$"
ANY_URL = r"^[A-Za-z][A-Za-z0-9+.-]*://?[^\s]"
NAME_LENGTH = 63

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_LONGEST = 100 * _SECONDS["y"]
_LARGEST = 2**60


def matching(value: object, pattern: str, expected: str) -> str:
    """The text, where it is one and matches the whole pattern."""
    if not isinstance(value, str) or len(value) > 4096 or re.search(pattern, value) is None:
        raise ValueError(f"expected {expected}")
    if value.endswith("\n"):  # which ``$`` lets pass
        raise ValueError(f"expected {expected}, without a line break")
    return value


def duration(value: object) -> float:
    """``"60m"``, ``"1h30m"``: seconds, more than none. A year is 365 days."""
    expected = 'a duration such as "20s", "60m", "36h", "30d" or "1y"'
    text = matching(value, DURATION, expected)
    parts = re.findall(r"([0-9.]+)(ms|[smhdwy])", text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"expected {expected}, more than nothing and at most 100y")
    return seconds


def size(value: object) -> int:
    """``"64m"``, ``"20GB"``, ``"1GiB"``: bytes. As docker's, all units are powers of 1024."""
    text = matching(value, SIZE, 'a size such as "64m" or "20GB"').lower()
    match = re.match(r"([0-9.]+) ?([kmgtp]?)", text)
    assert match is not None  # noqa: S101 - the pattern above says so
    amount = float(match[1]) * 1024.0 ** " kmgtp".index(match[2] or " ")
    if amount > _LARGEST:
        raise ValueError("expected a size of at most 1024 PB")
    return int(amount)


def free_space(value: object) -> FreeSpace:
    """``"20%"`` of the disk, or a size."""
    expected = 'a share or a size, such as "20%" or "50GB"'
    text = matching(value, FREE, expected)
    if not text.endswith("%"):
        return FreeSpace(bytes=size(text))
    if float(text[:-1]) > 100:
        raise ValueError(f"expected {expected}, at most 100%")
    return FreeSpace(percent=float(text[:-1]))


def name(value: object) -> str:
    """An image's name: ``[a-z0-9]+([._-][a-z0-9]+)*``, at most 63 characters."""
    expected = "lower-case letters and digits, single . _ or - between them"
    text = matching(value, NAME, expected)
    if len(text) > NAME_LENGTH:
        raise ValueError(f"expected at most {NAME_LENGTH} characters, these are {len(text)}")
    return text


def reference(value: object) -> Reference:
    """An image reference, such as ``registry/app:prod``."""
    try:
        return Reference.parse(matching(value, "", "a text"))
    except ValueError:
        raise ValueError('expected an image reference such as "registry/app:prod"') from None


def platform(value: object) -> Platform:
    """A platform, such as ``linux/arm64/v8``."""
    try:
        return Platform.parse(matching(value, "", "a text"))
    except ValueError:
        raise ValueError('expected os/architecture, such as "linux/amd64"') from None


def host(value: object) -> str:
    """A line for ``/etc/hosts``: ``name:address``, as the engine takes it (``=`` is read too)."""
    text = matching(value, HOST, 'a name and an address, such as "db:10.0.0.2"')
    return re.sub("[:=]", ":", text, count=1)


def address(value: object) -> str:
    """An e-mail address, with a display name or without."""
    return matching(value, ADDRESS, 'an e-mail address such as "team@example.org"')


def identifier(value: object) -> str:
    """The id of a secret or of an ssh agent."""
    return matching(value, ID, "an id of letters, digits, . _ and -")


def store_url(value: object) -> str:
    """A SQLAlchemy URL of a database that drift knows."""
    text = matching(value, STORE, '"sqlite:///PATH" or "postgresql://USER@HOST/DATABASE"')
    scheme, _, rest = text.partition("?")[0].partition("://")
    authority, _, path = rest.partition("/")
    if not scheme.startswith("sqlite") and (authority.count("@") > 1 or "@" in path):
        # Read otherwise, a part of the password would be taken for the host, and be told.
        raise ValueError('expected "%40" for an "@" and "%2F" for a "/" in user and password')
    return text


def ignore_pattern(value: object) -> str:
    """A line of a .gitignore that names paths: no comment, and not blank."""
    from pathspec import GitIgnoreSpec

    expected = 'a pattern such as "/var/log/**", gitignore-style'
    text = matching(value, IGNORE, expected)
    try:
        (pattern,) = GitIgnoreSpec.from_lines([text]).patterns
    except (ValueError, re.error):
        raise ValueError(f"expected {expected}") from None
    if pattern.include is None:
        raise ValueError(f"expected {expected}; this one matches nothing")
    return text


def http_url(value: object) -> str:
    """An ``http`` or ``https`` URL with a host."""
    expected = "an http:// or https:// URL"
    text = matching(value, HTTP, expected)
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"expected {expected}")
    return text


def any_url(value: object) -> str:
    """A URL of any scheme, as Apprise takes them."""
    return matching(value, ANY_URL, 'a URL such as "slack://…"')
