"""What a RUN has before it beside the layers below: ``--mount``, read from its text.

Specification: the Dockerfile reference, "RUN --mount".
"""

from __future__ import annotations

import re

_RUN = re.compile(r"(?:ONBUILD\s+)?RUN\s+((?:--\S+\s+)*)(.*)", re.IGNORECASE | re.DOTALL)
_MOUNT = re.compile(r"--mount=(\S*)", re.IGNORECASE)
# A secret or an agent is there to fetch with.
_STILL = {"bind", "cache", "tmpfs"}
# Words of commands that may fetch something from elsewhere.
_FETCHES = re.compile(
    r"\b(?:apt|apt-get|aptitude|apk|dnf|microdnf|yum|zypper|pacman|pip\d?|pipx|uv|poetry|conda|npm"
    r"|npx|yarn|pnpm|gem|bundle|cargo|rustup|go|mvn|gradle|composer|curl|wget|git|svn|hg|rsync|scp"
    r"|ssh|ftp|nc|telnet)\b|://|/dev/tcp/"
)


def may_fetch(text: str) -> bool:
    """Whether a RUN names anything that may fetch from elsewhere, or is none.

    It is a reading: what a script fetches that it calls is not known here.
    """
    run = _RUN.match(text)
    if run is None or _FETCHES.search(run[2]):
        return True
    kinds = {_fields(value).get("type", "bind").lower() for value in _MOUNT.findall(run[1])}
    return not kinds <= _STILL


def mounted(text: str) -> tuple[str, ...]:
    """The stages and images that a RUN mounts."""
    run = _RUN.match(text)
    values = map(_fields, _MOUNT.findall(run[1])) if run else ()
    return tuple(fields["from"] for fields in values if "from" in fields)


def _fields(value: str) -> dict[str, str]:
    pairs = (part.strip('"').partition("=") for part in value.split(","))
    return {name.lower(): text for name, _, text in pairs}
