"""What a container wrote outside its volumes, and that would be lost with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from drift.compare.ignore import ignore_rules

_MODIFIED, _ADDED = 0, 1
_TOLD = 5  # paths


def written_outside(
    changes: Iterable[Mapping[str, Any]],
    mount_points: Collection[str],
    discard: Sequence[str],
    made: Collection[str] = (),
) -> tuple[str, ...]:
    """The paths of ``/containers/ID/changes`` that are neither in a mount nor discarded.

    Left out are mount points, what lies below them, and the parents that the engine made for
    them; what it ``made`` itself, but not what lies in that; directories that changed only
    because something in them did; and what the ``discard`` patterns match. Sorted.
    """
    found = {str(one.get("Path") or ""): int(one.get("Kind") or 0) for one in changes}
    mounts = {_plain(point) for point in mount_points}
    own = {_plain(path) for path in made}
    made_on_the_way = {parent for point in mounts | own for parent in _parents(point)}
    having_changed = {parent for path in found for parent in _parents(path)}
    discarded = ignore_rules(tuple(discard))
    return tuple(
        sorted(
            path
            for path, kind in found.items()
            if path not in mounts
            and mounts.isdisjoint(_parents(path))
            and not (path in own and kind == _ADDED)
            and not (path in made_on_the_way and kind in (_MODIFIED, _ADDED))
            and not (kind == _MODIFIED and path in having_changed)
            and not discarded(path)
        )
    )


def would_be_lost(written: Sequence[str] | None) -> str | None:
    """A sentence on what :func:`written_outside` found (None: it could not be read), for whom
    the container would go; None where nothing would be lost."""
    if written is None:
        return "what it wrote cannot be read"
    if not written:
        return None
    more = f" and {len(written) - _TOLD} more" if len(written) > _TOLD else ""
    return f"it wrote outside its volumes: {', '.join(written[:_TOLD])}{more}"


def _plain(path: str) -> str:
    return "/" + path.strip("/")


def _parents(path: str) -> list[str]:
    """The directories that a path lies in, without the root."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:n]) for n in range(1, len(parts))]
