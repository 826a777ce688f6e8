"""Images in the engine: looked at, named, and unnamed again where the name is drift's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker.errors

from drift.engine.connection import Connection
from drift.engine.model import InspectedImage
from drift.errors import EngineError
from drift.oci import DiffId, Digest, Platform, Reference

OWN_DOMAIN = "drift.local"


def own_reference(image: str, build: str) -> str:
    """The reference that drift gives to what it builds: ``drift.local/IMAGE:BUILD``.

    ``image`` follows the configuration's grammar. The domain is nobody's, so nothing that
    others name can collide with it, and a mistaken push goes nowhere.

    Raises:
        ValueError: the two do not make a reference.
    """
    return str(Reference.parse(f"{OWN_DOMAIN}/{image}:{build}"))


def is_own(reference: str) -> bool:
    """True for references that :func:`own_reference` makes."""
    return reference.startswith(f"{OWN_DOMAIN}/")


def document(connection: Connection, reference: str) -> dict[str, Any] | None:
    """The engine's inspect document of an image, None where it has no such image."""
    with connection.failures(f"inspecting {reference}"):
        try:
            found = connection.client.inspect_image(reference)
        except docker.errors.NotFound:
            return None
    if not isinstance(found, dict) or not isinstance(found.get("Id"), str):
        raise EngineError(f"the engine described {reference} in a form that is not known")
    return found


def inspect(connection: Connection, reference: str) -> InspectedImage | None:
    """An image by reference or ID, None where the engine has no such image."""
    found = document(connection, reference)
    if found is None:
        return None
    return InspectedImage(
        image_id=image_id_of(found),
        tags=names_of(found, "RepoTags"),
        repo_digests=names_of(found, "RepoDigests"),
        diff_ids=diff_ids_of(found),
        size=int(found.get("Size") or 0),
    )


def image_id_of(found: Mapping[str, Any]) -> Digest:
    """The image's ID: the configuration's digest, or, in a containerd store, the manifest's."""
    return Digest(full_id(str(found["Id"])))


def full_id(text: str) -> str:
    """An image's ID with its algorithm, which podman leaves out."""
    return text if ":" in text else f"sha256:{text}"


def diff_ids_of(found: Mapping[str, Any]) -> tuple[DiffId, ...]:
    """The layers of an inspected image, bottom first."""
    return tuple(DiffId(text) for text in (found.get("RootFS") or {}).get("Layers") or ())


def platform_of(found: Mapping[str, Any]) -> Platform:
    """What an inspected image is for."""
    return Platform(
        str(found.get("Os") or "unknown"),
        str(found.get("Architecture") or "unknown"),
        found.get("Variant") or None,
    )


def names_of(found: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """The names of an image's ``RepoTags`` or ``RepoDigests``, without ``<none>:<none>``."""
    return tuple(name for name in found.get(field) or () if not name.startswith("<none>"))


def tag(connection: Connection, image: str, reference: str) -> None:
    """Give an image one of drift's own references.

    Raises:
        ValueError: the reference is not drift's own.
        EngineError: the engine does not have the image, or refuses.
    """
    _require_own(reference)
    move_name(connection, image, reference)


def move_name(connection: Connection, image: str, reference: str) -> None:
    """Let a reference, which has no digest, mean this image in the engine."""
    parsed = Reference.parse(reference)
    with connection.failures(f"tagging {image} as {reference}"):
        connection.client.tag(image, f"{parsed.domain}/{parsed.path}", parsed.tag)


def remove(connection: Connection, reference: str) -> bool:
    """Take one of drift's own references away; the image goes with its last name.

    Returns False where there was no such reference.

    Raises:
        ValueError: the reference is not drift's own.
        EngineError: the engine refuses (a container uses the image, for one).
    """
    _require_own(reference)
    with connection.failures(f"removing {reference}"):
        try:
            connection.client.remove_image(reference)
        except docker.errors.NotFound:
            return False
    return True


def own_references(connection: Connection) -> tuple[str, ...]:
    """All references in the engine that are drift's own, sorted."""
    with connection.failures("listing images"):
        images = connection.client.images()
    return tuple(sorted(n for image in images for n in names_of(image, "RepoTags") if is_own(n)))


def _require_own(reference: str) -> None:
    if not is_own(reference):
        raise ValueError(f"not drift's own reference: {reference!r}")
