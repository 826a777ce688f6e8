"""Build contexts in memory."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from typing import IO


def tar_context(files: Mapping[str, str]) -> Callable[[], IO[bytes]]:
    """What opens a context tar that holds these files, by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return lambda: io.BytesIO(buffer.getvalue())
