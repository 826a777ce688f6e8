"""A report directory with a store behind it, and nights that are written into both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from drift.config import Config, load
from drift.publish import site
from drift.report.document import run_document, trim
from drift.report.results import RunResult
from drift.store.store import Store
from support import report_samples as samples


def run_id(night: date, number: int = 0) -> str:
    """The id of a run that began in the small hours of a night."""
    return f"{night:%Y%m%d}T02150{number}Z-7f3a"


@dataclass
class Site:
    """A project's store and report directory."""

    root: Path
    names: Sequence[str]
    more: str = ""
    config: Config = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "Dockerfile").write_text("FROM scratch\n")
        images = "".join(f'[[image]]\nname = "{name}"\n' for name in self.names)
        (self.root / "drift.toml").write_text(self.more + images)
        self.config = load(self.root / "drift.toml", {})

    @property
    def reports(self) -> Path:
        return self.config.report.directory

    def record(
        self, store: Store, images: Sequence[Mapping[str, Any]], night: date, number: int = 0
    ) -> dict[str, Any]:
        """Keep a run of images' documents in the store; gives the run's document."""
        run = run_id(night, number)
        began = datetime(night.year, night.month, night.day, 2, 15, number, tzinfo=UTC)
        ended = began + timedelta(minutes=22)
        store.begin_run(run, night, began, samples.ENGINE)
        documents = [of_run(image, run) for image in images]
        for document in documents:
            store.save_image(run, document["name"], document, [], {})
        store.finish_run(run, ended)
        return run_document(RunResult(run, night, began, ended, samples.ENGINE), documents)

    def night(
        self,
        images: Sequence[Mapping[str, Any]],
        night: date = samples.NIGHT,
        number: int = 0,
        logs: bool = True,
    ) -> dict[str, Any]:
        """A whole night: kept in the store, and written into the report directory."""
        with Store.open(self.config.store.url) as store:
            document = self.record(store, images, night, number)
            document = trim(document)
            site.write(document, logs_of(document) if logs else {}, store, self.config)
        return document


def of_run(image: Mapping[str, Any], run: str) -> dict[str, Any]:
    """An image's document as a run of another id would have it."""
    builds = [
        {
            **build,
            "build": build["build"].replace(samples.RUN, run),
            "log": build["log"].replace(samples.RUN, run),
        }
        for build in image["builds"]
    ]
    return {**image, "builds": builds}


def logs_of(document: Mapping[str, Any]) -> dict[str, str]:
    """A log for each build of a document."""
    builds = [build for image in document["images"] for build in image["builds"]]
    return {build["build"]: f"log of {build['build']} \udcff\nENV API_TOKEN=hunter2\n"
            for build in builds}  # fmt: skip


def files(directory: Path) -> set[str]:
    """The names of all files below a directory."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
