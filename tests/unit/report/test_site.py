"""The report directory: what is written, what is kept, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from drift.errors import ReportError
from drift.report import site
from support import report_samples as samples


def logs_of(document: dict[str, Any]) -> dict[str, str]:
    builds = [build for image in document["images"] for build in image["builds"]]
    return {build["build"]: f"log of {build['build']} \udcff\n" for build in builds}


def names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_a_run_is_written_with_its_logs_and_as_the_newest(tmp_path: Path) -> None:
    document = samples.document_of(samples.drifted(), samples.first())
    page = site.write(document, tmp_path, logs_of(document))
    run = f"runs/{samples.RUN}"
    assert page == tmp_path / run / "index.html"
    expected = {"index.html", "drift.json", f"{run}/index.html", f"{run}/drift.json"}
    logs = {f"{run}/web.nightly.log", f"{run}/web.control.log", f"{run}/batch.nightly.log"}
    assert names(tmp_path) == expected | logs
    assert json.loads((tmp_path / "drift.json").read_bytes()) == document
    assert f'href="{run}/web.nightly.log"' in (tmp_path / "index.html").read_text()
    assert f'href="../../{run}/web.nightly.log"' in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o644


def test_an_older_night_does_not_become_the_newest(tmp_path: Path) -> None:
    newer = samples.document_of(samples.first())
    older = samples.document_of(samples.quiet())
    older["run"].update(id="older", night="2026-11-20")
    for build in older["images"][0]["builds"]:
        build["log"] = build["log"].replace(samples.RUN, "older")
    site.write(newer, tmp_path, {})
    site.write(older, tmp_path, {})
    assert json.loads((tmp_path / "drift.json").read_bytes()) == newer
    assert (tmp_path / "runs/older/index.html").is_file()


def test_a_damaged_newest_report_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "drift.json").write_text('{"run": null')
    document = samples.document_of(samples.first())
    site.write(document, tmp_path, {})
    assert json.loads((tmp_path / "drift.json").read_bytes()) == document


@pytest.mark.parametrize("run", ["../x", "", ".", "..", "a/b", "a\0b", "-x"])
def test_a_run_id_cannot_lead_away(tmp_path: Path, run: str) -> None:
    document = samples.document_of(samples.first())
    document["run"]["id"] = run
    with pytest.raises(ReportError, match="unsafe"):
        site.write(document, tmp_path / "reports", {})
    assert names(tmp_path) == set()


@pytest.mark.parametrize("log", ["../../etc/passwd", "/etc/x.log", "runs/other/web.log"])
def test_a_log_cannot_lead_away(tmp_path: Path, log: str) -> None:
    document = samples.document_of(samples.first())
    document["images"][0]["builds"][0]["log"] = log
    with pytest.raises(ReportError, match="unsafe"):
        site.write(document, tmp_path, logs_of(document))
    assert names(tmp_path) == set()


def test_a_failed_write_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = samples.document_of(samples.first())
    site.write(document, tmp_path, {})
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        site.write(samples.document_of(samples.drifted()), tmp_path, {})
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before
