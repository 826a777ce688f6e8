"""The document: the contract's keys and order, counts that add up, events, trimming."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from drift.attribute.model import Accepted, Attribution, Cause, Grade, Kind, Origin, Status
from drift.builds import Failure, FailureKind
from drift.errors import ReportError
from drift.report import words
from drift.report.document import image_document, trim
from drift.report.results import ImageResult
from support import report_samples as samples


def contract_order(document: dict[str, Any], keys: list[str]) -> None:
    """The contract's keys are there in the contract's order; others may stand between."""
    assert [key for key in document if key in keys] == keys


def test_keys_are_the_contracts_in_its_order() -> None:
    document = samples.fleet()
    top = ["schema_version", "drift_version", "run", "summary", "events", "images"]
    assert list(document) == top
    contract_order(document["run"], ["id", "night", "started_at", "finished_at", "engine"])
    image = ["name", "status", "origins", "flagged", "publish", "baseline", "candidate", "causes"]
    image += ["explained", "layers", "packages", "files", "config", "builds", "error"]
    side = ["build", "night", "revision", "fingerprint", "image_id"]
    for found in document["images"]:
        contract_order(found, image)
        if found["baseline"]:
            contract_order(found["baseline"], side)
    web = document["images"][0]
    cause = ["id", "origin", "kind", "subject", "before", "after", "grade", "risk"]
    contract_order(web["causes"][0], [*cause, "instruction", "layer", "files", "evidence"])
    entry = ["path", "change", "fields", "before", "after", "layer", "cause"]
    contract_order(web["files"]["entries"][0], entry)
    contract_order(web["builds"][0], ["role", "reason", "seconds", "ok", "log"])


def test_changed_files_of_all_causes_are_the_changed_paths() -> None:
    for image in samples.fleet()["images"]:
        files = image["files"]
        changed = sum(cause["files"]["changed"] for cause in image["causes"])
        assert changed == files["added"] + files["removed"] + files["modified"]


def test_counts_and_bytes_come_from_the_paths() -> None:
    web = image_document(samples.drifted())
    openssl = next(cause for cause in web["causes"] if cause["id"] == "c2")
    assert openssl["files"] == {"changed": 3, "bytes": 692_008 + 4_700_008 + 998_008}
    assert (web["files"]["modified"], web["files"]["added"]) == (45, 1)
    assert web["origins"] == ["external", "repo", "nondeterminism", "unexplained"]


def test_a_changed_path_without_a_cause_is_refused() -> None:
    result = samples.drifted()
    assert result.attribution is not None
    lost = dataclasses.replace(result.attribution, paths={})
    with pytest.raises(ReportError, match="belongs to no cause"):
        image_document(dataclasses.replace(result, attribution=lost))


def test_an_entry_is_told_whole() -> None:
    web = image_document(samples.drifted())
    rules = next(e for e in web["files"]["entries"] if e["path"] == "/etc/app/rules.json")
    assert rules["after"] == {
        "type": "file",
        "size": 5400,
        "mode": "4755",
        "uid": 0,
        "gid": 0,
        "digest": samples.digest("rules 2"),
        "link": None,
        "device": None,
        "xattrs": {},
        "mtime": "1795000000000000000",
    }
    assert rules["before"]["mode"] == "0644"
    assert rules["cause"] == "c3"


def test_the_document_is_deterministic_and_plain_json() -> None:
    once = json.dumps(samples.fleet(), ensure_ascii=False, allow_nan=False)
    again = json.dumps(samples.fleet(), ensure_ascii=False, allow_nan=False)
    assert once.encode() == again.encode()


def test_summary_counts_images() -> None:
    assert samples.fleet()["summary"] == {
        "images": 5,
        "status": {"first": 1, "equivalent": 1, "drifted": 1, "broken": 1, "unknown": 1},
        "origins": {"external": 1, "repo": 1, "nondeterminism": 1, "unexplained": 1},
        "flagged": 2,
    }


def test_only_drifted_and_first_are_published() -> None:
    published = {image["status"]: image["publish"] for image in samples.fleet()["images"]}
    expected = {"drifted": True, "equivalent": False, "broken": False, "unknown": False}
    assert published == {**expected, "first": True}


def test_an_event_names_every_image_that_saw_it() -> None:
    document = samples.document_of(samples.drifted("web"), samples.drifted("api"))
    base = document["events"][0]
    assert base == {
        "origin": "external",
        "kind": "base-image",
        "subject": "debian:bookworm-slim",
        "before": samples.digest("base 1"),
        "after": samples.digest("base 2"),
        "images": ["web", "api"],
    }
    assert {event["origin"] for event in document["events"]} == {"external", "unexplained"}


def test_versions_that_images_disagree_on_are_all_listed() -> None:
    results = []
    for name, before in (("web", "1"), ("api", "2"), ("db", "1")):
        cause = Cause("c1", Origin.EXTERNAL, Kind.PACKAGE, "pkg:x/y", Grade.OWNED, before, "3")
        result = samples.quiet(name)
        results.append(dataclasses.replace(result, attribution=Attribution((cause,))))
    (event,) = samples.document_of(*results)["events"]
    assert (event["before"], event["after"]) == ("1, 2", "3")
    assert event["images"] == ["web", "api", "db"]


def test_a_break_is_an_event_and_a_vanished_source_is_named() -> None:
    gone = Failure(FailureKind.SOURCE, "manifest unknown", samples.FROM)
    build = samples.build("old", failure=gone)
    old = ImageResult("old", Status.BROKEN, True, None, build, builds=(build,), error="gone")
    events = samples.document_of(samples.broken(), old)["events"]
    told = [(event["origin"], event["kind"], event["subject"]) for event in events]
    assert told == [
        ("external", "source-unavailable", samples.FROM.text),
        ("unexplained", "broken", "worker"),
    ]


def test_a_broken_images_causes_are_its_events_whoever_did_it() -> None:
    causes = (
        Cause("c1", Origin.EXTERNAL, Kind.SOURCE_UNAVAILABLE, "pkg:deb/debian/curl", Grade.PROVEN),
        Cause("c2", Origin.REPO, Kind.DOCKERFILE, "RUN make install", Grade.PROVEN),
    )
    broken = dataclasses.replace(samples.broken(), attribution=Attribution(causes))
    document = samples.document_of(broken, dataclasses.replace(broken, name="api"))
    assert [(e["kind"], e["subject"], e["images"]) for e in document["events"]] == [
        ("source-unavailable", "pkg:deb/debian/curl", ["worker", "api"]),
        ("dockerfile", "RUN make install", ["worker", "api"]),
    ]


def test_a_failure_says_what_the_log_says() -> None:
    (first, _) = image_document(samples.broken())["builds"]
    assert first["failure"]["reason"] == "compiler"
    assert first["failure"]["line"] == "app.c:7: error: 'SSL_OLD' undeclared"
    assert words.told(first["failure"]) == "compiler: app.c:7: error: 'SSL_OLD' undeclared"
    assert words.told({"message": "of an older run"}) == ""


def test_what_was_not_compared_says_so() -> None:
    unknown = image_document(samples.unknown())
    assert unknown["compared"] is False
    assert unknown["error"] == "registry.example.org: 429 Too Many Requests"
    assert unknown["candidate"]["image_id"] is None
    assert image_document(samples.quiet())["compared"] is True


def test_differences_that_nobody_attributed_are_not_explained() -> None:
    unattributed = dataclasses.replace(samples.drifted(), attribution=None)
    assert image_document(unattributed)["explained"] == {"files": 0.0, "bytes": 0.0}
    for result in (samples.quiet(), samples.first(), samples.unknown()):
        assert image_document(result)["explained"] == {"files": 1.0, "bytes": 1.0}


def test_builds_of_one_role_have_their_own_logs() -> None:
    logs = [build["log"] for build in image_document(samples.broken())["builds"]]
    run = f"runs/{samples.RUN}"
    assert logs == [f"{run}/worker.nightly.log", f"{run}/worker.nightly.2.log"]


def test_trim_drops_metadata_only_entries_and_keeps_their_count() -> None:
    document = samples.fleet()
    trimmed = trim(document)
    changes = {entry["change"] for entry in trimmed["images"][0]["files"]["entries"]}
    assert changes == {"modified", "added"}
    assert trimmed["images"][0]["files"]["metadata_only"] == 1
    assert trim(document, full=True) == document
    assert document == samples.fleet()


def test_a_diff_has_no_run_and_no_origin_but_nondeterminism() -> None:
    document = samples.diff()
    (image,) = document["images"]
    assert document["run"] is None
    assert document["events"] == []
    assert image["flagged"] is True
    assert {cause["origin"] for cause in image["causes"]} == {None, "nondeterminism"}
    assert image["origins"] == ["nondeterminism"]
    assert image["baseline"]["reference"] == "app:1"
    assert image["baseline"]["night"] is None


def test_odd_bytes_and_numbers_are_storable() -> None:
    text = json.dumps(samples.hostile_fleet(), ensure_ascii=False, allow_nan=False)
    text.encode("utf-8")
    (entry,) = json.loads(text)["images"][0]["files"]["entries"]
    assert entry["path"].endswith("\\xff\\xfe\\\\")


def test_images_that_are_the_same_are_not_flagged() -> None:
    document = samples.diff(Status.IDENTICAL)
    assert document["images"][0]["flagged"] is False
    assert document["summary"] == {
        "images": 1,
        "status": {"identical": 1},
        "origins": {},
        "flagged": 0,
    }


def test_each_reference_of_a_moved_base_is_an_event_of_its_own_and_images_keep_their_order() -> (
    None
):
    def moved(name: str, *references: str, accepted: Accepted | None = None) -> ImageResult:
        causes = tuple(
            Cause(
                f"c{number}",
                Origin.EXTERNAL,
                Kind.BASE_IMAGE,
                reference,
                Grade.PROVEN,
                samples.digest("old"),
                samples.digest("new"),
                accepted=accepted,
            )
            for number, reference in enumerate(references)
        )
        return dataclasses.replace(samples.quiet(name), attribution=Attribution(causes))

    known = Accepted(samples.NIGHT, "reviewed")
    events = samples.document_of(
        moved("web", "debian:12", "debian:bookworm"),
        moved("api", "debian:bookworm", accepted=known),
        moved("db", "debian:12"),
    )["events"]
    assert [(event["subject"], event["images"]) for event in events] == [
        ("debian:12", ["web", "db"]),
        ("debian:bookworm", ["web", "api"]),
    ]
    assert all(event["before"] == samples.digest("old") for event in events)


def test_what_is_new_in_one_image_and_older_in_another_is_one_event() -> None:
    results = []
    for name, before, after in (("web", None, "3"), ("api", "2", "3"), ("db", "1", None)):
        cause = Cause("c1", Origin.EXTERNAL, Kind.PACKAGE, "pkg:x/y", Grade.OWNED, before, after)
        result = samples.quiet(name)
        results.append(dataclasses.replace(result, attribution=Attribution((cause,))))
    (event,) = samples.document_of(*results)["events"]
    assert (event["before"], event["after"]) == ("2, 1", "3")
