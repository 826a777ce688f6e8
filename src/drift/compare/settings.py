"""Image configurations, field by field.

What a builder or an engine makes up for itself is no difference: creation times, history,
container ids, the intermediate image that a build step ran on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deepdiff import DeepDiff

from drift.compare.model import ConfigChange
from drift.oci import ImageConfig

# Beside ``config``: what the image runs on and with. The rest of the document is layers
# (compared as such), history and ids that the builder makes up.
_DOCUMENT_FIELDS = ("os", "architecture", "variant", "os.version", "os.features", "author")
# Classic builders leave the settings of their last container behind.
_BUILDER_MADE = ("Image", "Hostname", "Domainname", "ContainerConfig")
_ABSENT: tuple[Any, ...] = (None, "", [], {}, False)


def compare_settings(before: ImageConfig, after: ImageConfig) -> tuple[ConfigChange, ...]:
    """Each field that differs, sorted by name; a side without it is None.

    Environment variables and labels are fields of their own (``Env.PATH``,
    ``Labels.version``); an absent field equals an empty one, as engines treat them.
    """
    one, other = _fields(before), _fields(after)
    difference = DeepDiff(
        _texts(one),
        _texts(other),
        view="tree",
        threshold_to_diff_deeper=0,  # else two that share few fields are one difference, unnamed
        ignore_private_variables=False,
    )
    names = {item.path(output_format="list")[0] for items in difference.values() for item in items}
    return tuple(
        ConfigChange(str(name), one.get(name), other.get(name)) for name in sorted(names, key=str)
    )


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Values in one form and on one line: long lists and texts are not aligned with care."""
    return {name: json.dumps(value, sort_keys=True) for name, value in fields.items()}


def _fields(config: ImageConfig) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in config.settings.items():
        if name == "Env" and isinstance(value, list):
            fields.update(_environment(value))
        elif name in ("Labels", "ExposedPorts", "Volumes") and isinstance(value, Mapping):
            fields.update((f"{name}.{key}", item) for key, item in value.items())
        elif name not in _BUILDER_MADE and value not in _ABSENT:
            fields[name] = value
    fields.update(
        (name, config.raw[name]) for name in _DOCUMENT_FIELDS if config.raw.get(name) not in _ABSENT
    )
    return fields


def _environment(lines: list[Any]) -> dict[str, str]:
    """Variables by name; order counts only where one is set twice: the last wins."""
    pairs = (str(line).partition("=") for line in lines)
    return {f"Env.{name}": value for name, _, value in pairs}
