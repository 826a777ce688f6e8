"""Which side's own instructions wrote a field of the image configuration."""

from __future__ import annotations

import re
from collections import Counter

from drift.attribute.sides import Sides

_KEYWORDS = {
    "Env": "ENV",
    "Labels": "LABEL",
    "Cmd": "CMD|ENTRYPOINT",  # a new ENTRYPOINT resets CMD
    "Entrypoint": "ENTRYPOINT",
    "ArgsEscaped": "CMD|ENTRYPOINT",
    "User": "USER",
    "WorkingDir": "WORKDIR",
    "ExposedPorts": "EXPOSE",
    "Volumes": "VOLUME",
    "Healthcheck": "HEALTHCHECK",
    "StopSignal": "STOPSIGNAL",
    "Shell": "SHELL",
    "OnBuild": "ONBUILD",
    "author": "MAINTAINER",
}
# What builders write beside another field: it has no cause of its own where that one changed.
FOLLOWS = {"ArgsEscaped": ("Cmd", "Entrypoint")}


def wrote_setting(sides: Sides, field: str) -> bool:
    """Whether an instruction that only one side has wrote a field (``Env.PATH``, ``Cmd``)."""
    setting, _, name = field.partition(".")
    keyword = rf"\b(?:{_KEYWORDS.get(setting, re.escape(setting.upper()))})\b"
    # Variables and labels stand as ``NAME=value``, once quoted; ports without ``/tcp``.
    key = re.escape(name.removesuffix("/tcp"))
    key = rf"[\s\"']{key}[\"']?[=\s]" if setting in ("Env", "Labels") else key
    written = re.compile(rf"{keyword}.*?{key}", re.DOTALL)
    return any(written.search(line) for line in _one_sided(sides))


def _one_sided(sides: Sides) -> set[str]:
    """The history lines that the two sides do not share."""
    one, other = (
        Counter(entry.created_by for entry in sides.own_history(before=before))
        for before in (True, False)
    )
    return {*(one - other), *(other - one)}
