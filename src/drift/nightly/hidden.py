"""What came from variables, hidden in what a build leaves (the contract's "masked").

Texts alone are masked: a value like ``true`` or ``1234`` stands in booleans, digests and
field names too, and a document masked as one text would not be one any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drift.attribute.model import Cause
from drift.masking import Mask
from drift.oci import ImageConfig
from drift.report.results import ImageResult
from drift.snapshot.model import Instruction
from drift.source.model import Inputs

_KEPT = ("rootfs", "os", "architecture", "variant", "created")
_NAMED_BY_USERS = ("Labels", "ExposedPorts", "Volumes")  # whose keys are texts as well


def hidden_config(config: ImageConfig, mask: Mask) -> ImageConfig:
    """An image configuration without the values."""
    raw = {
        name: value if name in _KEPT else _hidden(value, mask) for name, value in config.raw.items()
    }
    settings = raw.get("config")
    if isinstance(settings, dict):
        for name in _NAMED_BY_USERS:
            if isinstance(named := settings.get(name), dict):
                settings[name] = {mask.text(key): value for key, value in named.items()}
    return ImageConfig.parse(json.dumps(raw).encode())


def hidden_instruction(instruction: Instruction | None, mask: Mask) -> Instruction | None:
    """An instruction without the values."""
    return instruction and replace(instruction, text=mask.text(instruction.text))


def hidden_inputs(inputs: Inputs, mask: Mask) -> Inputs:
    """Inputs without the values, which a base's reference may hold after substitution."""
    bases = (replace(base, reference=mask.text(base.reference)) for base in inputs.bases)
    return replace(inputs, bases=tuple(bases))


def hidden_result(result: ImageResult, mask: Mask) -> ImageResult:
    """A result whose sentences do not hold the values: a path in an error may be one."""
    error = None if result.error is None else mask.text(result.error)
    found = result.attribution
    if found is not None:
        found = replace(found, causes=tuple(_hidden_cause(cause, mask) for cause in found.causes))
    notes = tuple(map(mask.text, result.notes))
    return replace(result, attribution=found, error=error, notes=notes)


def _hidden_cause(cause: Cause, mask: Mask) -> Cause:
    """A cause without the values in what drift.toml says of it: why it is accepted."""
    if cause.accepted is None:
        return cause
    return replace(cause, accepted=replace(cause.accepted, reason=mask.text(cause.accepted.reason)))


def _hidden(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask.text(value)
    if isinstance(value, Mapping):
        return {key: _hidden(item, mask) for key, item in value.items()}
    return [_hidden(item, mask) for item in value] if isinstance(value, list) else value
