"""What runs, and whether there is something newer: the answers of ``drift ps``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from drift.builds import Role
from drift.config.model import Image
from drift.engine import images, registry
from drift.engine.engine import Engine
from drift.engine.leavings import moment
from drift.engine.manifests import Manifests, SilentError
from drift.engine.pull import remembered_digests
from drift.engine.registry import Distributed
from drift.errors import EngineError, Error
from drift.oci import Digest, Platform, Reference
from drift.report.words import counted
from drift.store.store import Store
from drift.upkeep.content import Difference, Reader, same_platform
from drift.upkeep.model import Container
from drift.upkeep.moved import is_still
from drift.upkeep.reading import read_containers, running

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")


class State(StrEnum):
    """What there is to say of a running container's image."""

    CURRENT = "current"
    NEWER = "newer"  # it differs, or was not looked at
    SAME = "same-content"  # newer by its digest, the same in content
    HIDDEN = "not-visible"  # all that differs lies below a mount
    PINNED = "pinned"
    ID = "made-from-id"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Running:
    """A running container: what it was made from, what it runs, what is newest.

    ``digest`` is the registry's for what runs, None where none is known; ``newest`` the
    registry's, or the id of an image that is here. ``image_id`` is the newer image's where
    it is here. ``days`` is by how much it is behind, None where the times say nothing.
    """

    container: Container
    reference: str
    state: State
    said: str
    digest: str | None = None
    newest: str | None = None
    image_id: str | None = None
    days: int | None = None
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at what runs. With ``pull`` newer images are pulled, with ``read`` those that are
    here are read and compared; what the store knows is always compared."""

    engine: Engine
    store: Store
    fleet: Sequence[Image]
    pull: bool
    read: bool
    reader: Reader
    answers: dict[str, Distributed | EngineError | None] = field(default_factory=dict)
    manifests: dict[str, Manifests] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)  # registries that do not answer drift itself

    def all(self) -> Iterator[Running]:
        """Every running container, by name.

        Raises:
            EngineError: the engine does not answer.
        """
        for container in running(read_containers(self.engine.connection)):
            yield self.look(container)

    def look(self, container: Container) -> Running:
        """One container."""
        plain = Running(container, container.image, State.UNKNOWN, "")
        try:
            parsed = Reference.parse(container.image)
        except ValueError:
            parsed = None
        if parsed is None or _is_id(container):
            return replace(
                plain, state=State.ID, said="made from an id: nothing newer has its name"
            )
        document = images.document(self.engine.connection, container.image_id)
        known = [str(one) for one in remembered_digests(document, parsed)] if document else []
        plain = replace(plain, digest=known[0] if known else None)
        if parsed.digest is not None:
            return replace(
                plain, state=State.PINNED, digest=str(parsed.digest), said="pinned by digest"
            )
        try:
            own = self._own_build(parsed)
            if own is not None:
                return self._compared(replace(plain, newest=own, image_id=own), document)
            return self._from_registry(plain, document, known)
        except Error as error:
            return replace(plain, said=f"unknown: {error.message}")

    def _own_build(self, parsed: Reference) -> str | None:
        """The image of the last good night of the fleet's image that has this reference."""
        for image in self.fleet:
            if str(parsed) in {str(tag) for tag in image.tags}:
                builds = [b for b in self.store.builds(image.name) if b.snapshot is not None]
                for build in builds:
                    self.reader.knows(build.result)
                last = next((b for b in builds if b.role is Role.NIGHTLY), None)
                return str(last.result.image_id) if last else None
        return None

    def _from_registry(
        self, plain: Running, document: dict[str, Any] | None, known: Sequence[str]
    ) -> Running:
        found = self._asked(plain.reference)
        if isinstance(found, EngineError):
            return self._local(plain, State.UNKNOWN, f"not known: {found.message}")
        if found is None:
            return self._local(plain, State.CURRENT, "current; no registry has it")
        plain = replace(plain, newest=found.digest)
        if found.digest in known:
            return replace(plain, state=State.CURRENT, said="current", digest=found.digest)
        platform = images.platform_of(document) if document else None
        if platform is not None and not same_platform(platform, found.platforms):
            return replace(plain, said=f"the newest has no image for {platform}")
        if found.index and platform is not None and self._is_still(plain, platform, known):
            return replace(
                plain, state=State.CURRENT, said="current; what moved is for other platforms"
            )
        here = self._here(plain.reference, found.digest)
        if here is None and self.pull:
            pulled = self.engine.pull(plain.reference, platform, "always")
            here = str(pulled.image_id)
        if here is None:
            return replace(plain, state=State.NEWER, said="newer, content not looked at")
        return self._compared(replace(plain, image_id=here), document)

    def _asked(self, reference: str) -> Distributed | EngineError | None:
        """The registry's answer, asked for once; the error where it could not be asked."""
        if reference not in self.answers:
            try:
                self.answers[reference] = registry.distribution(self.engine.connection, reference)
            except EngineError as error:
                self.answers[reference] = error
        return self.answers[reference]

    def _is_still(self, plain: Running, platform: Platform, known: Sequence[str]) -> bool:
        """Whether an index that moved has for this platform what runs. The registry is asked
        itself; where it does not tell, that is not known."""
        parsed = Reference.parse(plain.reference)
        if parsed.domain in self.silent:
            return False
        asked = registry.manifests(self.engine.connection, parsed)
        manifests = self.manifests.setdefault(plain.reference, asked)
        image_id = plain.container.image_id
        try:
            return is_still(manifests, platform, image_id, known, Digest(plain.newest or ""))
        except EngineError as error:
            if isinstance(error, SilentError):  # the next would be waited for as long
                self.silent.add(parsed.domain)
            return False

    def _here(self, reference: str, digest: str) -> str | None:
        """The id of the engine's own copy of what the registry has."""
        document = images.document(self.engine.connection, reference)
        if document is None:
            return None
        known = map(str, remembered_digests(document, Reference.parse(reference)))
        return str(images.image_id_of(document)) if digest in known else None

    def _local(self, plain: Running, state: State, said: str) -> Running:
        """Against what the name means in this engine, where no registry tells; ``state`` and
        ``said`` are for a container that runs just that."""
        document = images.document(self.engine.connection, plain.reference)
        named = str(images.image_id_of(document)) if document else None
        if named is None or named == plain.container.image_id:
            return replace(plain, state=state if named else State.UNKNOWN, said=said)
        before = images.document(self.engine.connection, plain.container.image_id)
        return self._compared(replace(plain, newest=named, image_id=named), before)

    def _compared(self, plain: Running, document: dict[str, Any] | None) -> Running:
        """Against an image that is here, or that the store knows."""
        before, after = plain.container.image_id, plain.image_id or ""
        if before == after:
            return replace(plain, state=State.CURRENT, said="current")
        plain = replace(plain, days=self._days(document, after))
        known = self.reader.has(before) and self.reader.has(after)
        if not (known or self.read):
            said = _behind(plain, "newer, content not looked at")
            return replace(plain, state=State.NEWER, said=said)
        mounts = [mount.destination for mount in plain.container.mounts]
        try:
            found = self.reader.compare(before, after, mounts)
        except Error as error:
            said = _behind(plain, f"newer, content could not be read: {error.message}")
            return replace(plain, state=State.NEWER, said=said)
        state = State.SAME if found.same else State.HIDDEN if found.hidden else State.NEWER
        said = str(found) if state is not State.NEWER else _behind(plain, str(found), "newer: ")
        return replace(plain, state=state, said=said, difference=found)

    def _days(self, document: dict[str, Any] | None, after: str) -> int | None:
        newer = images.document(self.engine.connection, after)
        made = [_made(one) for one in (document, newer)]
        if made[0] is None or made[1] is None:
            return None
        return max(0, (made[1] - made[0]).days)


def _is_id(container: Container) -> bool:
    text = container.image
    plain = text.removeprefix("sha256:")
    return bool(_ID.fullmatch(text)) and container.image_id.removeprefix("sha256:").startswith(
        plain
    )


def _made(document: dict[str, Any] | None) -> datetime | None:
    """When an image was made; reproducible ones say 1970 or so, which says nothing."""
    found = moment(document.get("Created")) if document else None
    return found if found and found > datetime(2000, 1, 1, tzinfo=UTC) else None


def _behind(plain: Running, said: str, otherwise: str = "") -> str:
    """What is newer, with the days where they are known."""
    if not plain.days:
        return f"{otherwise}{said}"
    return f"{counted(plain.days, 'day')} behind: {said}"
