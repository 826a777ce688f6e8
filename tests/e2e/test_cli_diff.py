"""``drift diff`` on archives, layouts and stored builds: no engine is needed, and none is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from drift.builds import Build, Failure, FailureKind, Role
from drift.report.schema import report_schema
from drift.store.store import Store
from support.command import Drift, drift_process, environment
from support.conformance import assert_conforms
from support.images import (
    Member,
    config_of,
    docker_archive,
    file,
    gzipped,
    oci_members,
    snapshot_of,
    tar,
)

BASE = tar([file("etc/os-release", "ID=debian\n")])
ONE = tar([file("app/main.py", "print(1)\n")])
TWO = tar([file("app/main.py", "print(2)\n"), file("app/new", "x")])
LATER = tar([file("app/main.py", "print(1)\n", mtime=1_800_000_000)])
REF_NAME = "org.opencontainers.image.ref.name"


def archive(path: Path, *layers: bytes, tag: str = "app:1") -> Path:
    path.write_bytes(tar(docker_archive(layers, tags=[tag])))
    return path


def layout(root: Path, members: Sequence[Member]) -> Path:
    for member in members:
        place = root / member.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(member.content)
    return root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "one.tar", BASE, ONE)
    archive(tmp_path / "two.tar", BASE, TWO, tag="app:2")
    archive(tmp_path / "later.tar", BASE, LATER)
    return tmp_path


@pytest.mark.parametrize(
    ("candidate", "code", "status"),
    [("one.tar", 0, "identical"), ("later.tar", 0, "equivalent"), ("two.tar", 1, "drifted")],
)
def test_two_archives(here: Path, drift: Drift, candidate: str, code: int, status: str) -> None:
    ran = drift("diff", "one.tar", candidate, "--format", "json")
    document = json.loads(ran.out)
    (image,) = document["images"]
    assert (ran.code, image["status"], image["flagged"]) == (code, status, code == 1)
    assert document["run"] is None
    assert ran.err == ""


def test_an_archive_through_a_pipe(here: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "drift", "diff", "one.tar", "-", "--format", "json"],
        cwd=here,
        env=environment(),
        input=(here / "two.tar").read_bytes(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert json.loads(ran.stdout)["images"][0]["name"] == "-"


def test_the_document_conforms_and_names_no_origin(here: Path, drift: Drift) -> None:
    import jsonschema

    document = json.loads(drift("diff", "one.tar", "two.tar", "--format", "json").out)
    jsonschema.validate(document, report_schema(closed=True))
    (image,) = document["images"]
    assert image["origins"] == []
    assert {cause["origin"] for cause in image["causes"]} == {None}
    assert (image["files"]["modified"], image["files"]["added"]) == (1, 1)
    assert image["baseline"]["reference"] == "one.tar"
    assert image["candidate"]["build"] is None


def test_an_archive_and_the_same_image_as_a_layout(here: Path, drift: Drift) -> None:
    packed = [gzipped(layer) for layer in (BASE, ONE)]
    layout(here / "layout", oci_members([(packed, config_of([BASE, ONE]), {})]))
    assert drift("diff", "one.tar", "layout/").code == 0
    assert drift("diff", "layout/", "two.tar").code == 1


def test_full_lists_what_differs_in_time_alone(here: Path, drift: Drift) -> None:
    def paths(*options: str) -> list[str]:
        document = json.loads(drift("diff", "one.tar", "later.tar", "-f", "json", *options).out)
        assert document["images"][0]["files"]["metadata_only"] == 1
        return [entry["path"] for entry in document["images"][0]["files"]["entries"]]

    assert paths() == []
    assert paths("--full") == ["/app/main.py"]


def test_texts_that_everybody_may_read_are_shown_as_diffs(here: Path, drift: Drift) -> None:
    def layer(value: str) -> bytes:
        return tar([
            file("app/main.py", f"print({value})\n"),
            file("app/settings.ini", f"api_token = hunter{value}\nname = <b>{value}</b>\n"),
            file("app/private", f"hunter{value}\n", mode=0o640),
            file("app/.env", f"NAME=hunter{value}\n"),
            file("app/key", f"-----BEGIN RSA PRIVATE KEY-----\nhunter{value}\n"),
        ])  # fmt: skip

    archive(here / "old.tar", layer("1"))
    archive(here / "new.tar", layer("2"))
    document = json.loads(drift("diff", "old.tar", "new.tar", "-f", "json").out)
    assert_conforms(document)
    entries = {
        entry["path"]: entry.get("diff") for entry in document["images"][0]["files"]["entries"]
    }
    assert len(entries) == 5
    assert entries["/app/main.py"] == "@@ -1 +1 @@\n-print(1)\n+print(2)"
    assert {path for path, diff in entries.items() if diff} == {"/app/main.py", "/app/settings.ini"}
    page = drift("diff", "old.tar", "new.tar", "-f", "html").out
    assert "hunter" not in page
    assert '<span class="ins">+print(2)</span>' in page
    assert "&lt;b&gt;2&lt;/b&gt;" in page
    assert "here the two images part" in page


def test_no_content_is_shown_where_drift_toml_says_so(here: Path, drift: Drift) -> None:
    (here / "Dockerfile").write_text("FROM scratch\n")
    (here / "drift.toml").write_text('[report]\ncontents = false\n[[image]]\nname = "app"\n')
    assert '"diff"' not in drift("diff", "one.tar", "two.tar", "--format", "json").out
    (here / "drift.toml").write_text("wrong")
    ran = drift("diff", "one.tar", "two.tar", "--format", "json")
    assert (ran.code, '"diff"' in ran.out) == (1, False)
    assert "no content of files is shown: " in ran.err


@pytest.mark.parametrize("form", ["text", "markdown", "html", "github", "junit"])
def test_every_format_and_a_file(here: Path, drift: Drift, form: str) -> None:
    printed = drift("diff", "one.tar", "two.tar", "--format", form)
    written = drift("diff", "one.tar", "two.tar", "--format", form, "--output", "report")
    assert (printed.code, written.code, written.out) == (1, 1, "")
    assert (here / "report").read_text() == printed.out != ""


def test_an_archive_of_several_images_needs_a_choice(here: Path, drift: Drift) -> None:
    images = [
        ([BASE, ONE], config_of([BASE, ONE]), {REF_NAME: "app:1"}),
        ([BASE, TWO], config_of([BASE, TWO]), {REF_NAME: "app:2"}),
    ]
    (here / "both.tar").write_bytes(tar(oci_members(images)))
    ran = drift("diff", "one.tar", "both.tar")
    assert (ran.code, ran.out) == (2, "")
    assert "app:1" in ran.err
    assert "app:2" in ran.err
    assert "ARCHIVE#REFERENCE" in ran.err
    assert drift("diff", "one.tar", "both.tar#app:1").code == 0
    assert drift("diff", "one.tar", "both.tar#app:2").code == 1
    assert drift("diff", "both.tar#app:1", "both.tar#app:2").code == 1
    assert drift("diff", "one.tar", "both.tar#app:3").code == 2


def test_an_archive_of_several_platforms_needs_a_choice(here: Path, drift: Drift) -> None:
    arm = json.loads(config_of([BASE, TWO]))
    arm["architecture"] = "arm64"
    images: list[Any] = [
        ([BASE, ONE], config_of([BASE, ONE]), {}),
        ([BASE, TWO], json.dumps(arm).encode(), {}),
    ]
    (here / "multi.tar").write_bytes(tar(oci_members(images)))
    ran = drift("diff", "one.tar", "multi.tar")
    assert ran.code == 2
    assert "linux/amd64" in ran.err
    assert "linux/arm64" in ran.err
    assert drift("diff", "one.tar", "multi.tar", "--platform", "linux/amd64").code == 0
    assert drift("diff", "one.tar", "multi.tar", "--platform", "linux/s390x").code == 2


@pytest.mark.parametrize("kept", [0, 100, 2048, 5000])
def test_a_truncated_archive_is_a_2_that_names_the_file(
    here: Path, drift: Drift, kept: int
) -> None:
    (here / "cut.tar").write_bytes((here / "one.tar").read_bytes()[:kept])
    ran = drift("diff", "one.tar", "cut.tar")
    assert (ran.code, ran.out) == (2, "")
    assert "cut.tar" in ran.err


def test_a_layer_that_is_not_its_diff_id_is_a_2(here: Path, drift: Drift) -> None:
    members = docker_archive([BASE, ONE], packed=[BASE, TWO])
    (here / "forged.tar").write_bytes(tar(members))
    ran = drift("diff", "one.tar", "forged.tar")
    assert (ran.code, ran.out) == (2, "")
    assert "forged.tar: layer 1 is not what" in ran.err


def test_a_path_wins_over_a_reference_and_says_so(here: Path, drift: Drift) -> None:
    (here / "registry").mkdir()
    archive(here / "registry" / "app", BASE, ONE)
    ran = drift("diff", "one.tar", "registry/app")
    assert ran.code == 0
    assert "registry/app is read as the path that is here" in ran.err


def test_a_bare_name_is_the_engines(here: Path, drift: Drift) -> None:
    archive(here / "app", BASE, ONE)
    ran = drift("diff", "one.tar", "app")
    assert ran.code == 2
    assert "no engine answers" in ran.err
    assert drift("diff", "one.tar", "./app").code == 0


def test_a_name_with_a_hash_sign_is_a_file_where_one_is_there(here: Path, drift: Drift) -> None:
    archive(here / "build#7.tar", BASE, ONE)
    assert drift("diff", "one.tar", "build#7.tar").code == 0


@pytest.mark.parametrize("missing", ["./no.tar", "/no/such.tar", "../no.tar"])
def test_a_path_that_is_not_there(here: Path, drift: Drift, missing: str) -> None:
    ran = drift("diff", missing, "one.tar")
    assert ran.code == 2
    assert f"{missing}: there is no such file" in ran.err


def test_a_directory_that_is_no_layout(here: Path, drift: Drift) -> None:
    (here / "src").mkdir()
    ran = drift("diff", "one.tar", "./src")
    assert (ran.code, ran.out) == (2, "")
    assert "src: not an OCI layout" in ran.err


def build(store: Store, night: date, *members: Member) -> Build:
    layers = [[file("etc/os-release", "ID=debian\n")], list(members)]
    run = f"{night:%Y%m%d}T021500Z-7f3a1c"
    snapshot = snapshot_of(layers, store.layers) if members else None
    failure = None if members else Failure(FailureKind.STEP, "RUN make: exit status 2")
    moment = datetime(night.year, night.month, night.day, tzinfo=UTC)
    made = Build(
        id=f"{run}-web-nightly",
        image="web",
        run=run,
        night=night,
        role=Role.NIGHTLY,
        reason="tonight",
        started_at=moment,
        seconds=1.0,
        snapshot=snapshot,
        failure=failure,
    )
    store.begin_run(run, night, moment, None)
    store.save_image(run, "web", {"status": "first", "flagged": False}, [made], {})
    store.finish_run(run, moment)
    return made


def test_builds_of_the_store_by_their_ids(here: Path, drift: Drift) -> None:
    (here / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "."\n')
    (here / "Dockerfile").write_text("FROM scratch\n")
    with Store.open(f"sqlite:///{here}/.drift/drift.db") as store:
        one = build(store, date(2026, 11, 21), file("app/main.py", "print(1)\n"))
        two = build(store, date(2026, 11, 22), file("app/main.py", "print(2)\n"))
        failed = build(store, date(2026, 11, 23))
    ran = drift("diff", one.id, two.id, "--format", "json")
    (image,) = json.loads(ran.out)["images"]
    assert (ran.code, image["status"]) == (1, "drifted")
    assert (image["baseline"]["build"], image["baseline"]["night"]) == (one.id, "2026-11-21")
    assert drift("diff", one.id, one.id).code == 0
    assert drift("diff", one.id, "one.tar").code == 0
    assert drift("diff", "two.tar", one.id).code == 1
    ran = drift("diff", one.id, failed.id)
    assert ran.code == 2
    assert "gave no image: RUN make: exit status 2" in ran.err


def test_a_comparison_leaves_nothing_behind(here: Path, drift: Drift) -> None:
    (here / "Dockerfile").write_text("FROM scratch\n")
    (here / "drift.toml").write_text('[[image]]\nname = "web"\ncontext = "."\n')
    before = sorted(here.iterdir())
    assert drift("diff", "one.tar", "two.tar").code == 1
    ran = drift("diff", "one.tar", "some:tag")
    assert ran.code == 2
    assert "no engine answers" in ran.err
    assert sorted(here.iterdir()) == before


def test_as_a_process_of_its_own_in_an_ascii_locale(here: Path) -> None:
    archive(here / "ü.tar", BASE, TWO)
    ran = drift_process(
        "diff",
        "one.tar",
        "ü.tar",
        cwd=here,
        environ={"PYTHONIOENCODING": "ascii", "DOCKER_HOST": "unix:///nowhere"},
    )
    assert ran.returncode == 1
    assert b"\\xfc.tar" in ran.stdout
    assert ran.stderr == b""


def test_odd_entries_make_a_document_that_conforms(here: Path, drift: Drift) -> None:
    """What tar can say and no file system would: all of it fits the published schema."""
    for name, text in (("odd.tar", "1"), ("odder.tar", "2")):
        layer = tar(
            [
                file("negative", text, pax={"uid": "-5", "gid": "-1"}),
                file("early", text, pax={"mtime": "-1.5"}),
                file("bits", text, mode=0o7777),
                file("bytes-\udcff\\", text),
                file("capable", text, pax={"SCHILY.xattr.security.capability": "\x01\x02"}),
                Member("device", kind=b"3", device=(1, int(text))),
                Member("link", kind=b"2", link=f"../\x1b/{text}"),
            ],
            layout=1,
        )
        archive(here / name, BASE, layer)
    ran = drift("diff", "odd.tar", "odder.tar", "--format", "json", "--full")
    document = json.loads(ran.out)
    assert_conforms(document)
    assert ran.code == 1
    paths = [entry["path"] for entry in document["images"][0]["files"]["entries"]]
    assert "/bytes-\\xff\\\\" in paths
    assert len(paths) == 7
    assert not {"\x1b", "\x01"} & set(ran.out)
