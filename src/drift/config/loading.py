"""Reading a drift.toml: parse, expand, check, build; all mistakes in one error."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drift.config.locate import Locator
from drift.config.mistakes import Mistake, Shown, from_pydantic, spell
from drift.config.model import Config
from drift.errors import ConfigError
from drift.masking import Mask

LARGEST = 1 << 20  # bytes of a drift.toml
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Load a drift.toml; nothing is read but the file, and whether contexts are there.

    Raises:
        ConfigError: the file is missing, unreadable or wrong. The message has one line for
            each mistake, ``FILE:LINE: KEY: what was expected, what was found``; array
            elements count from 0, and values that came from variables are masked.
    """
    from drift.config.build import Builder
    from drift.config.variables import Expansion

    text = _read(path)
    raw, locator = _parse(path, text)
    expansion = Expansion(environ)
    document = expansion.expand(raw)
    shown = Shown(Mask(expansion.values), frozenset(expansion.places))
    file = Path(os.path.abspath(path))  # noqa: PTH100 - symbolic links stay as they are
    checked, mistakes = _check(document, file.parent, environ, shown)
    if expansion.mistakes:  # they say it already, and better
        unset = {mistake.path for mistake in expansion.mistakes}
        mistakes = [
            *expansion.mistakes,
            *(mistake for mistake in mistakes if mistake.path not in unset),
        ]
    if checked is None or mistakes:
        raise ConfigError(_message(path, mistakes, locator), hint=_hint(mistakes))
    return Builder(file, environ, tuple(expansion.values), locator.line).config(checked)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        hint = "write one with `drift init`, or name it with --config FILE"
        raise ConfigError(f"{path}: there is no such file", hint=hint) from None
    except OSError as error:
        hint = "name a readable file with --config FILE"
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", hint=hint) from error
    if len(content) > LARGEST:
        raise ConfigError(f"{path}: larger than {LARGEST} bytes", hint="is it a drift.toml?")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8", hint="save the file as UTF-8") from None


def _parse(path: Path, text: str) -> tuple[dict[str, Any], Locator]:
    try:
        return tomllib.loads(text), Locator(text)
    except tomllib.TOMLDecodeError as error:
        position = _POSITION.search(str(error))
        line = position["line"] if position and position["line"] else text.count("\n") + 1
        column = f", column {position['column']}" if position and position["column"] else ""
        reason = _POSITION.sub("", str(error))
        hint = "the file is TOML 1.0: https://toml.io"
        raise ConfigError(f"{path}:{line}: not TOML: {reason}{column}", hint=hint) from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply", hint="is it a drift.toml?") from None
    except ValueError as error:  # tomllib lets a date such as 2026-02-30 escape
        raise ConfigError(f"{path}: not TOML: {error}", hint="correct the value") from None


def _check(
    document: dict[str, Any], root: Path, environ: Mapping[str, str], shown: Shown
) -> tuple[Any, list[Mistake]]:
    from pydantic import ValidationError

    from drift.config.checks import Checks
    from drift.config.document import Document
    from drift.config.schema import config_schema

    across = list(Checks(document, root, environ, shown))
    try:
        return Document.model_validate(document), across
    except ValidationError as error:
        return None, [*from_pydantic(error.errors(), config_schema(), shown), *across]


def _message(path: Path, mistakes: Iterable[Mistake], locator: Locator) -> str:
    placed = sorted((locator.line(m.path), spell(m.path), m.text) for m in mistakes)
    return "\n".join(f"{path}:{line}: {key}: {text}" for line, key, text in placed)


def _hint(mistakes: list[Mistake]) -> str:
    noun = "mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return f"correct the {noun}; `drift schema config` lists every key"
