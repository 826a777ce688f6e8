"""Files that the engine lays over the image's while a step runs, and sometimes leaves there.

``/etc/hosts``, ``/etc/hostname`` and ``/etc/resolv.conf`` of a running container are never
the image's. What an engine wrote is known by its shape; other content stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drift.snapshot.forms.model import Window

_CONTAINER = rb"(?:[0-9a-f]{12}|buildkitsandbox)"
_ADDRESS = rb"[0-9a-fA-F:.%]{2,64}"
_HOSTS = re.compile(
    rb"(?:127\.0\.0\.1[ \t]+localhost\n|(?:::1|fe00::0?|ff0[0-9]::[0-9]?)[ \t]+[a-z0-9 \t-]{1,64}\n"
    rb"|" + _ADDRESS + rb"[ \t]+" + _CONTAINER + rb"\n){1,64}"
)
_HOSTNAME = re.compile(_CONTAINER + rb"\n?")
_RESOLV = re.compile(
    rb"(?:#[^\n]{0,200}\n|\n|nameserver " + _ADDRESS + rb"\n"
    rb"|(?:search|options|domain) [^\n]{0,256}\n){1,64}"
)


@dataclass(frozen=True, slots=True)
class EngineFile:
    """That the engine wrote it, and not what: the network of the build.

    Not exact: a Dockerfile may have written the same.
    """

    name: str
    pattern: re.Pattern[bytes]
    kind: str = "random"
    exact: bool = False

    def normal(self, path: str, content: bytes, window: Window | None) -> bytes | None:
        """A constant; None for what no engine writes."""
        del path, window
        return self.name.encode() if self.pattern.fullmatch(content) else None


ENGINE_FILES = {
    "/etc/hosts": EngineFile("engine-hosts", _HOSTS),
    "/etc/hostname": EngineFile("engine-hostname", _HOSTNAME),
    "/etc/resolv.conf": EngineFile("engine-resolv-conf", _RESOLV),
}
