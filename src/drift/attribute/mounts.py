"""What a RUN has before it beside the layers below: ``--mount``, read from its text.

Specification: the Dockerfile reference, "RUN --mount".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from drift.attribute.installs import RUN, fetched_by
from drift.source.dockerfile.model import DockerfileError
from drift.source.dockerfile.mounts import RunMount, run_mount

_MOUNT = re.compile(r"--mount=(\S*)", re.IGNORECASE)
# A secret or an agent is there to fetch with.
_STILL = {"bind", "cache", "tmpfs"}
# A URL, and what a shell opens by itself, whatever the command is called.
_ADDRESSES = re.compile(r"://|/dev/tcp/")


def may_fetch(text: str) -> bool:
    """Whether a RUN names anything that may fetch from elsewhere, or is none.

    It is a reading: what a script fetches that it calls is not known here.
    """
    run = RUN.match(text)
    if run is None or _ADDRESSES.search(run["script"]) or fetched_by(text):
        return True
    return not {mount.type for mount in mounts_of(text)} <= _STILL


def mounted(text: str) -> tuple[str, ...]:
    """The stages and images that a RUN mounts."""
    return tuple(mount.source for mount in mounts_of(text) if mount.source)


def secrets_of(text: str) -> tuple[str, ...]:
    """The ids of the secrets that a RUN is given: what they hold is kept nowhere."""
    return tuple(mount.secret_id for mount in mounts_of(text) if mount.type == "secret")


def mounts_of(text: str) -> Iterator[RunMount]:
    """All mounts of a RUN, variables as they are written."""
    run = RUN.match(text)
    for value in _MOUNT.findall(run["flags"]) if run else ():
        try:
            yield run_mount(value)
        except DockerfileError:  # no builder took it: of no type that is known
            yield RunMount("", "", {})
