"""The comment on a pull request: one, on the right one, from an artifact that is not believed."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drift.errors import PublishError
from drift.publish.github import artifact, comment
from drift.publish.github.artifact import parsed, reports_of
from drift.publish.github.comment import finished, keep, pull_request, text
from support.github import BOT, Fault, Github, client_of, running_github, zipped
from support.report_samples import fleet, hostile_fleet
from unit.publish.test_github_plan import without_code

RUN = 77


@pytest.fixture
def github() -> Iterator[Github]:
    with running_github() as github:
        yield github


def event(**more: Any) -> dict[str, Any]:
    run = {
        "id": RUN,
        "event": "pull_request",
        "head_sha": "a" * 40,
        "head_branch": "patch-1",
        "head_repository": {"id": 9, "owner": {"login": "mallory"}},
        "html_url": "https://github.example/acme/fleet/actions/runs/77",
        "pull_requests": [],  # as GitHub has it for forks
    }
    return {"workflow_run": {**run, **more}}


def told(directory: Path, **more: Any) -> comment.Finished:
    path = directory / "event.json"
    path.write_text(json.dumps(event(**more)))
    return finished(path)


def pull(number: int, sha: str = "a" * 40, repository: int | None = 9) -> dict[str, Any]:
    repo = {"id": repository} if repository else {"id": 0}
    return {"number": number, "head": {"sha": sha, "repo": repo}, "label": "mallory:patch-1"}


def packed(document: Any) -> bytes:
    return zipped({"drift.json": json.dumps(document).encode()})


def test_the_pull_request_is_the_one_whose_head_was_checked(github: Github, tmp_path: Path) -> None:
    run = told(tmp_path)
    other = {**pull(4), "label": "acme:patch-1"}
    github.pulls = [other, pull(5, sha="b" * 40), pull(6, repository=8), pull(7)]
    assert pull_request(client_of(github), run) == 7


def test_a_pull_request_that_has_moved_on_is_not_commented(github: Github, tmp_path: Path) -> None:
    github.pulls = [pull(7, sha="b" * 40)]
    assert pull_request(client_of(github), told(tmp_path)) is None


@pytest.mark.parametrize(
    "event_file",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps(event(event="push")).encode(),
        json.dumps(event(head_repository=None)).encode(),
        json.dumps(event(id="x")).encode(),
    ],
)
def test_an_event_of_something_else_is_refused(tmp_path: Path, event_file: bytes) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(event_file)
    with pytest.raises(PublishError):
        finished(path)
    with pytest.raises(PublishError):
        finished(tmp_path / "absent.json")


def test_there_is_one_comment_and_it_is_kept(github: Github, tmp_path: Path) -> None:
    github.add_comment(7, f"{comment.MARKER}\nmine!", login="mallory")
    github.add_comment(7, f"quoting {comment.MARKER}")
    run, client = told(tmp_path), client_of(github)
    body = text({"drift": fleet()}, run)
    assert keep(client, 7, body, BOT) == "written"
    assert keep(client, 7, body, BOT) == "unchanged"
    assert keep(client, 7, text({"drift": hostile_fleet()}, run), BOT) == "changed"
    assert len(github.comments) == 3
    assert github.said(7)[0].endswith("mine!")
    assert run.url in github.said(7)[2]


def test_a_comment_whose_answer_is_lost_is_not_written_twice(
    github: Github, tmp_path: Path
) -> None:
    github.faults = [Fault(502, method="POST", done=True)]
    keep(client_of(github), 7, text({"drift": fleet()}, told(tmp_path)), BOT)
    assert len(github.comments) == 1


def test_our_comment_is_found_behind_hundreds(github: Github, tmp_path: Path) -> None:
    for number in range(250):
        github.add_comment(7, f"comment {number}", login="someone")
    body = text({"drift": fleet()}, told(tmp_path))
    assert keep(client_of(github), 7, body, BOT) == "written"
    assert keep(client_of(github), 7, body, BOT) == "unchanged"


def test_the_report_is_the_newest_artifact_of_the_run(github: Github) -> None:
    github.add_artifact(RUN, packed({"old": 1}))
    github.add_artifact(RUN, packed({"other": 1}), name="something-else")
    github.add_artifact(RUN, packed(fleet()))
    github.add_artifact(RUN, packed({"gone": 1}), expired=True)
    found, whole = reports_of(client_of(github), RUN)["drift"], json.loads(json.dumps(fleet()))
    assert [image["causes"] for image in found["images"]] == [
        image["causes"] for image in whole["images"]
    ]
    assert found["summary"] == whole["summary"]


def test_a_run_may_leave_no_report(github: Github) -> None:
    github.add_artifact(RUN, packed(fleet()), name="something-else")
    assert reports_of(client_of(github), RUN) == {}


def test_each_fleet_of_a_workflow_has_its_part_of_the_comment(
    github: Github, tmp_path: Path
) -> None:
    github.add_artifact(RUN, packed(fleet()), name="web`@acme`-pull-request")
    github.add_artifact(RUN, packed(hostile_fleet()), name="drift-pull-request")
    reports = reports_of(client_of(github), RUN)
    assert list(reports) == ["drift", "web`@acme`"]
    body = text(reports, told(tmp_path))
    assert body.count("### Fleet ") == 2
    assert "@" not in without_code(body.partition("\n")[2])
    assert "### Fleet" not in text({"drift": fleet()}, told(tmp_path))
    for number in range(artifact.MOST):
        github.add_artifact(RUN, packed(fleet()), name=f"{number}-pull-request")
    with pytest.raises(PublishError, match="more than 20 reports"):
        reports_of(client_of(github), RUN)


def test_an_artifact_is_not_larger_than_it_may_be(
    github: Github, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.add_artifact(RUN, b"", size_in_bytes=1 << 40)
    with pytest.raises(PublishError, match="larger"):
        reports_of(client_of(github), RUN)
    assert len(github.requests) == 1  # nothing was downloaded
    monkeypatch.setattr(artifact, "PACKED", 1000)
    github.add_artifact(78, b"x" * 5000, size_in_bytes=10)  # its size is not what GitHub said
    with pytest.raises(PublishError, match="larger"):
        reports_of(client_of(github), 78)


def bomb() -> bytes:
    return zipped({"drift.json": b" " * (artifact.WHOLE + 1)})


def lying() -> bytes:
    """An archive whose member says that it is small."""
    archive = bytearray(bomb())
    place = archive.rfind(b"PK\x01\x02")
    archive[place + 24 : place + 28] = struct.pack("<I", 100)
    return bytes(archive)


def encrypted() -> bytes:
    archive = bytearray(packed(fleet()))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = archive.find(signature)
        archive[place + offset] |= 1
    return bytes(archive)


def damaged() -> bytes:
    archive = bytearray(packed(fleet()))
    archive[60:90] = bytes(30)
    return bytes(archive)


def outside() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../drift.json", json.dumps(fleet()))
    return file.getvalue()


def with_image(**more: Any) -> dict[str, Any]:
    document = fleet()
    document["images"][0].update(more)
    return document


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04no", id="no archive"),
        pytest.param(bomb(), id="bomb"),
        pytest.param(lying(), id="bomb that lies"),
        pytest.param(encrypted(), id="encrypted"),
        pytest.param(damaged(), id="damaged"),
        pytest.param(outside(), id="another name"),
        pytest.param(zipped({"drift.json": b"\xff"}), id="no text"),
        pytest.param(zipped({"drift.json": b"[" * 100_000}), id="deep"),
        pytest.param(zipped({"drift.json": b'{"a":' + b"9" * 5000 + b"}"}), id="long number"),
        pytest.param(packed([]), id="a list"),
        pytest.param(packed({**fleet(), "schema_version": 2}), id="another version"),
        pytest.param(packed({**fleet(), "images": 5}), id="wrong type"),
        pytest.param(packed(with_image(status="@everyone")), id="a status of its own"),
        pytest.param(packed(with_image(explained={"files": float("nan"), "bytes": 1})), id="NaN"),
        pytest.param(packed({**fleet(), "images": fleet()["images"] * 300}), id="many images"),
    ],
)
def test_what_is_no_report_is_refused(archive: bytes) -> None:
    with pytest.raises(PublishError) as refused:
        parsed(archive)
    assert len(refused.value.message) < 200
    assert refused.value.message.isascii()


def test_a_hostile_report_is_shown_as_code(tmp_path: Path) -> None:
    document = parsed(packed(hostile_fleet()))
    body = text({"drift": document}, told(tmp_path))
    outside = without_code(body.partition("\n")[2])
    assert not any(sign in outside for sign in ("@", "#1", "<script", "<img", "](java"))
    assert "evil.example" not in outside
    assert len(body) <= 65_536
