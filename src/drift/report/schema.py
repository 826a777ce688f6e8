"""The report's JSON Schema (draft 2020-12), made from the types themselves.

The published schema lets keys be added within one ``schema_version``, so that a consumer
who validates is not broken by a newer drift. ``closed`` gives the strict form that drift's
own tests hold its output against.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drift.attribute.model import Grade, Kind, Origin, Status
from drift.builds import FailureKind, Reason, Role
from drift.compare.model import Change
from drift.snapshot.model import EntryType
from drift.store.sightings import BROKEN

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_BOOLEAN: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_INTEGER: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number", "minimum": 0}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_DATE: Schema = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_DIGEST: Schema = {"type": "string", "pattern": "^[a-z0-9]+([.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+$"}
_MODE: Schema = {"type": "string", "pattern": "^[0-7]{4}$"}


def report_schema(*, closed: bool = False) -> Schema:
    """The JSON Schema of drift.json; ``closed`` refuses every key that it does not name."""
    make = _Objects(closed)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "drift report",
        "description": "What drift found in one run, or between two images.",
        **make(
            schema_version={"const": 1},
            drift_version=_STRING,
            run=_nullable(_run(make)),
            summary=make(
                images=_COUNT,
                status=_counts(Status),
                origins=_counts(Origin),
                flagged=_COUNT,
            ),
            events=_list(_event(make)),
            images=_list(_image(make)),
        ),
    }


class _Objects:
    """Makes object schemas: every key is required unless it is named as optional."""

    def __init__(self, closed: bool) -> None:
        self._closed = closed

    def __call__(self, optional: Iterable[str] = (), **properties: Schema) -> Schema:
        left_out = set(optional)
        schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in left_out],
        }
        return {**schema, "additionalProperties": False} if self._closed else schema


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _enum(words: Iterable[str]) -> Schema:
    return {"enum": [str(word) for word in words]}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _counts(words: Iterable[str]) -> Schema:
    return {"type": "object", "propertyNames": _enum(words), "additionalProperties": _COUNT}


def _run(make: _Objects) -> Schema:
    names = ("name", "version", "api_version", "builder", "platform", "kernel", "storage_driver")
    engine = make(**dict.fromkeys(names, _STRING), cpus=_COUNT)
    return make(
        id=_STRING,
        night=_DATE,
        started_at=_TIME,
        finished_at=_nullable(_TIME),
        engine=_nullable(engine),
    )


def _event(make: _Objects) -> Schema:
    return make(
        origin=_enum(Origin),
        kind=_enum([*Kind, BROKEN]),
        subject=_STRING,
        before=_TEXT_OR_NULL,
        after=_TEXT_OR_NULL,
        images={**_list(_STRING), "minItems": 1, "uniqueItems": True},
    )


def _instruction(make: _Objects) -> Schema:
    return _nullable(make(stage=_STRING, line={"type": "integer", "minimum": 1}, text=_STRING))


def _image(make: _Objects) -> Schema:
    return make(
        optional=("dockerfile", "compare"),
        name=_STRING,
        status=_enum(Status),
        origins={**_list(_enum(Origin)), "uniqueItems": True},
        flagged=_BOOLEAN,
        publish=_BOOLEAN,
        baseline=_nullable(_side(make)),
        candidate=_nullable(_side(make)),
        compared=_BOOLEAN,
        causes=_list(_cause(make)),
        explained=make(files=_SHARE, bytes=_SHARE),
        layers=_list(_layer(make)),
        packages=_packages(make),
        files=_files(make),
        config=_list(make(field=_STRING, before={}, after={}, cause=_TEXT_OR_NULL)),
        builds=_list(_build(make)),
        error=_TEXT_OR_NULL,
        notes=_list(_STRING),
        dockerfile=_nullable(make(name=_STRING, text=_STRING, cut=_BOOLEAN)),
        compare=_TEXT_OR_NULL,
    )


def _side(make: _Objects) -> Schema:
    layer = make(
        optional=("created_by",),
        diff_id=_DIGEST,
        size=_COUNT,
        base=_BOOLEAN,
        instruction=_instruction(make),
        created_by=_STRING,
    )
    return make(
        optional=("reference", "bases", "layers"),
        bases=_list(make(reference=_STRING, digest=_nullable(_DIGEST), final=_BOOLEAN)),
        layers=_list(layer),
        build=_TEXT_OR_NULL,
        night=_nullable(_DATE),
        revision=_TEXT_OR_NULL,
        dirty={"type": ["boolean", "null"]},
        fingerprint=_nullable(_DIGEST),
        image_id=_nullable(_DIGEST),
        reference=_STRING,
    )


def _cause(make: _Objects) -> Schema:
    return make(
        optional=("accepted",),
        id=_STRING,
        origin=_nullable(_enum(Origin)),
        kind=_enum(Kind),
        subject=_STRING,
        before=_TEXT_OR_NULL,
        after=_TEXT_OR_NULL,
        grade=_enum(Grade),
        risk=_list(_STRING),
        instruction=_instruction(make),
        layer=_nullable(_COUNT),
        files=make(changed=_COUNT, bytes=_COUNT),
        evidence=_list(_STRING),
        accepted=_nullable(make(until=_DATE, reason=_STRING)),
    )


def _layer(make: _Objects) -> Schema:
    digest = _nullable(_DIGEST)
    instruction = _instruction(make)
    return make(index=_COUNT, before=digest, after=digest, size=_COUNT, instruction=instruction)


def _packages(make: _Objects) -> Schema:
    change = make(purl=_STRING, before=_TEXT_OR_NULL, after=_TEXT_OR_NULL, cause=_TEXT_OR_NULL)
    reasons = {"type": "object", "additionalProperties": _STRING}
    listed = _list(change)
    return make(added=listed, removed=listed, changed=listed, unknown=reasons)


def _files(make: _Objects) -> Schema:
    counts = ("added", "removed", "modified", "metadata_only", "ignored", "shadowed")
    entry = make(
        optional=("diff",),
        diff=_STRING,
        path=_STRING,
        change=_enum(Change),
        fields=_list(_STRING),
        before=_nullable(_entry(make)),
        after=_nullable(_entry(make)),
        layer=_COUNT,
        cause=_TEXT_OR_NULL,
    )
    return make(**dict.fromkeys(counts, _COUNT), entries=_list(entry))


def _entry(make: _Objects) -> Schema:
    pair = {**_list(_INTEGER), "minItems": 2, "maxItems": 2}
    return make(
        type=_enum(EntryType),
        size=_COUNT,
        mode=_MODE,
        uid=_INTEGER,  # what a layer says, which hostile ones say below zero
        gid=_INTEGER,
        digest=_nullable(_DIGEST),
        link=_TEXT_OR_NULL,
        device=_nullable(pair),
        xattrs={"type": "object", "additionalProperties": _STRING},
        mtime={"type": "string", "pattern": "^-?[0-9]+$"},
    )


def _build(make: _Objects) -> Schema:
    failure = make(
        kind=_enum(FailureKind),
        reason=_nullable(_enum(Reason)),
        subject=_TEXT_OR_NULL,
        line=_TEXT_OR_NULL,
        message=_STRING,
        instruction=_instruction(make),
        tail=_list(_STRING),
    )
    return make(
        build=_STRING,
        role=_enum(Role),
        reason=_STRING,
        seconds=_NUMBER,
        ok=_BOOLEAN,
        log=_STRING,
        failure=_nullable(failure),
    )
