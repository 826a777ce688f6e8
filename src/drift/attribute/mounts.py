"""What a RUN has before it beside the layers below: ``--mount``, read from its text.

Specification: the Dockerfile reference, "RUN --mount".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from drift.attribute.installs import fetched_by
from drift.source.dockerfile.model import DockerfileError
from drift.source.dockerfile.mounts import RunMount, run_mount

_RUN = re.compile(r"(?:ONBUILD\s+)?RUN\s+((?:--\S+\s+)*)(.*)", re.IGNORECASE | re.DOTALL)
_MOUNT = re.compile(r"--mount=(\S*)", re.IGNORECASE)
# A secret or an agent is there to fetch with.
_STILL = {"bind", "cache", "tmpfs"}
# A URL, and what a shell opens by itself, whatever the command is called.
_ADDRESSES = re.compile(r"://|/dev/tcp/")


def may_fetch(text: str) -> bool:
    """Whether a RUN names anything that may fetch from elsewhere, or is none.

    It is a reading: what a script fetches that it calls is not known here.
    """
    run = _RUN.match(text)
    if run is None or _ADDRESSES.search(run[2]) or fetched_by(run[2]):
        return True
    return not {mount.type for mount in _mounts(run[1])} <= _STILL


def mounted(text: str) -> tuple[str, ...]:
    """The stages and images that a RUN mounts."""
    run = _RUN.match(text)
    return tuple(mount.source for mount in _mounts(run[1] if run else "") if mount.source)


def secrets_of(text: str) -> tuple[str, ...]:
    """The ids of the secrets that a RUN is given: what they hold is kept nowhere."""
    run = _RUN.match(text)
    mounts = _mounts(run[1] if run else "")
    return tuple(mount.secret_id for mount in mounts if mount.type == "secret")


def _mounts(flags: str) -> Iterator[RunMount]:
    for value in _MOUNT.findall(flags):
        try:
            yield run_mount(value)
        except DockerfileError:  # no builder took it: of no type that is known
            yield RunMount("", "", {})
