"""A report's document on its way out: the format that was asked for, where it was asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift.cli import output
from drift.cli.options import Format

if TYPE_CHECKING:
    from drift.config import Config


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
    output.deliver(text, wanted.output, exact=wanted.format is not Format.TEXT)
    if wanted.format is Format.GITHUB:
        output.append_summary(FORMATS[Format.MARKDOWN](shown))


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
