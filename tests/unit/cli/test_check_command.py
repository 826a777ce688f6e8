"""``drift check`` around the job: what it prints, writes and exits with. No engine is asked."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drift.builds import Role
from drift.engine.engine import Engine
from drift.errors import EngineError
from drift.nightly import against as against_module
from drift.nightly import job, plan
from drift.nightly.job import Night
from drift.report.document import trim
from drift.report.formats import FORMATS
from support.command import Drift, Ran
from support.report_samples import document_of, drifted, first, fleet, quiet, unknown


class FakeEngine:
    """Stands where an engine would; the job that would use it is a fake as well."""

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None: ...

    def containers_labelled(self, label: str) -> tuple[str, ...]:
        return ()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "web"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.setattr(Engine, "connect", lambda _host: FakeEngine())
    return tmp_path


@pytest.fixture
def night_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Lets the job find a document; what the job was asked for comes back."""
    asked: dict[str, Any] = {}

    def found(document: dict[str, Any]) -> dict[str, Any]:
        def check(*_arguments: object, **options: Any) -> Night:
            asked.update(options)
            return Night(document, {document["images"][0]["builds"][0]["build"]: "the log\n"})

        monkeypatch.setattr(job, "check", check)
        return asked

    return found


Found = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (document_of(first()), 0),
        (document_of(quiet()), 0),
        (document_of(drifted()), 1),
        (document_of(unknown()), 2),
        (document_of(quiet(), unknown()), 2),
        (fleet(), 1),
    ],
    ids=["first", "quiet", "flagged", "unknown", "quiet and unknown", "flagged and unknown"],
)
def test_exit_codes(
    here: Path, drift: Drift, night_of: Found, document: dict[str, Any], code: int
) -> None:
    night_of(document)
    assert drift("check").code == code


@pytest.mark.parametrize("form", list(FORMATS))
def test_every_format_is_the_report_and_nothing_else(
    here: Path, drift: Drift, night_of: Found, form: str
) -> None:
    document = document_of(drifted("web"))
    night_of(document)
    options = {"dockerfiles": {"web": "web/Dockerfile"}} if form == "github" else {}
    assert drift("check", "--format", form).out == FORMATS[form](trim(document), **options)


def test_json_on_stdout_is_one_document(here: Path, drift: Drift, night_of: Found) -> None:
    night_of(fleet())
    ran = drift("check", "--format", "json")
    assert json.loads(ran.out) == trim(fleet())
    assert json.loads((here / "reports" / "drift.json").read_text()) == json.loads(ran.out)


def test_full_lists_what_differs_in_time_alone(here: Path, drift: Drift, night_of: Found) -> None:
    night_of(document_of(quiet()))
    brief = json.loads(drift("check", "-f", "json").out)
    full = json.loads(drift("check", "-f", "json", "--full").out)
    assert brief["images"][0]["files"]["entries"] == []
    assert [e["path"] for e in full["images"][0]["files"]["entries"]] == ["/etc"]


def test_a_file_takes_the_report_and_the_site_is_written(
    here: Path, drift: Drift, night_of: Found
) -> None:
    night_of(fleet())
    ran = drift("check", "--format", "markdown", "--output", "night.md")
    assert ran.out == ""
    assert (here / "night.md").read_text() == FORMATS["markdown"](trim(fleet()))
    assert (here / "reports" / "index.html").exists()
    assert next((here / "reports" / "runs").glob("*/*.log")).read_text() == "the log\n"


def test_it_is_said_where_the_page_is(
    here: Path, drift: Drift, night_of: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    night_of(fleet())
    near = drift("check").err.splitlines()[-1].removeprefix("drift: the page is ")
    assert near == "reports/index.html"
    assert (here / near).is_file()
    monkeypatch.chdir(here / "web")
    far = drift("check", "--config", here / "drift.toml").err.splitlines()[-1]
    assert far.removeprefix("drift: the page is ") == str(here / near)


def test_a_site_that_cannot_be_written_does_not_hide_the_report(
    here: Path, drift: Drift, night_of: Found
) -> None:
    night_of(fleet())
    (here / "reports").write_text("in the way")
    ran = drift("check", "--format", "json")
    assert ran.code == 2
    assert json.loads(ran.out) == trim(fleet())
    assert "cannot write the report" in ran.err


def test_github_gets_annotations_and_a_summary(
    here: Path, drift: Drift, night_of: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here.parent))
    night_of(document_of(drifted("web")))
    ran = drift("check", "--format", "github")
    assert ran.code == 1
    assert f"::error file={here.name}/web/Dockerfile,line=" in ran.out
    assert (here / "summary.md").read_text().startswith("## drift report")
    night_of(document_of(drifted("web")))
    drift("check")
    assert (here / "summary.md").read_text().count("## drift report") == 1


def test_in_a_workflow_the_report_and_the_progress_are_no_commands(
    here: Path, drift: Drift, night_of: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    night_of(fleet())
    ran = drift("check")
    for lines in (ran.out.splitlines(), ran.err.splitlines()):
        token = lines[0].removeprefix("::stop-commands::")
        assert len(token) == 32
        assert f"::{token}::" in lines
    assert ran.out.splitlines()[-1].startswith("::")
    assert json.loads(drift("check", "--format", "json").out) == trim(fleet())
    assert drift("check", "--format", "github").out.startswith("::error ")


def test_what_is_asked_reaches_the_job(here: Path, drift: Drift, night_of: Found) -> None:
    asked = night_of(document_of(first("web")))
    assert drift("check", "web", "--jobs", "4", "--as-of", "2026-11-23").code == 0
    assert asked == {"names": ["web"], "night": date(2026, 11, 23), "jobs": 4}


def raising(error: BaseException) -> Callable[..., Night]:
    def check(*_arguments: object, **_options: object) -> Night:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EngineError("the engine went away", hint="start it"), "the engine went away"),
        (KeyboardInterrupt(), "interrupted"),
        (RuntimeError("surprise"), "a bug in drift: RuntimeError: surprise"),
    ],
    ids=["error", "ctrl-c", "bug"],
)
def test_a_run_that_fails_is_a_2_with_nothing_on_stdout(
    here: Path,
    drift: Drift,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    said: str,
) -> None:
    monkeypatch.setattr(job, "check", raising(error))
    ran = drift("check", "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (here / "reports").exists()


def test_sigterm_stops_as_ctrl_c_does(
    here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(*_arguments: object, **_options: object) -> Night:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal was not delivered")

    monkeypatch.setattr(job, "check", check)
    ran = drift("check")
    assert ran.code == 2
    assert "interrupted" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "wbe"], "no image is named 'wbe'"),
        (["check", "--config", "other.toml"], "other.toml: there is no such file"),
        (["check", "--output", "no/such/place"], "its directory does not exist"),
        (["check", "--config", "wrong.toml"], "wrong.toml:1"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(
    here: Path, drift: Drift, night_of: Found, arguments: list[str], said: str
) -> None:
    night_of(fleet())
    (here / "wrong.toml").write_text("[egnine]\n")
    ran = drift(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (here / ".drift").exists()


def test_a_secret_in_the_configuration_is_in_no_error(
    here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "hunter2secret")
    with (here / "drift.toml").open("a") as file:
        file.write('[report]\ndirectory = "${PLACE}"\n')
    monkeypatch.setattr(job, "check", raising(EngineError("no room in hunter2secret")))
    ran = drift("check")
    assert ran.code == 2
    assert "no room in ***" in ran.err
    assert "hunter2" not in ran.err


def test_a_plan_builds_and_leaves_nothing(
    here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "connect", raising(EngineError("no engine answers")))
    ran = drift("check", "--plan")
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == [
        "IMAGE",
        "ROLE",
        "CHANCE",
        "MINUTES",
        "DISK",
        "REASON",
    ]
    assert ran.out.splitlines()[1].split()[:4] == ["web", "nightly", "certain", "?"]
    assert "note: whether a replay is due is not known: no engine answers" in ran.out
    assert not (here / ".drift").exists()


def test_a_plan_has_totals(here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = [
        plan.PlannedBuild("web", Role.NIGHTLY, "because", 90.0, 3_000_000),
        plan.PlannedBuild("api", Role.NIGHTLY, "because", 30.0, 1_000_000),
        plan.PlannedBuild("new", Role.NIGHTLY, "because", None, None),
        plan.PlannedBuild("web", Role.CONTROL, "to see", 60.0, 500_000, plan.Chance.LIKELY),
    ]
    found = plan.Plan(tuple(builds), ("new: a \x1b[31mnote",))
    monkeypatch.setattr(plan, "plan", lambda *_: found)
    ran = drift("check", "--plan")
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[5:7] == [
        ["total", "3", "builds", "2.0", "4.0", "MB"],
        ["at", "most", "4", "builds", "3.0", "4.5", "MB"],
    ]
    assert "note: new: a" in ran.out
    assert "\x1b" not in ran.out
    assert "1 not in the totals" in ran.out
    document = json.loads(drift("check", "--plan", "--format", "json").out)
    assert (document["seconds"], document["bytes"]) == (120.0, 4_000_000)
    assert document["at_most"] == {"seconds": 180.0, "bytes": 4_500_000}
    assert [build["image"] for build in document["builds"]] == ["web", "api", "new", "web"]
    assert [build["certain"] for build in document["builds"]] == [True, True, True, False]
    assert document["builds"][3]["chance"] == "likely"


def test_against_a_revision_prints_and_records_nothing(
    here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch
) -> None:
    def against(*arguments: object, **options: object) -> Night:
        assert arguments[4] == "origin/main"
        assert options == {"names": [], "jobs": None}
        return Night(document_of(drifted("web")), {})

    monkeypatch.setattr(against_module, "against", against)
    ran: Ran = drift("check", "--against", "origin/main", "--format", "json")
    assert ran.code == 1
    assert json.loads(ran.out)["images"][0]["name"] == "web"
    assert not (here / "reports").exists()
    assert not (here / ".drift").exists()


@pytest.mark.parametrize("status", [0, 1, None])
def test_a_library_that_ends_the_process_makes_no_night_green_or_flagged(
    here: Path, drift: Drift, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    def check(*_arguments: object, **_options: object) -> Night:
        raise SystemExit(status)

    monkeypatch.setattr(job, "check", check)
    ran = drift("check")
    assert (ran.code, ran.out) == (2, "")
    assert f"a bug in drift: something ended it with {status!r}" in ran.err
