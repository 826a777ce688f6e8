"""What a registry has under a reference, asked through the engine. Nothing is pulled.

Specification: the engine API's ``DistributionInspect``, which podman lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import docker.errors

from drift.engine.connection import Connection
from drift.engine.manifests import INDEX, Manifests
from drift.engine.pull import PullFailure, classify, credentials
from drift.errors import EngineError
from drift.oci import Digest, Platform, Reference


@dataclass(frozen=True, slots=True)
class Distributed:
    """What a registry has under a reference: the digest of its index or manifest, and the
    platforms that it is for. ``index`` where it stands for several images."""

    digest: Digest
    platforms: tuple[Platform, ...]
    index: bool = False


def distribution(connection: Connection, reference: str) -> Distributed | None:
    """What the registry has under ``reference``, None where it says that it has nothing.

    Raises:
        EngineError: it could not be asked.
    """
    with connection.failures(f"asking the registry for {reference}"):
        try:
            found = connection.client.inspect_distribution(reference)
        except docker.errors.APIError as error:
            said = str(error.explanation or error)
            missing = classify(said, error.status_code) is PullFailure.NOT_FOUND
            if missing and "page not" not in said:  # podman's, which cannot ask
                return None
            raise
        platforms = tuple(
            Platform(str(one["os"]), str(one["architecture"]), one.get("variant") or None)
            for one in found.get("Platforms") or ()
            if one.get("os") and one.get("architecture")
        )
        descriptor = found.get("Descriptor") or {}
        index = descriptor.get("mediaType") in INDEX
        return Distributed(Digest(str(descriptor.get("digest"))), platforms, index)


def registry_has(connection: Connection, reference: str) -> bool | None:
    """Whether a registry has what ``reference`` names; None where it could not be asked."""
    try:
        return distribution(connection, reference) is not None
    except EngineError:
        return None


def digest_in_registry(connection: Connection, reference: str) -> Digest | None:
    """The digest that a registry has under a reference now, None where that cannot be told."""
    try:
        found = distribution(connection, reference)
    except EngineError:
        return None
    return found.digest if found else None


def manifests(connection: Connection, reference: Reference) -> Manifests:
    """The registry of a reference itself, to be asked as whoever the engine would be."""
    return Manifests(reference, partial(credentials, connection, reference))
