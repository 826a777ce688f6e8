"""What the literal sources of the fleet's Dockerfiles serve, asked while the fleet is built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from drift.builds import Build
from drift.config.model import Config
from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.masking import Mask
from drift.nightly.bases import Bases
from drift.nightly.indexes import Gists, indexes_of
from drift.nightly.prepare import Prepared
from drift.probe import Limits, probe
from drift.snapshot.model import Layers
from drift.source.dockerfile.remotes import remotes
from drift.source.model import Probe, Remote, RemoteKind

Answers = Mapping[str, tuple[Probe, ...]]


class Probing:
    """The probes of one run: each source asked once for the whole fleet.

    A context manager: what is still under way at its end is given up. Nothing here raises, and
    nothing that must not be shown is asked for or told.
    """

    def __init__(self, config: Config, bases: Bases) -> None:
        self._enabled = config.probe.enabled
        self._limits = Limits(timeout=config.probe.timeout)
        self._mask = Mask(config.masked)
        self._bases = bases
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._remotes: dict[str, tuple[Remote, ...]] = {}
        self._answers: Answers = {}
        self._second: list[Probe] = []
        self._named: dict[str, tuple[Remote, ...]] = {}
        self._indexes: dict[str, tuple[Probe, ...]] = {}
        self._gists: Gists | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cancelled.set()

    def begin(self, fleet: Iterable[Prepared]) -> None:
        """Ask all sources of a fleet, in a thread of its own. Once a run; bases are pulled."""
        if not self._enabled:
            return
        for prepared in fleet:
            name, found = prepared.image.name, self._literal(prepared)
            self._remotes[name] = tuple(one for one in found if not one.kind.is_index)
            self._named[name] = tuple(one for one in found if one.kind.is_index)
        self._thread = threading.Thread(target=self._ask, name="probing", daemon=True)
        self._thread.start()

    def _literal(self, prepared: Prepared) -> tuple[Remote, ...]:
        return remotes_of(prepared, self._bases, self._hidden(prepared))

    def _hidden(self, prepared: Prepared) -> Callable[[str], bool]:
        """Whether a text holds a value that must not be shown, or that changes each night."""
        image = prepared.image
        volatile = Mask(image.args.get(name, "") for name in image.volatile_args)
        return lambda text: volatile.text(self._mask.text(text)) != text

    def _ask(self) -> None:
        self._answers = self._probes(self._remotes)

    def answers(self) -> Answers:
        """The probes by the images' names, in the order of the Dockerfile; waits for them."""
        if self._thread is not None:
            self._thread.join()
        return self._answers

    def indexes(self, built: Iterable[tuple[Prepared, Build]], layers: Layers) -> Answers:
        """What the indexes say that the package tools of some images asked.

        Each index is asked once a run; an image for which it was done is not looked at again.
        """
        gists = self._gists = self._gists or Gists(layers)
        wanted = {
            name: indexes_of(self._named[name], build, gists, self._hidden(prepared))
            for prepared, build in built
            if (name := prepared.image.name) in self._named and name not in self._indexes
        }
        seen = [one for told in self._indexes.values() for one in told]
        self._indexes.update(self._probes(wanted, seen))
        return self._indexes

    def again(self, names: Iterable[str]) -> Answers:
        """A second look at some images' sources: those that answered the first time.

        Each source is looked at a second time once a run; later calls give what that told.
        """
        first = self.answers()
        answered = {
            name: tuple(one.remote for one in first.get(name, ()) if one.identity is not None)
            for name in names
        }
        found = self._probes(answered, self._second)
        self._second.extend(one for told in found.values() for one in told)
        return found

    def _probes(
        self, wanted: Mapping[str, tuple[Remote, ...]], seen: Iterable[Probe] = ()
    ) -> Answers:
        everything = [remote for asked in wanted.values() for remote in asked]
        told = probe(everything, self._limits, seen=seen, cancelled=self._cancelled)
        found = {one.remote: one for one in told}
        return {
            name: tuple(found[remote] for remote in asked if remote in found)
            for name, asked in wanted.items()
        }


def remotes_of(
    prepared: Prepared, bases: Bases, hidden: Callable[[str], bool] | None = None
) -> tuple[Remote, ...]:
    """The literal remotes of an image, without those whose address ``hidden`` says is secret."""
    build = prepared.reading(bases.onbuild(prepared))
    settings = bases.settings(prepared)
    return remotes(prepared.dockerfile, build, bases=settings, hidden=hidden)


def forget_added(engine: Engine, prepared: Prepared, bases: Bases) -> None:
    """Make BuildKit forget what the ADD URLs of an image served.

    It asks a server only whether the ETag is still the same, without cache too, and a server
    may keep the ETag and change the content. Other builders keep nothing. What another build
    uses stays; :func:`drift.attribute.stale.stale_adds` tells what came of it.
    """
    found = remotes_of(prepared, bases)
    urls = {remote.url for remote in found if remote.kind is RemoteKind.ADD}
    if prepared.builder == "buildkit" and urls:
        with suppress(EngineError):
            engine.forget_urls(urls)
