"""What the store and the configuration say of tonight, for :mod:`drift.publish.github.plan`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from drift.attribute.model import Status
from drift.config.model import Config
from drift.errors import StoreError
from drift.publish.github.marker import digest
from drift.publish.github.texts import Words
from drift.publish.github.world import World
from drift.report.document import stored_document
from drift.store.standing import DOWN
from drift.store.store import Store


def world_of(config: Config, store: Store, *, report: str | None, workspace: Path) -> World:
    """The newest finished run, and what stands after it.

    ``report`` is where the report can be read if the configuration does not say.
    ``workspace`` is the repository's root: the configuration's place in it tells fleets of one
    repository apart.

    Raises:
        StoreError: no run has finished yet.
    """
    run = store.run()
    if run is None:
        raise StoreError("no run has finished yet", hint="`drift check` makes one")
    fleet = {image.name for image in config.images}
    statuses = {name: str(image["status"]) for name, image in run.images.items()}

    def is_over(is_break: bool, images: Sequence[str]) -> bool:
        """A break, where each image was built tonight; else, where each has been accepted."""
        left = [name for name in images if name in fleet]
        if is_break:
            return all(statuses.get(name, Status.UNKNOWN) not in DOWN for name in left)
        return all(store.baseline_accepted(name) is not None for name in left)

    place = os.path.relpath(config.path, workspace)
    told = Words(config.report.url or report, stored_document(run))
    return World(run.night, digest(place), store.standing(), is_over, told)


def workspace(config: Config, environ: Mapping[str, str] = os.environ) -> Path:
    """The repository's root in a workflow; elsewhere the configuration's own directory."""
    named = environ.get("GITHUB_WORKSPACE")
    return Path(named) if named and config.path.is_relative_to(named) else config.root
