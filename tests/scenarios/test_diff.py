"""``drift diff``: any two images, wherever they are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from support.conformance import assert_conforms
from support.contexts import tar_context
from support.project import Project

ONE, TWO = "drift-test/diff:one", "drift-test/diff:two"


@pytest.fixture
def tags(api: docker.APIClient, small_image: str) -> Iterator[None]:
    """Two images that differ in one file and one variable."""
    for tag, text in ((ONE, "1"), (TWO, "2")):
        dockerfile = f"FROM {small_image}\nENV RELEASE={text}\nCOPY file /app/file\n"
        context = tar_context({"Dockerfile": dockerfile, "file": text})()
        for line in api.build(fileobj=context, custom_context=True, tag=tag, decode=True, rm=True):
            assert "error" not in line, line
    yield
    for tag in (ONE, TWO):
        api.remove_image(tag)


@pytest.fixture
def archive(api: docker.APIClient, tags: None, tmp_path: Path) -> Path:
    """What ``docker save`` writes of the first image."""
    path = tmp_path / "one.tar"
    with path.open("wb") as target:
        for chunk in api.get_image(ONE):
            target.write(chunk)
    return path


@pytest.fixture
def oci_archive(archive: Path) -> Path:
    """The same image in OCI layout, its layers compressed."""
    path = archive.with_name("oci.tar")
    command = ["skopeo", "copy", "-q", f"docker-archive:{archive}", f"oci-archive:{path}:one"]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def builder() -> str:
    return "classic"


def diff(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    project.environment["DOCKER_HOST"] = project.host
    code, out, err = project.drift("diff", "--format", "json", *arguments)
    assert out, err
    document = json.loads(out)
    assert_conforms(document)
    return code, document


def test_two_tags(project: Project, tags: None) -> None:
    code, document = diff(project, ONE, TWO)
    image = document["images"][0]
    assert (code, document["run"], image["status"], image["flagged"]) == (1, None, "drifted", True)
    assert [entry["path"] for entry in image["files"]["entries"]] == ["/app/file"]
    assert [field["field"] for field in image["config"]] == ["Env.RELEASE"]
    assert {cause["origin"] for cause in image["causes"]} == {None}


def test_a_tag_and_itself(project: Project, tags: None) -> None:
    code, document = diff(project, ONE, ONE)
    assert (code, document["images"][0]["status"]) == (0, "identical")


def test_an_image_and_its_saved_archive(project: Project, archive: Path) -> None:
    code, document = diff(project, ONE, str(archive))
    assert (code, document["images"][0]["status"]) == (0, "identical")


def test_an_archive_in_oci_layout(project: Project, archive: Path, oci_archive: Path) -> None:
    code, document = diff(project, ONE, str(oci_archive))
    assert (code, document["images"][0]["status"]) == (0, "identical")
    code, document = diff(project, str(oci_archive), TWO)
    assert (code, document["images"][0]["files"]["modified"]) == (1, 1)


def test_an_archive_that_is_cut_short(project: Project, archive: Path) -> None:
    cut = archive.with_name("cut.tar")
    cut.write_bytes(archive.read_bytes()[:-20_000])
    code, out, err = project.drift("diff", str(archive), str(cut))
    assert (code, out) == (2, "")
    assert "cut.tar" in err
    assert "truncated" in err


def test_an_archive_of_several_images_needs_a_choice(
    project: Project, api: docker.APIClient, archive: Path
) -> None:
    both = archive.with_name("both.tar")
    save = ("/images/get", {"names": [ONE, TWO]})
    url = f"{api.base_url}/v{api.api_version}{save[0]}"
    both.write_bytes(api.get(url, params=save[1], timeout=60).content)
    code, out, err = project.drift("diff", str(archive), str(both))
    assert (code, out) == (2, "")
    assert ONE in err
    assert TWO in err
    code, document = diff(project, str(archive), f"{both}#{ONE}")
    assert (code, document["images"][0]["status"]) == (0, "identical")
    code, document = diff(project, str(archive), f"{both}#{TWO}")
    assert (code, document["images"][0]["status"]) == (1, "drifted")
