"""What stands at a path in each build of the experiment: the values that the table compares.

(Contract, "A path's value".) Raw differences are looked up in comparisons with tonight's
build; normal forms and parts in the layers' manifests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from drift.attribute.model import Origin
from drift.attribute.noise import is_known
from drift.attribute.origin import Value
from drift.attribute.sides import Sides
from drift.builds import Build
from drift.compare.files import compare_files
from drift.compare.model import FileChange
from drift.oci import DiffId
from drift.snapshot.model import (
    Entry,
    EntryType,
    Layers,
    LayersInMemory,
    NormalForm,
    Snapshot,
)

ABSENT = Value(None, None, frozenset())
FLAPS_LIMIT = 2_000  # noisy paths of one night that are remembered

Differences = Mapping[str, FileChange]
_ValueOf = Callable[["Standing", str | None], Value]


@dataclass(frozen=True, slots=True)
class Standing:
    """A path in one build: its entry, and where its content lies. ``entry`` None: not there."""

    snapshot: Snapshot
    entry: Entry | None
    layer: int | None = None
    source: str | None = None


class _Held(NamedTuple):
    """What a layer's manifest holds of its files' contents."""

    forms: Mapping[str, NormalForm]
    parts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class PathValues:
    """One path's values in every build; ``form`` names the normal form that all of them have.

    The values have no parts: see :meth:`Values.in_parts`.
    """

    y: Value
    t: Value
    replays: tuple[Value, ...]
    controls: tuple[Value, ...]
    form: str | None

    @property
    def noisy(self) -> bool:
        """Whether builds of tonight's inputs differ."""
        return any(not control.same(self.t) for control in self.controls)


class Values:
    """Looks up the values of paths; each build is compared with tonight's once."""

    def __init__(self, sides: Sides, layers: Layers | None) -> None:
        self._sides = sides
        self._layers = layers if layers is not None else LayersInMemory()
        self._held: dict[str, _Held] = {}
        self._known: dict[str, PathValues] = {}
        self._controls = self._against(sides.controls)
        self._replays = self._against(sides.replays)

    @cached_property
    def _earlier(self) -> list[Differences]:
        return self._against(self._sides.earlier_controls)

    def _against(self, builds: Sequence[Build]) -> list[Differences]:
        """How builds differ from tonight's, by path; times alone are no difference."""
        before = [layer.diff_id for layer in self._sides.after.layers]
        found: list[Differences] = []
        for build in builds:
            after = [layer.diff_id for layer in build.result.layers]
            differences = compare_files(before, after, self._layers, lambda _path: False)
            found.append({change.path: change for change in differences.changed})
        return found

    def of(self, change: FileChange) -> PathValues:
        """The values of a path that differs between baseline and tonight."""
        if change.path not in self._known:
            self._known[change.path] = self._values(change, self._value)
        return self._known[change.path]

    def in_parts(self, change: FileChange) -> PathValues:
        """The same, with the parts of the contents: they take time, and few paths need them."""
        return self._values(change, self._parted)

    def _values(self, change: FileChange, value: _ValueOf) -> PathValues:
        y, t = self._baseline(change), self._tonight(change)
        replays = self._elsewhere(change.path, t, self._sides.replays, self._replays)
        controls = self._elsewhere(change.path, t, self._sides.controls, self._controls)
        form = self._common_form((y, t, *replays, *controls))
        return PathValues(
            value(y, form),
            value(t, form),
            tuple(value(standing, form) for standing in replays),
            tuple(value(standing, form) for standing in controls),
            form,
        )

    def _baseline(self, change: FileChange) -> Standing:
        place = (change.before, change.before_layer, change.before_source)
        return Standing(self._sides.before, *place)

    def _tonight(self, change: FileChange) -> Standing:
        return Standing(self._sides.after, change.after, change.after_layer, change.after_source)

    def on_its_own_night(self, change: FileChange) -> tuple[Value, ...]:
        """A path's values in the controls of the baseline's own night, not in normal form."""
        builds, t = self._sides.earlier_controls, self._tonight(change)
        standings = self._elsewhere(change.path, t, builds, self._earlier)
        return tuple(self._parted(standing, None) for standing in standings)

    def flaps(self) -> dict[str, tuple[str, ...]]:
        """The paths in which builds of tonight's inputs differ, and what their values are."""
        found: dict[str, set[str]] = {}
        for build, differing in zip(self._sides.controls, self._controls, strict=True):
            for change in differing.values():
                one = Standing(
                    self._sides.after, change.before, change.before_layer, change.before_source
                )
                other = Standing(
                    build.result, change.after, change.after_layer, change.after_source
                )
                form = self._common_form((one, other))
                values = [self._value(standing, form) for standing in (one, other)]
                if not values[0].same(values[1]):
                    found.setdefault(change.path, set()).update(map(fingerprint_of, values))
        return {path: tuple(sorted(found[path])) for path in sorted(found)[:FLAPS_LIMIT]}

    def only_in_controls(self) -> Iterator[FileChange]:
        """The paths that a control has and tonight's build has not."""
        for differing in self._controls:
            yield from (change for change in differing.values() if change.before is None)

    def differs_in_control(self, path: str) -> bool | None:
        """Whether tonight's build and a control differ in a path; None without a control."""
        return any(path in differing for differing in self._controls) if self._controls else None

    def who_moved(self, change: FileChange) -> Origin | None:
        """Who moved the source that a path's whole content comes from (contract, line 2).

        As :meth:`Sides.who_moved`, with the path's value as the source's state.
        """
        sides, values = self._sides, self.of(change)
        if sides.after_inputs is None:
            return None
        before = any(not replay.same(values.y) for replay in values.replays[:1])
        return sides.mover(moved_before=before, moved_during=values.noisy)

    def absent_from_controls(self, path: str) -> bool:
        """Whether no control has a path."""
        found = [differing.get(path) for differing in self._controls]
        return all(change is not None and change.after is None for change in found)

    @staticmethod
    def _elsewhere(
        path: str,
        tonight: Standing,
        builds: Sequence[Build],
        differences: Sequence[Differences],
    ) -> list[Standing]:
        found = []
        for build, differing in zip(builds, differences, strict=True):
            change = differing.get(path)
            if change is None:
                found.append(tonight)
                continue
            there = (change.after, change.after_layer, change.after_source)
            found.append(Standing(build.result, *there))
        return found

    def _common_form(self, standings: Sequence[Standing]) -> str | None:
        """The form that all files at the path have; one that has none is compared as it is."""
        files = [s for s in standings if s.entry and s.entry.type is EntryType.FILE]
        names = {form.name if (form := self._form(s)) else None for s in files}
        return names.pop() if len(names) == 1 else None

    def _value(self, standing: Standing, form: str | None) -> Value:
        entry = standing.entry
        if entry is None:
            return ABSENT
        normal = self._form(standing) if form else None
        content = normal.digest if normal else entry.digest
        owner = (entry.uid, entry.gid)
        shape = (entry.type, entry.mode, owner, entry.xattrs, entry.link, entry.device)
        return Value(shape, content)

    def _parted(self, standing: Standing, form: str | None) -> Value:
        return replace(self._value(standing, form), parts=self._parts_of(standing))

    def _form(self, standing: Standing) -> NormalForm | None:
        held = self._of_layer(standing)
        form = held.forms.get(standing.source or "") if held else None
        return form if form and is_known(form.name) else None

    def _parts_of(self, standing: Standing) -> frozenset[int] | None:
        if standing.entry is None or standing.entry.type is not EntryType.FILE:
            return frozenset()
        held = self._of_layer(standing)
        parts = held.parts.get(standing.source or "") if held else None
        return None if parts is None else frozenset(parts)

    def _read(self, diff_id: DiffId) -> _Held:
        if diff_id not in self._layers:  # two images alone may be compared without manifests
            return _Held({}, {})
        layer = self._layers.get(diff_id)
        return _Held(layer.forms, layer.parts)

    def _of_layer(self, standing: Standing) -> _Held | None:
        if standing.layer is None:
            return None
        diff_id = standing.snapshot.layers[standing.layer].diff_id
        if diff_id not in self._held:
            self._held[diff_id] = self._read(diff_id)
        return self._held[diff_id]


def fingerprint_of(value: Value) -> str:
    """A short name of a value, by which it is known again on later nights."""
    text = repr((value.shape, value.content))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
