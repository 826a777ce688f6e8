"""Two images side by side: what ``drift diff`` compares, whatever each side's name leads to.

A side is, in this order: a path that exists, as ``ARCHIVE`` or ``ARCHIVE#REFERENCE``, where
the text looks like a path; the id of a build in the store; an image in the engine. The
store and the engine are opened when a side first needs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from drift.attribute.alone import compare_alone
from drift.builds import Build
from drift.cli.opening import configuration, existing_store
from drift.config import Config
from drift.engine.engine import Engine
from drift.errors import ConfigError, EngineError, SnapshotError
from drift.masking import Mask
from drift.oci import Platform
from drift.report.results import DiffResult, DiffSide, Exhibits
from drift.snapshot.model import LayersInMemory, Snapshot
from drift.snapshot.overlay import Overlay
from drift.snapshot.take import snapshot_of_path, snapshot_of_stream
from drift.store.store import Store

_STDIN = Path("/dev/stdin")
_ARCHIVE_ENDS = (".tar", ".tgz", ".gz", ".zst", ".xz", ".bz2", ".oci")


@dataclass(frozen=True, slots=True)
class Archive:
    """A path to an archive or OCI layout, and which of its images is meant."""

    path: Path
    reference: str | None


def as_archive(text: str) -> Archive | None:
    """What a side's text names on disk: a path that exists and looks like one, else None.

    ``app`` is the engine's image even where a file of that name lies here; ``./app`` is the
    file, and ``-`` standard input.
    """
    path, separator, reference = text.rpartition("#")
    choices = [(text, None), (path, reference)] if separator else [(text, None)]
    for candidate, chosen in choices:
        if candidate == "-":
            return Archive(_STDIN, chosen or None)
        if ("/" in candidate or "." in candidate) and os.path.lexists(candidate):
            return Archive(Path(candidate), chosen or None)
    return None


def is_ambiguous(text: str, archive: Archive) -> bool:
    """Whether a reader could have meant an image's reference, though a path is there too."""
    plainly_a_path = text.startswith(("/", ".", "~", "-")) or str(archive.path).endswith(
        _ARCHIVE_ENDS
    )
    return archive.reference is None and not plainly_a_path


class Pair:
    """Reads and compares two images. To be used in a ``with``, which closes what it opened.

    ``config`` is drift.toml, which need not be there; ``says`` takes notes for the reader.
    """

    def __init__(self, config: Path, platform: Platform | None, says: Callable[[str], None]):
        self._path, self._platform, self._says = config, platform, says
        self._opened = ExitStack()
        self._config: Config | None = None
        self._store: Store | None = None
        self._engine: Engine | None = None
        self._looked = False
        self._layers = Overlay(LayersInMemory())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def compare(self, baseline: str, candidate: str) -> DiffResult:
        """Compare two images by their names.

        Raises:
            Error: a side cannot be found, or cannot be read whole.
        """
        found = {text: self._locate(text) for text in (baseline, candidate)}
        before, one = self._read(baseline, found[baseline])
        after, other = self._read(candidate, found[candidate])
        try:
            status, comparison, attribution = compare_alone(before, after, self._layers)
        except KeyError as error:
            raise SnapshotError(
                f"the store keeps no manifest of the layer {error.args[0]} any more",
                hint="compare with the image in the engine or an archive instead",
            ) from error
        shown = self._exhibits()
        return DiffResult(one, other, status, comparison, attribution, exhibits=shown)

    def _exhibits(self) -> Exhibits:
        """What is shown of the files' content: nothing where drift.toml says so, or may say so."""
        try:
            config = self._configured()
        except ConfigError as error:
            self._says(f"no content of files is shown: {error.message}")
            return Exhibits()
        texts = self._layers.text if config is None or config.report.contents else None
        return Exhibits(texts=texts, mask=Mask(config.masked if config else ()))

    def _locate(self, text: str) -> Archive | Build | None:
        """What a side is; None is the engine's. The store is opened before anything is read."""
        archive = as_archive(text)
        if archive is not None:
            if is_ambiguous(text, archive):
                self._says(f"{text} is read as the path that is here, not as an image's reference")
            return archive
        if text.startswith(("/", "./", "../")):
            raise SnapshotError(f"{text}: there is no such file")
        self._look_around()
        return self._store.build(text) if self._store else None

    def _read(self, text: str, found: Archive | Build | None) -> tuple[Snapshot, DiffSide]:
        if isinstance(found, Archive):
            snapshot = snapshot_of_path(
                found.path, self._layers, reference=found.reference, platform=self._platform
            )
            return snapshot, DiffSide(text, snapshot)
        if found is None:
            snapshot = self._from_engine(text)
            return snapshot, DiffSide(text, snapshot)
        if found.snapshot is None:
            said = found.failure.message if found.failure else "it failed"
            raise SnapshotError(f"the build {text} gave no image: {said}")
        return found.snapshot, DiffSide(text, found.snapshot, found)

    def _look_around(self) -> None:
        """Open drift.toml's store, where the two are there."""
        if self._looked:
            return
        self._looked = True
        config = self._configured()
        if config is not None:
            self._store = existing_store(config)
        if self._store is not None:
            self._opened.enter_context(self._store)
            self._layers = Overlay(self._store.layers, self._store.texts)

    def _configured(self) -> Config | None:
        """drift.toml, None where it is not there and was not asked for."""
        if self._config is None and (self._path.exists() or str(self._path) != "drift.toml"):
            self._config = configuration(self._path)
        return self._config

    def _from_engine(self, text: str) -> Snapshot:
        if self._engine is None:
            host = self._config.engine.host if self._config else None
            self._engine = self._opened.enter_context(Engine.connect(host))
        inspected = self._engine.inspect(text)
        if inspected is None:
            raise EngineError(f"the engine has no image {text!r}", hint=_absent_hint(text))
        with self._engine.export(text) as stream:
            return snapshot_of_stream(
                stream,
                f"the engine's {text}",
                self._layers,
                expected=inspected.diff_ids,
                platform=self._platform,
            )


def _absent_hint(text: str) -> str:
    name = text.partition("#")[0]
    if name.endswith(_ARCHIVE_ENDS):
        return f"there is no file {name} here either"
    if os.path.lexists(name):
        return f"for the file of that name write ./{name}"
    return (
        "pull it, or name an archive's path, or a build's id: "
        "RUN-IMAGE-nightly, with a RUN of `drift history`"
    )
