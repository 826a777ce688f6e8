"""``drift report --site``: the pages again, from the store."""

from __future__ import annotations

import shutil
from pathlib import Path

from drift.report.document import image_document
from support import report_samples as samples
from support.command import Drift
from support.site_samples import Site, files


def test_a_lost_report_directory_is_written_again(tmp_path: Path, drift: Drift) -> None:
    made = Site(tmp_path, ["web"])
    for night in (samples.EARLIER, samples.NIGHT):
        made.night([image_document(samples.drifted())], night, logs=False)
    before = files(made.reports)
    shutil.rmtree(made.reports)
    ran = drift("report", "--site", "--config", tmp_path / "drift.toml")
    assert ran.code == 0
    assert ran.err.strip() == f"drift: the page is {made.reports / 'index.html'}"
    assert files(made.reports) == before


def test_it_is_all_runs_or_one(tmp_path: Path, drift: Drift) -> None:
    made = Site(tmp_path, ["web"])
    ran = drift("report", "--site", "2026-11-22", "--config", made.root / "drift.toml")
    assert ran.code == 2
    assert "--site writes the pages of all runs" in ran.err
