"""Commands that read what earlier nights left: report, history, explain, accept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drift.report.document import image_document, run_document, trim
from drift.report.formats import FORMATS
from drift.report.results import ImageResult, RunResult
from drift.store.store import Store
from support.command import Drift, drift_process
from support.images import file, snapshot_of
from support.report_samples import (
    ENGINE,
    broken,
    drifted,
    first,
    hostile,
    known,
    noisy,
    quiet,
)

RUN = "20261123T021500Z-7f3a1c"
OLDEST = "20261121T021500Z-00aa11"
EARLIER = "20261122T021500Z-11aa22"
START = datetime(2026, 11, 23, 2, 15, 0, 123456, tzinfo=UTC)


def save(store: Store, run: str, night: date, start: datetime, *images: ImageResult) -> Any:
    """A run in the store, as the job leaves it; its document, as ``drift check`` had it."""
    store.begin_run(run, night, start, ENGINE)
    documents = []
    for number, image in enumerate(images):
        image_here = snapshot_of([[file("a", "1")]], store.layers)
        builds = [
            replace(
                build,
                id=f"{run}-{image.name}-{number}{at}",
                run=run,
                night=night,
                snapshot=image_here if build.ok else None,
            )
            for at, build in enumerate(image.builds)
        ]
        documents.append(image_document(image))
        store.save_image(run, image.name, documents[-1], builds, {})
    end = start + timedelta(minutes=7)
    store.finish_run(run, end)
    return run_document(RunResult(run, night, start, end, ENGINE), documents)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\n')
    return tmp_path


@pytest.fixture
def document(here: Path) -> Iterator[dict[str, Any]]:
    """Two nights are stored; the document is the newest one's."""
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        day = timedelta(days=1)
        save(store, EARLIER, date(2026, 11, 22), START - day, first("web"))
        yield save(store, RUN, date(2026, 11, 23), START, drifted("web"), quiet(), broken())


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_report_is_told_again_to_the_byte(
    document: dict[str, Any], drift: Drift, form: str
) -> None:
    options = {"dockerfiles": {"web": "Dockerfile"}} if form == "github" else {}
    ran = drift("report", "--format", form)
    assert ran.code == 0
    assert ran.out == FORMATS[form](trim(document), **options)


def test_full_and_by_id_and_by_night(document: dict[str, Any], drift: Drift, here: Path) -> None:
    full = drift("report", RUN, "--format", "json", "--full").out
    assert full == FORMATS["json"](document)
    assert drift("report", "2026-11-23", "--format", "json", "--full").out == full
    assert json.loads(drift("report", "2026-11-22", "-f", "json").out)["run"]["id"] == EARLIER
    drift("report", EARLIER, "--format", "html", "--output", "night.html")
    assert EARLIER in (here / "night.html").read_text()


@pytest.mark.parametrize("run", ["nonsense", "2026-01-01", "\x1b[31m"])
def test_a_run_that_is_not_stored(document: dict[str, Any], drift: Drift, run: str) -> None:
    ran = drift("report", run)
    assert (ran.code, ran.out) == (2, "")
    assert "is stored" in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("command", [["report"], ["explain", "web"], ["accept", "web"], ["gc"]])
def test_nothing_stored_yet_is_said_and_no_store_made(
    here: Path, drift: Drift, command: list[str]
) -> None:
    ran = drift(*command)
    assert (ran.code, ran.out) == (2, "")
    assert "drift check" in ran.err
    assert not (here / ".drift").exists()


def test_history_is_a_table(document: dict[str, Any], drift: Drift) -> None:
    lines = [line.split() for line in drift("history").out.splitlines()]
    assert lines[0] == ["NIGHT", "IMAGE", "STATUS", "ORIGINS", "RUN"]
    nights = [(line[0], line[1], line[2]) for line in lines[1:]]
    assert nights == [
        ("2026-11-23", "api", "equivalent"),
        ("2026-11-23", "web", "drifted"),
        ("2026-11-23", "worker", "broken"),
        ("2026-11-22", "web", "first"),
    ]
    assert len(drift("history", "web").out.splitlines()) == 3
    assert len(drift("history", "--limit", "1").out.splitlines()) == 2


def test_history_as_json(document: dict[str, Any], drift: Drift) -> None:
    newest, oldest = json.loads(drift("history", "web", "--format", "json").out)
    assert newest["flagged"] is True
    assert "external" in newest["origins"]
    assert oldest == {
        "night": "2026-11-22",
        "image": "web",
        "status": "first",
        "flagged": False,
        "origins": [],
        "run": EARLIER,
    }


def test_stale_says_when_the_last_run_was(here: Path, drift: Drift) -> None:
    assert drift("history", "--stale", "36h").code == 1
    now = datetime.now(UTC)
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        save(store, EARLIER, date(2026, 1, 1), now - timedelta(hours=40), first("web"))
        ran = drift("history", "--stale", "36h")
        assert ran.code == 1
        assert "no run is younger than 36h: the newest ended" in ran.err
        assert drift("history", "--stale", "41h").code == 0
        save(store, RUN, date(2026, 1, 2), now - timedelta(hours=1), first("api"))
        assert drift("history", "--stale", "36h").code == 0
        assert drift("history", "web", "--stale", "36h").code == 1
        store.begin_run("20270101T000000Z-aaaaaa", date(2027, 1, 1), now, ENGINE)
        assert drift("history", "web", "--stale", "36h").code == 1
    assert drift("history", "--stale", "soon").code == 2


def test_explain_tells_the_causes_and_since_when(document: dict[str, Any], drift: Drift) -> None:
    ran = drift("explain", "web")
    assert ran.code == 0
    assert ran.out.startswith("web, night of 2026-11-23: drifted: ")
    for cause in document["images"][0]["causes"]:
        assert cause["subject"] in ran.out
    assert "first seen in the night of 2026-11-23" in ran.out


def test_explain_a_path_or_a_package(document: dict[str, Any], drift: Drift) -> None:
    ran = drift("explain", "web", "/var/lib/app/instance-id")
    assert "/var/lib/app/instance-id: modified (content, mtime)" in ran.out
    assert "unexplained file" in ran.out
    assert "openssl" not in ran.out.partition("\n")[2]
    package = document["images"][0]["packages"]["changed"][0]["purl"]
    by_purl = drift("explain", "web", package).out
    assert f"{package} " in by_purl
    assert drift("explain", "web", package.rpartition("/")[2]).out == by_purl
    assert "/etc/nothing: no difference" in drift("explain", "web", "/etc/nothing").out


def test_explain_tells_the_other_images_of_an_event_and_since_when(
    here: Path, drift: Drift
) -> None:
    day = timedelta(days=1)
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        save(store, OLDEST, date(2026, 11, 21), START - 2 * day, drifted("old"), known("mail"))
        save(store, EARLIER, date(2026, 11, 22), START - day, known("mail"))
        save(store, RUN, date(2026, 11, 23), START, drifted("web"), known("mail"))
    told = drift("explain", "web", "openssl").out
    assert "  the world changed\n" in told
    assert "  3 files, 6.4 MB, owned: a package database owns the files\n" in told
    assert "  risk: setuid\n" in told
    assert "  first seen in the night of 2026-11-23\n" in told
    assert "  also in mail (since 2026-11-21)\n" in told
    assert "  earlier in old (last on 2026-11-21)\n" in told
    assert (
        "  accepted until 2026-12-31: security update, reviewed\n" in drift("explain", "mail").out
    )
    then = drift("explain", "mail", "openssl", "--night", "2026-11-22").out
    assert "first seen in the night of 2026-11-21" in then
    assert "web" not in then, "a night knows nothing of those to come"


def test_explain_lists_the_builds_and_why_they_were_made(
    document: dict[str, Any], drift: Drift
) -> None:
    told = drift("explain", "web").out
    assert "builds of that night\n  nightly         21.4 s  first build of the night\n" in told
    assert "  control         21.4 s  a difference remained that nothing settled\n" in told
    broken_image = drift("explain", "worker").out
    assert "  nightly again   21.4 s  once more, after a failure (failed)\n" in broken_image


def test_explain_looks_at_earlier_nights(here: Path, drift: Drift) -> None:
    day = timedelta(days=1)
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        save(store, OLDEST, date(2026, 11, 21), START - 2 * day, noisy("web"))
        save(store, EARLIER, date(2026, 11, 22), START - day, noisy("web"))
        save(store, RUN, date(2026, 11, 23), START, quiet("web"))
    told = drift("explain", "web", "/etc/machine-id").out
    assert "/etc/machine-id: no difference\n" in told
    assert (
        "it differed on 2 other of the 3 nights that were looked through: "
        "2026-11-22 (nondeterminism random content), 2026-11-21 (nondeterminism random content)\n"
    ) in told
    assert "nondeterminism on 2 of the 3 nights that were looked through, with 2 controls" in told
    assert "it differed on none of" in drift("explain", "web", "/etc/other").out
    assert "/etc/machine-id: modified" in (
        drift("explain", "web", "/etc/machine-id", "--night", "2026-11-22").out
    )
    ran = drift("explain", "web", "--night", "2026-11-20")
    assert (ran.code, ran.out) == (2, "")
    assert "no finished night of 2026-11-20 holds an image 'web'" in ran.err
    assert drift("explain", "web", "--night", "yesterday").code == 2


def test_explain_a_directory_a_subject_and_a_cause(document: dict[str, Any], drift: Drift) -> None:
    told = drift("explain", "web", "/usr/share/zoneinfo").out
    assert "/usr/share/zoneinfo/: 40 paths below it\n" in told
    assert "base image: debian:bookworm-slim" in told
    assert "openssl" not in told.partition("\n")[2]
    assert drift("explain", "web", "/usr/share/zoneinfo/").out == told
    by_subject = drift("explain", "web", "https://example.org/rules.json").out
    assert "external remote content: https://example.org/rules.json" in by_subject
    assert "no difference" in drift("explain", "web", "/usr/share/zone").out


def test_an_image_that_is_not_there(document: dict[str, Any], drift: Drift) -> None:
    for command in ("explain", "accept", "history"):
        ran = drift(command, "nobody")
        assert (ran.code, ran.out) == (2, "")
        assert "no image is named 'nobody' in drift.toml" in ran.err


def test_hostile_documents_do_nothing(here: Path, drift: Drift) -> None:
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        save(store, RUN, date(2026, 11, 23), START, hostile("evil"))
    for command in (["explain", "evil"], ["history"], ["report"]):
        ran = drift(*command)
        assert ran.code == 0
        assert not {"\x1b", "\x9b", "\u202e", "\r", "\x07"} & set(ran.out)
        assert "##[" not in ran.out
        assert not any(line.lstrip().startswith("::") for line in ran.out.splitlines())


def test_accept_takes_the_newest_build_that_succeeded(
    document: dict[str, Any], drift: Drift, here: Path
) -> None:
    ran = drift("accept", "web", "--reason", "reviewed")
    assert ran.code == 0
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        accepted = store.baseline_accepted("web")
        assert accepted is not None
        assert accepted.night == date(2026, 11, 23)
        assert accepted.id in ran.out
    assert "policy.baseline" in ran.err  # is "previous": to accept changes nothing yet
    assert drift("accept", "web", f"{EARLIER}-web-00").code == 0
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        accepted = store.baseline_accepted("web")
        assert accepted is not None
        assert accepted.night == date(2026, 11, 22)


@pytest.mark.parametrize("arguments", [["worker"], ["web", "no-such-build"]])
def test_accept_refuses_what_did_not_succeed(
    document: dict[str, Any], drift: Drift, arguments: list[str]
) -> None:
    ran = drift("accept", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "successful build" in ran.err


def test_a_store_that_is_none_is_a_2(here: Path, drift: Drift) -> None:
    (here / ".drift").mkdir()
    (here / ".drift" / "drift.db").write_text("this is no database, and long enough to see it")
    ran = drift("report")
    assert (ran.code, ran.out) == (2, "")
    assert "not a database" in ran.err


def test_json_as_a_process_in_an_ascii_locale(document: dict[str, Any], here: Path) -> None:
    environ = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    ran = drift_process("report", "--format", "json", cwd=here, environ=environ)
    assert ran.returncode == 0
    assert json.loads(ran.stdout) == trim(document)
    ran = drift_process("report", cwd=here, environ=environ)
    assert ran.returncode == 0
    assert ran.stdout.isascii()
