"""Names of images that a person typed, and what was meant where there is no such image."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from drift.config.model import Config
from drift.errors import ConfigError

_LISTED = 20  # names that are read at a glance


def no_such_images(names: Sequence[str], config: Config) -> ConfigError:
    """The error that says which images drift.toml does not have, and which are near."""
    known = [image.name for image in config.images]
    near = [one for name in names for one in get_close_matches(name.lower(), known, n=1)]
    listed = known[:_LISTED]
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    meant = f"did you mean {', '.join(dict.fromkeys(near))}? " if near else ""
    return ConfigError(
        f"no image is named {', '.join(map(repr, names))} in {config.path.name}",
        hint=f"{meant}configured are: {', '.join(listed)}{more}",
    )
