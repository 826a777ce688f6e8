"""What a package URL says by itself: its ecosystem and its package's name."""

from __future__ import annotations

from urllib.parse import unquote

_SYSTEM = ("deb", "apk")


def ecosystem(purl: str) -> str:
    """The purl's type: ``deb``, ``apk``, ``pypi``, ``npm``."""
    return purl.removeprefix("pkg:").partition("/")[0]


def bare_name(purl: str) -> str:
    """The package's name as its ecosystem writes it, without a namespace."""
    return unquote(purl.rpartition("/")[2])


def of_system(purl: str) -> bool:
    """Whether a package is the distribution's own, which comes before a language's."""
    return ecosystem(purl) in _SYSTEM


def rank(purl: str) -> tuple[bool, str]:
    """The order in which packages are asked: the system's first."""
    return not of_system(purl), purl
