"""What is never removed: names and labels of ``[upkeep] keep``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from drift.oci import Reference

_LABEL = "label:"


def kept_by(patterns: Sequence[str], names: Iterable[str], labels: Mapping[str, str]) -> str | None:
    """The first pattern that keeps something of these names and labels, None where none does.

    ``label:KEY`` and ``label:KEY=GLOB`` look at labels; anything else is a glob of names: of a
    container's, or of an image's references, with and without tag, as people write them and
    in full.
    """
    written = {way for name in names for way in _ways(name)}
    for pattern in patterns:
        if pattern.startswith(_LABEL):
            key, equals, value = pattern.removeprefix(_LABEL).partition("=")
            if key in labels and (not equals or fnmatchcase(labels[key], value)):
                return pattern
        elif any(fnmatchcase(name, pattern) for name in written):
            return pattern
    return None


def _ways(name: str) -> tuple[str, ...]:
    """The ways in which a name may have been written."""
    try:
        parsed = Reference.parse(name)
    except ValueError:
        return (name,)
    end = (f":{parsed.tag}" if parsed.tag else "") + (f"@{parsed.digest}" if parsed.digest else "")
    full = f"{parsed.domain}/{parsed.path}"
    bare = (parsed.familiar_name, full)
    return (name, f"{parsed.familiar_name}{end}", f"{full}{end}", *bare)
