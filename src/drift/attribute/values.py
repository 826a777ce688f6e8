"""What stands at a path in each build of the experiment: the values that the table compares.

(Contract, "A path's value".) Raw differences are looked up in comparisons with tonight's
build; normal forms and parts in the layers' manifests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drift.attribute.origin import Value
from drift.attribute.sides import Sides
from drift.builds import Build
from drift.compare.files import compare_files
from drift.compare.model import FileChange
from drift.snapshot.model import Entry, EntryType, Layers, NormalForm, Snapshot

ABSENT = Value(None, None, frozenset())


@dataclass(frozen=True, slots=True)
class Standing:
    """A path in one build: its entry, and where its content lies. ``entry`` None: not there."""

    snapshot: Snapshot
    entry: Entry | None
    layer: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class PathValues:
    """One path's values in every build; ``form`` names the normal form that all of them have.

    ``raw_equal`` is true for values that differ in their bytes and are equal in that form.
    """

    y: Value
    t: Value
    replays: tuple[Value, ...]
    controls: tuple[Value, ...]
    form: str | None

    @property
    def same_in_form(self) -> bool:
        """Whether baseline and tonight are equal in normal form."""
        return self.y.same(self.t)


class Values:
    """Looks up the values of paths; each build is compared with tonight's once."""

    def __init__(self, sides: Sides, layers: Layers) -> None:
        self._sides = sides
        self._layers = layers
        self.controls = tuple(self._against(build) for build in sides.controls)
        self.replays = tuple(self._against(build) for build in sides.replays)
        self._forms: dict[str, Mapping[str, NormalForm]] = {}
        self._parts: dict[str, Mapping[str, tuple[int, ...]]] = {}

    def _against(self, build: Build) -> Mapping[str, FileChange]:
        """How a build differs from tonight's, by path; times alone are no difference."""
        assert build.snapshot is not None
        after = [layer.diff_id for layer in build.snapshot.layers]
        before = [layer.diff_id for layer in self._sides.after.layers]
        found = compare_files(before, after, self._layers, lambda _path: False)
        return {change.path: change for change in found.changed}

    def of(self, change: FileChange) -> PathValues:
        """The values of a path that differs between baseline and tonight."""
        sides = self._sides
        y = Standing(sides.before, change.before, change.before_layer, change.before_source)
        t = Standing(sides.after, change.after, change.after_layer, change.after_source)
        replays = self._elsewhere(change.path, t, sides.replays, self.replays)
        controls = self._elsewhere(change.path, t, sides.controls, self.controls)
        form = self._common_form((y, t, *replays, *controls))
        return PathValues(
            self._value(y, form),
            self._value(t, form),
            tuple(self._value(standing, form) for standing in replays),
            tuple(self._value(standing, form) for standing in controls),
            form,
        )

    @staticmethod
    def _elsewhere(
        path: str,
        tonight: Standing,
        builds: Sequence[Build],
        differences: Sequence[Mapping[str, FileChange]],
    ) -> list[Standing]:
        found = []
        for build, differing in zip(builds, differences, strict=True):
            change = differing.get(path)
            if change is None:
                found.append(tonight)
                continue
            assert build.snapshot is not None
            there = (change.after, change.after_layer, change.after_source)
            found.append(Standing(build.snapshot, *there))
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
        return Value(shape, content, self._parts_of(standing))

    def _form(self, standing: Standing) -> NormalForm | None:
        if standing.layer is None or standing.source is None:
            return None
        diff_id = standing.snapshot.layers[standing.layer].diff_id
        if diff_id not in self._forms:
            self._forms[diff_id] = self._layers.get(diff_id).forms
        return self._forms[diff_id].get(standing.source)

    def _parts_of(self, standing: Standing) -> frozenset[int] | None:
        if standing.entry is None or standing.entry.type is not EntryType.FILE:
            return frozenset()
        if standing.layer is None or standing.source is None:
            return None
        diff_id = standing.snapshot.layers[standing.layer].diff_id
        if diff_id not in self._parts:
            self._parts[diff_id] = self._layers.get(diff_id).parts
        held = self._parts[diff_id].get(standing.source)
        return None if held is None else frozenset(held)


def fingerprint_of(value: Value) -> str:
    """A short name of a value, by which it is known again on later nights."""
    text = repr((value.shape, value.content))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
