"""A report's document on its way out: the format that was asked for, where it was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from drift.cli import output
from drift.cli.options import Format
from drift.errors import ReportError

if TYPE_CHECKING:
    from drift.config import Config


_SUMMARY = 1 << 20  # bytes of a step's summary
_LEAST = 2000  # bytes that a report needs to be worth reading
# JSON and Markdown are read by programs, and hold nothing that acts anyway.
_UNHEEDED = (Format.TEXT, Format.HTML)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a report is to be written."""

    format: Format
    output: Path | None
    full: bool


def emit(
    document: dict[str, Any], wanted: Wanted, dockerfiles: Mapping[str, str] | None = None
) -> None:
    """Write a report; for GitHub the step summary as well.

    Raises:
        ReportError: it cannot be written.
    """
    from drift.report.document import trim
    from drift.report.formats import FORMATS

    shown = trim(document, full=wanted.full)
    text = FORMATS[wanted.format](shown, **_options(wanted, dockerfiles))
    exact = wanted.format is not Format.TEXT
    if wanted.format in _UNHEEDED:
        with output.unheeded(sys.stdout):
            output.deliver(text, wanted.output, exact=exact)
    else:
        output.deliver(text, wanted.output, exact=exact)
    if wanted.format is Format.GITHUB:
        append_summary(shown)


def append_summary(document: dict[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Append the Markdown report to the step summary of a GitHub workflow, where there is one.

    GitHub shows none of a step's summary that is larger than 1 MiB, so what stands in it
    already is counted.

    Raises:
        ReportError: it cannot be written.
    """
    from drift.report import markdown

    place = environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with Path(place).open("a+b") as file:
            room = _SUMMARY - file.tell()
            if room < _LEAST:
                output.say("drift: the step summary is full: the report is not in it")
                return
            text = markdown.render(document, limit=room - 1, size=_bytes)
            file.write(_line_break(file) + text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ReportError(f"cannot append to GITHUB_STEP_SUMMARY: {error.strerror}") from error


def _line_break(file: BinaryIO) -> bytes:
    """What ends the last line of a file, where nothing does."""
    if file.tell() == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read() == b"\n" else b"\n"


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _options(wanted: Wanted, dockerfiles: Mapping[str, str] | None) -> dict[str, Any]:
    if wanted.format is Format.TEXT:
        coloured = wanted.output is None and output.is_coloured(sys.stdout)
        return {"colour": coloured, "full": wanted.full}
    if wanted.format is Format.GITHUB:
        return {"dockerfiles": dockerfiles or {}}
    return {}


def dockerfiles(config: Config, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where each image's Dockerfile lies, relative to the root of the repository.

    An image that is built from elsewhere (a git URL, another tree) is left out.
    """
    root = _repository_root(config, environ)
    found = {}
    for image in config.images:
        if image.context_path is not None:
            file = os.path.normpath(image.context_path.resolve() / image.dockerfile)
            if Path(file).is_relative_to(root):
                found[image.name] = Path(file).relative_to(root).as_posix()
    return found


def _repository_root(config: Config, environ: Mapping[str, str]) -> Path:
    workspace = environ.get("GITHUB_WORKSPACE")
    here = config.root.resolve()
    if workspace and here.is_relative_to(Path(workspace).resolve()):
        return Path(workspace).resolve()
    return next((place for place in (here, *here.parents) if (place / ".git").exists()), here)
