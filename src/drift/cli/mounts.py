"""Whether what builds are to be given is there: secrets and the ssh agent."""

from __future__ import annotations

from collections.abc import Iterator

from drift.config import Config
from drift.engine.agent import check_agent
from drift.engine.grpc import CallError
from drift.engine.model import SecretMount
from drift.engine.session import read_secret


def lacking(config: Config) -> Iterator[str]:
    """A sentence for each secret that cannot be read, and for an agent that does not answer."""
    for image in config.images:
        for secret in image.secrets:
            try:
                read_secret(SecretMount(secret.id, secret.file, secret.env))
            except CallError as error:
                yield f"{image.name}: {error.message}"
    names = [image.name for image in config.images if image.ssh]
    if names:
        try:
            check_agent()
        except CallError as error:
            yield f"{', '.join(names)}: {error.message}"
