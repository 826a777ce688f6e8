"""Places whose files decide who may do what, and what is run or trusted."""

from __future__ import annotations

import re

from drift.attribute.risk import Risk
from drift.compare.model import FileChange
from drift.snapshot.model import EntryType

_UNITS = "service|timer|socket|path|mount|automount|target"
_PLACES = tuple(
    (risk, re.compile(pattern))
    for risk, pattern in (
        (Risk.SUDO, r"/etc/(?:sudoers|doas\.conf|(?:sudoers|doas)\.d/.+)"),
        (Risk.PAM, r"/etc/pam\.(?:conf|d/.+)"),
        (Risk.PRELOAD, r"/etc/ld\.so\.preload"),
        (Risk.AUTHORIZED_KEYS, r"(?:.*/\.ssh/|/etc/ssh/)authorized_keys.*"),
        (
            Risk.CA_CERTIFICATE,
            r"/etc/(?:ssl/certs/.+|ssl/cert\.pem|ca-certificates(?:/.+|\.conf)|pki/(?!rpm-gpg/).+)"
            r"|/usr/(?:local/)?share/(?:ca-certificates|pki)/.+"
            r"|.*/security/(?:jsse)?cacerts|.*/certifi/cacert\.pem",
        ),
        (
            Risk.CRON,
            r"/etc/(?:cron[^/]*(?:/(?!\.placeholder$).+)?|anacrontab|periodic/.+)"
            r"|/var/spool/cron/.+",
        ),
        (
            Risk.SYSTEMD,
            rf"(?:/etc|/lib|/usr/lib|/usr/local/lib)/systemd/.+\.(?:{_UNITS})(?:\.d/.+\.conf)?",
        ),
        (
            Risk.INIT,
            r"/etc/(?:(?:init|init\.d|rc[^/]*\.d|runlevels|local\.d)/.+|inittab|rc\.local)",
        ),
    )
)
_CONTENT = frozenset({"content", "link", "type"})


def place_risk(change: FileChange) -> Risk | None:
    """The risk of a file or link that is new, or has other content, at such a place."""
    after = change.after
    if after is None or after.type not in (EntryType.FILE, EntryType.SYMLINK):
        return None
    if change.before is not None and not _CONTENT & set(change.fields):
        return None
    return next((risk for risk, place in _PLACES if place.fullmatch(change.path)), None)
