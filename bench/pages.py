"""How long the site takes and how large it gets: a fleet's nights, simulated through the store.

60 nights of 50 images, each with 400 packages and 5,000 paths, a fifth of them drifted with
three causes each night (400 packages and a tenth of the paths moved), one of them with 100,000
changed paths; and a fleet of 1,000 images. Prints times and sizes beside their targets, and ends
with 1 where one is missed. A browser is asked how soon it is ready, where there is one.

    python bench/pages.py [--nights 60] [--images 50] [--changed 500] [--keep DIRECTORY]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.builds import Build, Role
from drift.compare.model import Change, Comparison, FileChange, PackageChange
from drift.config import Config, load
from drift.oci import DiffId, Digest, ImageConfig
from drift.publish import site
from drift.report.document import image_document, run_document, trim
from drift.report.results import ImageResult, RunResult
from drift.snapshot.model import Entry, EntryType, Instruction, LayerDescriptor, Snapshot
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from drift.store.store import Store

ENGINE = EngineIdentity(
    "docker", "28.5.2", "1.51", "buildkit", "linux/amd64", "6.18", 2, "overlay2"
)
LAST = date(2026, 11, 23)
MANY = 100_000
_INSTALL = Instruction("0", 4, "RUN apt-get update && apt-get install -y openssl curl")
_DIRECTORIES = 200


def image(name: str, night: date, changed: int, packages: int, drifted: bool) -> dict[str, Any]:
    """One image's document of a night."""
    baseline, candidate = (_build(name, night - timedelta(days=back)) for back in (1, 0))
    if not drifted:
        touched = tuple(_change(n, Change.METADATA_ONLY, night) for n in range(200))
        result = ImageResult(name, Status.EQUIVALENT, False, baseline, candidate)
        result = replace(result, comparison=Comparison(metadata_only=touched))
        return image_document(replace(result, attribution=Attribution(), builds=(candidate,)))
    changes = tuple(_change(n, Change.MODIFIED, night) for n in range(changed))
    moved = tuple(PackageChange(f"pkg:deb/debian/package-{n:03}", "1.2-3", f"1.2-{night.day + 4}")
                  for n in range(packages))  # fmt: skip
    causes = _causes(night)
    paths = {change.path: causes[n % len(causes)].id for n, change in enumerate(changes)}
    reasons = Attribution(causes, paths, {package.purl: "c2" for package in moved})
    compared = Comparison(files=changes, packages=moved)
    result = ImageResult(name, Status.DRIFTED, True, baseline, candidate, compared, reasons)
    return image_document(replace(result, builds=(candidate,)))


def _causes(night: date) -> tuple[Cause, ...]:
    def digest(text: str) -> str:
        return Digest.of(f"{text} {night}".encode())

    base = Instruction("0", 1, "FROM debian:bookworm-slim")
    add = Instruction("0", 7, "ADD https://cdn.example/tool /usr/bin/tool")
    known = ("the repository's fingerprint is unchanged", "a control agrees")
    return (
        Cause("c1", Origin.EXTERNAL, Kind.BASE_IMAGE, "debian:bookworm-slim", Grade.PROVEN,
              digest("a"), digest("b"), (), base, 0, evidence=known),
        Cause("c2", Origin.EXTERNAL, Kind.PACKAGE, "pkg:deb/debian/openssl", Grade.OWNED,
              "3.0.17-1", f"3.0.17-{night.day + 1}", ("setuid",), _INSTALL, 1, evidence=known),
        Cause("c3", Origin.EXTERNAL, Kind.REMOTE_CONTENT, "https://cdn.example/tool", Grade.PROVEN,
              digest("c"), digest("d"), (), add, 2, evidence=known),
    )  # fmt: skip


def _change(number: int, change: Change, night: date) -> FileChange:
    path = f"/usr/lib/python3/dist-packages/part{number % _DIRECTORIES:03}/module_{number:06}.py"
    sides = [
        Entry(path, EntryType.FILE, 0o644, 0, 0, 1_795_000_000_000_000_000 + back, 1200 + number,
              Digest.of(f"{path} {night.day + back}".encode()))
        for back in (0, 1)
    ]  # fmt: skip
    fields = ("mtime",) if change is Change.METADATA_ONLY else ("content", "mtime")
    return FileChange(path, change, fields, *sides, 1, 1)


def _build(name: str, night: date) -> Build:
    diff_ids = [DiffId(Digest.of(f"{name} {n} {night}".encode())) for n in range(8)]
    config = ImageConfig.parse(b'{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}')
    layers = tuple(LayerDescriptor(diff_id, 1 << 20 + n, instruction=_INSTALL)
                   for n, diff_id in enumerate(diff_ids))  # fmt: skip
    bases = (Base("debian:bookworm-slim", Digest.of(b"i"), Digest.of(str(night).encode())),)
    repo = RepoSide(Digest.of(b"context"), Digest.of(b"dockerfile"), revision="ab" * 20)
    run = run_id(night)
    return Build(f"{run}-{name}-nightly", name, run, night, Role.NIGHTLY, "tonight", _at(night),
                 30.0, Inputs(repo, bases, ENGINE),
                 Snapshot(Digest.of(f"{name} {night}".encode()), config, layers))  # fmt: skip


def run_id(night: date) -> str:
    return f"{night:%Y%m%d}T021500Z-be7c4a"


def _at(night: date) -> datetime:
    return datetime(night.year, night.month, night.day, 2, 15, tzinfo=UTC)


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
_LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


class Bench:
    """A project, its store, and what was measured."""

    def __init__(self, root: Path, names: list[str]) -> None:
        root.mkdir(parents=True, exist_ok=True)
        (root / "Dockerfile").write_text("FROM scratch\n")
        images = "".join(f'[[image]]\nname = "{name}"\n' for name in names)
        (root / "drift.toml").write_text(f"[store]\nkeep_nights = 100\n{images}")
        self.config: Config = load(root / "drift.toml", {})
        self.store = Store.open(self.config.store.url)
        self.missed = 0

    def record(self, night: date, images: Iterator[dict[str, Any]]) -> dict[str, Any]:
        """Keep a run in the store; gives its document."""
        began, run = _at(night), run_id(night)
        self.store.begin_run(run, night, began, ENGINE)
        documents = []
        for document in images:
            self.store.save_image(run, document["name"], document, [], {})
            documents.append(document)
        ended = began + timedelta(minutes=40)
        self.store.finish_run(run, ended)
        return trim(run_document(RunResult(run, night, began, ended, ENGINE), documents))

    def tell(self, what: str, value: float, unit: str, target: float | None = None) -> None:
        """A line of the result."""
        missed = target is not None and value > target
        self.missed += missed
        wanted = "" if target is None else f"   target {target:g} {unit}"
        print(f"{what:<58} {value:>8.1f} {unit}{wanted}{'   MISSED' if missed else ''}", flush=True)


def fleet(root: Path, nights: int, number: int, changed: int) -> int:
    """The fleet of 50; how many targets were missed."""
    names = [f"service-{n:02}" for n in range(number)]
    bench = Bench(root, names)
    chance = random.Random(7)
    document: dict[str, Any] = {}
    for back in range(nights - 1, -1, -1):
        night = LAST - timedelta(days=back)
        drifted = set(chance.sample(names[1:], number // 5 - 1))
        drifted |= {names[0]} if back == 0 else set()
        images = (
            image(name, night, MANY if name == names[0] else changed, 400, name in drifted)
            for name in names
        )
        document = bench.record(night, images)
    print(f"{nights} nights, {number} images, a fifth drifted with {changed:,} changed paths each")
    reports = bench.config.report.directory
    begin = time.perf_counter()
    site.write(document, {}, bench.store, bench.config)
    bench.tell("a night's increment", time.perf_counter() - begin, "s", 5)
    _sizes(bench, reports, names)
    if BROWSER:
        interactive(bench, "index of 50", reports / "index.html")
        many = reports / "runs" / run_id(LAST) / f"{names[0]}.html"
        interactive(bench, "image with 100,000 paths", many)
    for path in sorted(reports.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    begin = time.perf_counter()
    site.write_anew(bench.store, bench.config)
    bench.tell("all pages anew", time.perf_counter() - begin, "s", 60)
    total = sum(path.stat().st_size for path in reports.rglob("*") if path.is_file())
    bench.tell("the whole site", total / 1e6, "MB")
    bench.store.close()
    return bench.missed


def _sizes(bench: Bench, reports: Path, names: list[str]) -> None:
    run = reports / "runs" / run_id(LAST)
    bench.tell("index.html", (reports / "index.html").stat().st_size / 1e3, "kB", 300)
    bench.tell("page of the image with 100,000 paths",
               (run / f"{names[0]}.html").stat().st_size / 1e3, "kB", 1500)  # fmt: skip
    largest = max(path.stat().st_size for path in run.glob("service-*.html"))
    bench.tell("largest page of an image", largest / 1e3, "kB", 1500)
    data = [path.stat().st_size for path in run.glob("*.js")]
    bench.tell(f"its {len(data)} data files", sum(data) / 1e6, "MB")
    bench.tell("drift.json", (run / "drift.json").stat().st_size / 1e6, "MB")
    bench.tell("summary.html", (reports / "summary.html").stat().st_size / 1e3, "kB")


def large(root: Path, number: int) -> int:
    """A fleet of a thousand; how many targets were missed."""
    names = [f"service-{n:04}" for n in range(number)]
    bench = Bench(root, names)
    document: dict[str, Any] = {}
    for back in (2, 1, 0):
        night = LAST - timedelta(days=back)
        documents = (image(name, night, 20, 5, n % 5 == 0) for n, name in enumerate(names))
        document = bench.record(night, documents)
    begin = time.perf_counter()
    site.write(document, {}, bench.store, bench.config)
    print(f"{number:,} images")
    bench.tell("a night's increment", time.perf_counter() - begin, "s")
    index = bench.config.report.directory / "index.html"
    bench.tell("index.html", index.stat().st_size / 1e3, "kB")
    if BROWSER:
        interactive(bench, "index of 1,000", index)
    bench.store.close()
    return bench.missed


def interactive(bench: Bench, what: str, page: Path) -> None:
    """Until the page is parsed and its script has run, on a CPU that is four times slower."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        times = []
        for _ in range(3):
            tab = browser.new_page()
            tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": 4})
            tab.goto(page.as_uri())
            times.append(float(tab.evaluate(_LOADED)))
            tab.close()
        browser.close()
    bench.tell(f"interactive at 4x CPU throttle: {what}", min(times) / 1e3, "s", 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--changed", type=int, default=500)
    parser.add_argument("--large", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="where the sites stay")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = asked.keep or Path(temporary)
        missed = fleet(root / "fleet", asked.nights, asked.images, asked.changed)
        missed += large(root / "large", asked.large) if asked.large else 0
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
