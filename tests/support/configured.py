"""Configurations for tests of what is told, and nights in a store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from drift.config import Config, load
from drift.report.document import stored_document
from drift.store.store import Store
from support import report_samples as samples

START = datetime(2026, 11, 1, 2, 15, tzinfo=UTC)


def configured(root: Path, text: str, names: str = "web", **environ: str) -> Config:
    """A drift.toml with some images, whose Dockerfiles are there."""
    (root / "Dockerfile").write_text("FROM scratch\n")
    images = "".join(f'[[image]]\nname = "{name}"\n' for name in names.split())
    (root / "drift.toml").write_text(f"{images}{text}")
    return load(root / "drift.toml", environ)


def cause(subject: str, after: str | None = "2", **more: Any) -> dict[str, Any]:
    """A cause as a document has it; an update of a package if nothing else is said."""
    return {
        "id": "c1", "origin": "external", "kind": "package", "subject": subject,
        "before": "1", "after": after, "grade": "owned", "risk": [], "instruction": None,
        "layer": 1, "files": {"changed": 1, "bytes": 1}, "evidence": [], **more,
    }  # fmt: skip


def image(name: str, status: str = "identical", *causes: dict[str, Any], **more: Any) -> Any:
    """An image's document; drifted and broken ones are flagged."""
    document = samples.document_of(samples.first(name))["images"][0]
    flagged = status in ("drifted", "broken")
    told = {"status": status, "flagged": flagged, "causes": list(causes), "error": "no", **more}
    return {**document, **told, "builds": []}


def night(days: int) -> date:
    return START.date() + timedelta(days)


def keep_night(store: Store, days: int, *images: dict[str, Any], run: str = "") -> dict[str, Any]:
    """Keep a night's run; its document."""
    run = run or f"run{days:02}"
    start = START + timedelta(days)
    store.begin_run(run, night(days), start, samples.ENGINE)
    for one in images:
        store.save_image(run, one["name"], one, [], {})
    store.finish_run(run, start + timedelta(minutes=7))
    stored = store.run(run)
    assert stored is not None
    return stored_document(stored)
