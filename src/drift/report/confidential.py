"""Values that no report shows: of arguments, variables and settings whose name looks secret.

Which variables the user's configuration filled in is :mod:`drift.masking`'s matter. This one
knows no value, only names: ``ENV DB_PASSWORD=hunter2`` is written ``ENV DB_PASSWORD=***``.
A value that is itself a reference (``$TOKEN``) stays: it tells nothing.
"""

from __future__ import annotations

import re
from typing import Any

from drift.masking import MASKED

Part = dict[str, Any]

_WORDS = (
    *("password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "api_key"),
    *("private_key", "access_key", "auth_key"),
)
_SEGMENTS = frozenset({"pwd", "pass", "pw", "auth", "key", "keys", "pat", "cookie", "bearer"})
_HARMLESS = re.compile(r"public|key_?(id|name|file|path|url|ring|server)|_(file|path|url|id|type)$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s"'\\])+|["']\S*)+"""
_ASSIGNED = re.compile(rf"(?<![\w.-])(?:--?)?([A-Za-z_][\w.-]*)=({_VALUE})", re.DOTALL)
_LEGACY = re.compile(
    r"(?im)^((?:.*#\(nop\))?[ \t]*(?:ENV|ARG|LABEL)\s+)([A-Za-z_][\w.-]*)([ \t]+)(?![^\s=]*=)"
    r"((?:\\\r?\n|.)+)$"
)
# A line that a diff takes out, ``-token = x``, is a setting and no flag whose value is ``=``.
_FLAG = re.compile(rf"(?<!\S)(--?)([A-Za-z][\w-]*)(\s+)(?!-|[:=]\s)({_VALUE})", re.DOTALL)
_SETTING = re.compile(
    r"(?m)^([ +-]?[ \t]*(?:export[ \t]+)?[\"']?)([A-Za-z_][\w.-]*)([\"']?[ \t]*[:=][ \t]*)(\S.*)$"
)
_REFERENCE = re.compile(r"[\"']?\$(?:\w+|\{\w+\})[\"']?")


def looks_secret(name: str) -> bool:
    """Whether a name says that its value is one to keep: ``DB_PASSWORD``, ``npmToken``."""
    plain = _CAMEL.sub("_", name).lower().replace("-", "_").replace(".", "_")
    if _HARMLESS.search(plain):
        return False
    segments = plain.strip("_").split("_")
    return any(word in plain for word in _WORDS) or not _SEGMENTS.isdisjoint(segments)


def without_values(text: str) -> str:
    """A Dockerfile, an instruction or a line of a log without such values."""
    if "=" not in text and " " not in text:
        return text
    text = _LEGACY.sub(lambda m: _hidden(m, 2, 4), text)
    text = _FLAG.sub(lambda m: _hidden(m, 2, 4), text)
    return _ASSIGNED.sub(lambda m: _hidden(m, 1, 2), text)


def without_settings(text: str) -> str:
    """A text file's lines, or a diff's, without them: ``key: value`` and ``key = value`` too."""
    return _SETTING.sub(lambda m: _hidden(m, 2, 4), without_values(text))


def without_secrets(image: Part) -> Part:
    """An image's document without them."""
    return {
        **image,
        "causes": [_cause(cause) for cause in image["causes"]],
        "layers": [_with_text(layer) for layer in image["layers"]],
        "config": [_change(change) for change in image["config"]],
        "builds": [_build(build) for build in image["builds"]],
        "error": image["error"] and without_values(image["error"]),
        "notes": [without_values(note) for note in image["notes"]],
        "baseline": _side(image["baseline"]),
        "candidate": _side(image["candidate"]),
    }


def _hidden(match: re.Match[str], name: int, value: int) -> str:
    if not looks_secret(match[name]) or _REFERENCE.fullmatch(match[value]):
        return match[0]
    start = match.start(value) - match.start()
    return match[0][:start] + MASKED + match[0][match.end(value) - match.start() :]


def _cause(cause: Part) -> Part:
    """A cause's subject may be a setting's name, and its two values that setting's."""
    cause = _with_text(cause)
    if cause["kind"] == "build-config":
        for side in ("before", "after"):
            cause[side] = _value(cause["subject"], cause[side])
    return {**cause, "evidence": [without_values(fact) for fact in cause["evidence"]]}


def _change(change: Part) -> Part:
    values = {side: _value(change["field"], change[side]) for side in ("before", "after")}
    return {**change, **values}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(f"{name}.{key}", held) for key, held in value.items()}
    if isinstance(value, list):
        return [_value(name, held) for held in value]
    if value is None or isinstance(value, bool):
        return value
    if looks_secret(name.partition(".")[2] or name):
        return MASKED
    return without_values(value) if isinstance(value, str) else value


def _with_text(part: Part) -> Part:
    instruction = part["instruction"]
    if instruction is None:
        return dict(part)
    hidden = {**instruction, "text": without_values(instruction["text"])}
    return {**part, "instruction": hidden}


def _build(build: Part) -> Part:
    failure = build["failure"]
    if failure is None:
        return build
    failure = _with_text(failure)
    failure["message"] = without_values(failure["message"])
    failure["line"] = failure["line"] and without_values(failure["line"])
    failure["tail"] = [without_values(line) for line in failure["tail"]]
    return {**build, "failure": failure}


def _side(side: Part | None) -> Part | None:
    if side is None or "layers" not in side:
        return side
    return {**side, "layers": [_layer(layer) for layer in side["layers"]]}


def _layer(layer: Part) -> Part:
    layer = _with_text(layer)
    if "created_by" in layer:
        layer["created_by"] = without_values(layer["created_by"])
    return layer
