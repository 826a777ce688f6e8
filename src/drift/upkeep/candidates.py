"""What ``[upkeep]`` lets go, and what is kept though a rule meets it. No effects.

Never: volumes; what a name or label keeps; drift's own; a container that is wanted back (its
restart policy), that others name, or that wrote outside ``discard``; an image that a container
stands on, or, by age or count, that no registry has, unless it is named. What is asked of the
outside (:class:`Asked`) is asked only of what a rule meets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from drift.config.model import Upkeep
from drift.engine.images import is_own
from drift.engine.leavings import CacheRecord
from drift.oci import Reference
from drift.report.words import age
from drift.store.uses import ImageUse
from drift.upkeep.keep import kept_by
from drift.upkeep.marks import SUFFIXES
from drift.upkeep.model import Census, Container, StoredImage
from drift.upkeep.reading import naming
from drift.upkeep.written import would_be_lost

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    """What is removed: all of an image, or one of its tags."""

    CONTAINER = "container"
    IMAGE = "image"
    TAG = "tag"
    CACHE = "build-cache"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that a rule lets go, stale ``since``. ``id`` is a container's, an image's or a
    cache record's; ``names`` are the references that go, or the container's name. ``leaves``
    are anonymous volumes that nothing will name any more."""

    kind: Kind
    id: str
    names: tuple[str, ...]
    why: str
    since: datetime
    leaves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a rule meets and something else keeps."""

    kind: Kind
    id: str
    names: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What only others know: what a container wrote outside its volumes and ``discard``, and
    whether a registry has a reference (None: it could not be asked)."""

    written: Callable[[Container], Sequence[str] | None]
    registry_has: Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Looking:
    """All that the rules look at. ``named`` are globs of images that may go for good."""

    census: Census
    rules: Upkeep
    uses: Mapping[str, ImageUse]
    now: datetime
    asked: Asked
    named: Sequence[str] = ()


Choice = Candidate | Kept


def choose(looking: Looking) -> tuple[list[Candidate], list[Kept]]:
    """What goes and what stays, each thing once, the stalest first."""
    images = list(_images(looking))
    choices: list[Choice] = [*_containers(looking), *images, *_cache(looking)]
    going = [one for one in choices if isinstance(one, Candidate)]
    kept = [one for one in choices if isinstance(one, Kept)]
    return sorted(going, key=lambda one: (one.since, one.kind, one.id)), kept


# Containers


def _containers(looking: Looking) -> Iterator[Choice]:
    enough, now = looking.rules.containers_stopped, looking.now
    if enough is None:
        return
    for one in looking.census.containers:
        since = one.stopped_at
        if not one.stopped or since is None or now - since < timedelta(seconds=enough):
            continue
        why = _container_kept(one, looking)
        if why:
            yield Kept(Kind.CONTAINER, one.id, (one.name,), why)
            continue
        leaves = _left_volumes(one, looking.census)
        verb = "never started, made" if one.state == "created" else "stopped"
        said = f"{verb} {age(since, now)} ago"
        yield Candidate(Kind.CONTAINER, one.id, (one.name,), said, since, leaves)


def _container_kept(one: Container, looking: Looking) -> str | None:
    pattern = kept_by(looking.rules.keep, [one.name], one.labels)
    if pattern:
        return f"kept by {pattern!r}"
    if one.restart not in ("", "no"):
        return f"its restart policy is {one.restart}"
    if one.of_swarm:
        return "a swarm task: swarm removes it"
    if one.name.endswith(SUFFIXES):
        return "it is of an upgrade: `drift upgrade` goes on with it, or lets it go"
    users = sorted(other.name for other in naming(one, looking.census.containers))
    if users:
        return f"{', '.join(users)} names it"
    return would_be_lost(looking.asked.written(one))


def _left_volumes(one: Container, census: Census) -> tuple[str, ...]:
    others = {
        mount.name for other in census.containers if other.id != one.id for mount in other.mounts
    }
    mine = (mount.name for mount in one.mounts if mount.anonymous and mount.name)
    return tuple(sorted(name for name in mine if name not in others))


# Images


def _images(looking: Looking) -> Iterator[Choice]:
    """Each image by the first rule that meets it; tags of images that stay by the last."""
    used = looking.census.used_images()
    surplus = _surplus_tags(looking)
    for image in looking.census.images:
        going = tuple(tag for tag in image.tags if tag in surplus)
        met = _image_rule(image, looking, used)
        if met is None and going and set(going) == set(image.tags):
            met = (f"not among the newest {looking.rules.keep_tags} tags", surplus[going[0]])
        if met is not None:
            why = _image_kept(image, looking, used)
            yield (
                Kept(Kind.IMAGE, image.id, image.tags or image.digests, why)
                if why
                else Candidate(Kind.IMAGE, image.id, image.tags or image.digests, *met)
            )
            continue
        for tag in going:
            yield _tag(tag, image, looking, surplus[tag])


def _tag(tag: str, image: StoredImage, looking: Looking, since: datetime) -> Choice:
    """One name of an image that goes on under others."""
    pattern = kept_by(looking.rules.keep, [tag], image.labels)
    if pattern:
        return Kept(Kind.TAG, image.id, (tag,), f"kept by {pattern!r}")
    users = [one for one in looking.census.containers if one.image_id == image.id]
    if any(one.image == tag for one in users):
        return Kept(Kind.TAG, image.id, (tag,), "a container was made from it by this name")
    why = f"not among the newest {looking.rules.keep_tags} tags"
    return Candidate(Kind.TAG, image.id, (tag,), why, since)


def _image_rule(
    image: StoredImage, looking: Looking, used: frozenset[str]
) -> tuple[str, datetime] | None:
    """By which rule, and since when, an image as a whole may go."""
    rules, now = looking.rules, looking.now
    if rules.dangling and not image.tags:
        return "no tag names it", _stale_since(image, looking.uses.get(image.id))
    if rules.images_unused is None or image.id in used:
        return None
    seen = looking.uses.get(image.id)
    if seen is None:
        return None  # the first time that drift sees it
    since = _stale_since(image, seen)
    if now - since < timedelta(seconds=rules.images_unused):
        return None
    return f"not seen in use for {age(since, now)}", since


def _stale_since(image: StoredImage, seen: ImageUse | None) -> datetime:
    """When an image was last seen in use, named or new. Reproducible ones were "made" in 1970."""
    moments = [image.tagged_at, image.created_at]
    if seen is not None:
        moments += [seen.first_seen, seen.last_used]
    return max((moment for moment in moments if moment), default=_LONG_AGO)


def _image_kept(image: StoredImage, looking: Looking, used: frozenset[str]) -> str | None:
    pattern = kept_by(looking.rules.keep, [*image.tags, *image.digests], image.labels)
    if pattern:
        return f"kept by {pattern!r}"
    if image.id in used:
        return "a container stands on it"
    if any(is_own(tag) for tag in image.tags):
        return "drift's own: see keep_images"
    if not image.tags:
        return None  # it lost its name to a newer one, and `dangling` asks for just that
    if all(any(fnmatchcase(tag, glob) for glob in looking.named) for tag in image.tags):
        return None
    return _irreplaceable(image, looking.asked.registry_has)


def _irreplaceable(image: StoredImage, registry_has: Callable[[str], bool | None]) -> str | None:
    """Why an image could not be had again once it is gone, None where a registry has it."""
    if not image.digests:
        return "no registry has it: it was neither pulled nor pushed"
    answers = [registry_has(name) for name in image.digests]
    if True in answers:
        return None
    if None in answers:
        return "whether a registry has it could not be asked"
    return "no registry has it any more"


def _surplus_tags(looking: Looking) -> dict[str, datetime]:
    """The tags beyond the newest of each repository, and when each was given."""
    if looking.rules.keep_tags is None:
        return {}
    repositories: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for image in looking.census.images:
        if image.tagged_at is None:
            continue  # in no order with the others
        for tag in image.tags:
            if not is_own(tag):
                repositories[_repository(tag)].append((image.tagged_at, tag))
    found: dict[str, datetime] = {}
    for tags in repositories.values():
        for at, tag in sorted(tags, reverse=True)[looking.rules.keep_tags :]:
            found[tag] = at
    return found


def _repository(tag: str) -> str:
    try:
        return Reference.parse(tag).familiar_name
    except ValueError:
        return tag.rpartition(":")[0]


# Build cache


def _cache(looking: Looking) -> Iterator[Candidate]:
    limits = looking.rules.build_cache
    if limits is None:
        return
    records = {one.id: one for one in looking.census.cache.values() if not one.in_use}
    since = {one.id: one.last_used_at or one.created_at or _LONG_AGO for one in records.values()}
    going: dict[str, str] = {}
    if limits.unused is not None:
        for key, at in since.items():
            if looking.now - at >= timedelta(seconds=limits.unused):
                going[key] = f"not used for {age(at, looking.now)}"
    if limits.size is not None:
        left = sum(one.size for one in looking.census.cache.values())
        left -= sum(records[key].size for key in going)
        for key in sorted(set(records) - set(going), key=lambda key: (since[key], key)):
            if left <= limits.size:
                break
            going[key] = "beyond the size that the cache may have"
            left -= records[key].size
    for key in _without_needed(looking.census.cache, going):
        last = max(since[one] for one in [key, *_below(key, records)])
        why = going[key]
        yield Candidate(Kind.CACHE, key, (records[key].description,), why, last)


def _without_needed(cache: Mapping[str, CacheRecord], going: Iterable[str]) -> set[str]:
    """Those that nothing which stays was made from: the engine would not let them go."""
    left = set(going)
    while (
        needed := {p for key, one in cache.items() if key not in left for p in one.parents} & left
    ):
        left -= needed
    return left


def _below(key: str, records: Mapping[str, CacheRecord]) -> set[str]:
    """The records that were made from one, at any depth."""
    found: set[str] = set()
    waiting = {key}
    while waiting:
        waiting = {k for k, one in records.items() if waiting & set(one.parents)} - found
        found |= waiting
    return found
