"""Speed and memory of a snapshot, against their targets; exits 1 where one is missed.

``make bench``, or ``python bench/snapshot.py [--pairs N] [--size BYTES] [--large BYTES]``.
Each measurement runs in a process of its own, with a fresh store; nothing is written but
temporary files and one image in the engine, and both are gone at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drift.engine.engine import Engine
from drift.snapshot.forms import Window
from drift.snapshot.take import snapshot_of_path, snapshot_of_stream
from drift.store.store import Store
from synthetic import Shape, image_stream

IMAGE = "drift-bench/synthetic:latest"
MOST_TIMES_EXPORT = 1.15
LEAST_SPEED = 500e6
MOST_MEMORY = 200e6
BUFFER = 1 << 20


@dataclass(frozen=True)
class Measured:
    """What one process took: seconds, its peak memory in bytes, and the bytes that it read."""

    seconds: float
    memory: int
    read: int


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    target: str
    met: bool


# --- What is measured, each in a process of its own


def bare_export(_store: Store) -> int:
    """Read the image's export to nowhere; the bytes that came."""
    buffer, total = bytearray(BUFFER), 0
    with Engine.connect() as engine, engine.export(IMAGE) as stream:
        while count := stream.readinto(buffer):  # type: ignore[attr-defined]
            total += count
    return total


def snapshot_of_export(store: Store) -> int:
    """The snapshot of the same export."""
    with Engine.connect() as engine:
        found = engine.inspect(IMAGE)
        assert found is not None
        with engine.export(IMAGE) as stream:
            taken = snapshot_of_stream(
                stream, IMAGE, store.layers, expected=found.diff_ids, window=_window()
            )
    return sum(layer.size for layer in taken.layers)


def snapshot_of_archive(store: Store, path: str) -> int:
    """The snapshot of a saved archive; the archive's bytes."""
    snapshot_of_path(Path(path), store.layers)
    return Path(path).stat().st_size


def snapshot_of_pipe(store: Store) -> int:
    """The snapshot of what stands at standard input."""
    taken = snapshot_of_path(Path("/dev/stdin"), store.layers)
    return sum(layer.size for layer in taken.layers)


MEASURES: dict[str, Callable[..., int]] = {
    "bare": bare_export,
    "export": snapshot_of_export,
    "archive": snapshot_of_archive,
    "pipe": snapshot_of_pipe,
}


@contextmanager
def _fresh_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(f"sqlite:///{directory}/drift.db")
        try:
            yield store
        finally:
            store.close()


def _window() -> Window:
    """The window of a build that has just ended: dates are searched for as in a night."""
    now = datetime.now(UTC)
    return Window(now - timedelta(minutes=5), now)


def _in_process(name: str, *arguments: str) -> None:
    """Be the process that is measured: print seconds, peak memory, bytes."""
    with _fresh_store() as store:  # made before the clock starts: a project makes it once
        begin = time.perf_counter()
        read = MEASURES[name](store, *arguments)
        seconds = time.perf_counter() - begin
    status = Path("/proc/self/status").read_text()
    # Not getrusage: its peak would count the parent's memory, from before the exec.
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    json.dump([seconds, peak, read], sys.stdout)


def measure(name: str, *arguments: str, pieces: Iterator[bytes] | None = None) -> Measured:
    """Run one measurement in a process of its own, fed with ``pieces``."""
    command = [sys.executable, __file__, "--measure", name, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for piece in pieces or ():
            process.stdin.write(piece)
        process.stdin.close()
        said = process.stdout.read()
    if process.returncode:
        sys.exit(f"the measurement {name} failed")
    return Measured(*json.loads(said))


# --- The benchmark


def benchmark(shape: Shape, large: Shape, pairs: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="drift-bench-") as directory:
        archive = Path(directory, "image.tar")
        _say(f"writing an archive of {shape.bytes / 1e9:.1f} GB, {shape.files} files")
        with archive.open("wb") as target:
            target.writelines(image_stream(shape))
        yield from _archive_rows(archive, pairs)
        with _loaded(archive):
            yield from _export_rows(pairs)
    _say(f"a stream of {large.bytes / 1e9:.1f} GB")
    piped = measure("pipe", pieces=image_stream(large))
    yield _memory_row(f"stream of {large.bytes / 1e9:.0f} GB, {large.files} files", piped.memory)


def _archive_rows(archive: Path, pairs: int) -> Iterator[Row]:
    _say("snapshots of the archive, in the page cache")
    with archive.open("rb") as content:
        while content.read(BUFFER):
            pass
    taken = [measure("archive", str(archive)) for _ in range(pairs)]
    speed = statistics.median(one.read / one.seconds for one in taken)
    yield Row(
        "archive in the page cache",
        f"{speed / 1e6:.0f} MB/s",
        f">= {LEAST_SPEED / 1e6:.0f} MB/s",
        speed >= LEAST_SPEED,
    )
    yield _memory_row("archive", max(one.memory for one in taken))


def _export_rows(pairs: int) -> Iterator[Row]:
    """Bare exports and snapshots in turn, so that the engine's moods hit both alike."""
    measure("bare")  # the engine's own caches are warm from here on
    bare, taken = [], []
    for number in range(pairs):
        _say(f"bare export and snapshot of it, pair {number + 1} of {pairs}")
        bare.append(measure("bare"))
        taken.append(measure("export"))
    plain = statistics.median(one.seconds for one in bare)
    ours = statistics.median(one.seconds for one in taken)
    yield Row("bare export of the image", f"{plain:.2f} s", _each(bare), met=True)
    yield Row("snapshot of the same export", f"{ours:.2f} s", _each(taken), met=True)
    times = ours / plain
    yield Row(
        "snapshot : bare export, medians",
        f"{times:.2f}",
        f"<= {MOST_TIMES_EXPORT}",
        times <= MOST_TIMES_EXPORT,
    )
    yield _memory_row("snapshot of the export", max(one.memory for one in taken))


def _each(measured: list[Measured]) -> str:
    return "(" + ", ".join(f"{one.seconds:.2f}" for one in measured) + ")"


def _memory_row(what: str, peak: int) -> Row:
    return Row(
        f"peak memory: {what}",
        f"{peak / 1e6:.0f} MB",
        f"< {MOST_MEMORY / 1e6:.0f} MB",
        peak < MOST_MEMORY,
    )


@contextmanager
def _loaded(archive: Path) -> Iterator[None]:
    """The archive as an image in the engine, removed at the end."""
    with Engine.connect() as engine:
        _say("loading it into the engine")
        with archive.open("rb") as content:
            engine.connection.client.load_image(content)
        try:
            yield
        finally:
            engine.connection.client.remove_image(IMAGE)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _outcome(row: Row) -> str:
    if row.target.startswith("("):
        return ""  # no target, but the single figures
    return "ok" if row.met else "MISSED"


def _table(rows: list[Row]) -> str:
    lines = [
        f"{row.what:<44} {row.figure:>16}  {row.target:<12} {_outcome(row)}".rstrip()
        for row in rows
    ]
    with Engine.connect() as engine:
        identity = engine.identity("classic")
    machine = (
        f"{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {identity.name} {identity.version}"
    )
    return "\n".join([machine, *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--size", type=float, default=2e9, help="of the image, in bytes")
    parser.add_argument("--large", type=float, default=8e9, help="of the stream, in bytes")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _in_process(*options.measure)
        return 0
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 1.5 * options.size:
        sys.exit(f"bench: {tempfile.gettempdir()} has too little room: set TMPDIR")
    shapes = Shape(int(options.size)), Shape(int(options.large))
    rows = list(benchmark(*shapes, options.pairs))
    print(_table(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
