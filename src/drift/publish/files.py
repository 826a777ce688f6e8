"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from drift.errors import ReportError


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace a file at once: readers see the old one or the new one, never a half.

    Raises:
        ReportError: it cannot be written.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".drift-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)  # made private by mkstemp; a web server has to read it
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)  # there only where something went wrong
    except OSError as error:
        raise ReportError(
            f"cannot write the report {path}: {error.strerror or error}",
            hint="check that [report] directory exists, is writable and has space left",
        ) from error
