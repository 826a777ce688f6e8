"""A process that writes one run after another until it is killed: ``store_writer.py URL``."""

from __future__ import annotations

import sys
import uuid
from datetime import timedelta

from drift.oci import DiffId, Digest
from drift.snapshot.model import Entry, EntryType, Layer
from drift.store.store import Store
from support.store_samples import ENGINE, NIGHT, NOW, build, document

ENTRIES = tuple(Entry(f"/srv/{n}", EntryType.FILE, size=n) for n in range(500))
NAMES = ("web", "api")


def context_of(run: str, name: str) -> Digest:
    """The digest that the context of an image of a run is kept under."""
    return Digest.of(f"{run}-{name}".encode())


def write_run(store: Store, run: str) -> None:
    """A whole run of two images, as the nightly job writes it."""
    store.begin_run(run, NIGHT, NOW, ENGINE)
    for name in NAMES:
        store.keep_context(context_of(run, name), [run.encode() * 9999])
        made = build(run, name)
        assert made.snapshot is not None
        for layer in made.snapshot.layers:
            store.layers.put(Layer(layer.diff_id, layer.size, ENTRIES, {"/a": b"1" * 9999}))
        store.layers.put(Layer(DiffId.of(run.encode()), 1, ENTRIES))
        store.save_image(run, name, document(run=run), [made], {made.id: "log of " + run})
    store.finish_run(run, NOW + timedelta(minutes=1))
    store.prune(NIGHT, 30, 100_000)


if __name__ == "__main__":
    print("starts", flush=True)
    with Store.open(sys.argv[1]) as opened, opened.exclusive(0, print):
        print("writes", flush=True)
        while True:
            write_run(opened, uuid.uuid4().hex)
