"""How much a look at one source may take."""

from __future__ import annotations

import time
from dataclasses import dataclass

GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """``timeout`` is how long a source may be silent, in seconds: to connect, for each read.

    A whole answer may take ``patience`` times as long, and be ``size`` bytes. ``unpacked``
    bounds the bytes that archives are unpacked to, ``members`` the files noted of one.
    An index may be ``page`` bytes, and is read where it is ``read`` bytes at most, in
    ``members`` things listed. ``total`` seconds bound all sources of a run together: those
    not asked by then are not. ``files`` allows repositories of this machine, which only tests
    want.
    """

    timeout: float = 20.0
    patience: int = 15
    size: int = 2 * GIBIBYTE
    unpacked: int = 16 * GIBIBYTE
    members: int = 10_000
    page: int = 128 << 20
    read: int = 8 << 20
    total: float = 900.0
    files: bool = False

    def deadline(self) -> float:
        """When one answer that begins now must be whole, by :func:`time.monotonic`."""
        return time.monotonic() + self.timeout * self.patience
