"""``drift init``: a drift.toml for what is there to be built."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from drift.cli import output
from drift.errors import ConfigError

NAME = "init"
EXAMPLES = """\b
Examples:
  drift init                 for the repository that this directory is
  drift init services        for the Dockerfiles and compose files below services/
  drift init --force         replace a drift.toml that is there
"""


def command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="Where to look, and to write.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a drift.toml for the Dockerfiles and compose files found."""
    from drift.init import propose

    if not directory.is_dir():
        raise ConfigError(f"{directory}: not a directory", hint="name one, or go there first")
    file = directory / "drift.toml"
    if not force:
        _refuse_existing(file)
    text = propose(directory)
    _write(file, text, force)
    output.write(_told(file, text))


def _refuse_existing(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise ConfigError(f"{file} is there already", hint="--force replaces it")


def _write(file: Path, text: str, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        _refuse_existing(file)
    except OSError as error:
        hint = "check the permissions of the directory"
        raise ConfigError(f"{file}: cannot be written: {error.strerror}", hint=hint) from error


def _told(file: Path, text: str) -> str:
    images = tomllib.loads(text)["image"]
    rows = [(f"  {image['name']}", _from(image)) for image in images]
    lines = [f"Wrote {file} with {len(images)} image{'' if len(images) == 1 else 's'}:"]
    left = text.partition("# Skipped:\n")[2].count("\n")
    notes = [f"Left out: {left}; the file's last comment says why."] if left else []
    steps = [
        "",
        "Next:",
        "  look through the file, and keep .drift/ and reports/ out of version control",
        "  drift doctor    is everything there that a night needs?",
        "  drift check     build the first night",
    ]
    return "\n".join([*lines, output.table(rows).rstrip("\n"), *notes, *steps]) + "\n"


def _from(image: dict[str, str]) -> str:
    target = f", target {image['target']}" if image.get("target") else ""
    return f"{image['context']} ({image['dockerfile']}{target})"
