"""Nights in which something moved in a builder stage, and came with ``COPY --from``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drift.demo.debs import Deb, write_archive
from drift.demo.servers import free_port, web_server
from support.nights import APP
from support.project import Bases, Project

GREETING = "pkg:deb/debian/greeting"
ON_HOST = APP + 'network = "host"\n'


@dataclass
class Archive:
    """A package archive with one package, which a test publishes anew at will."""

    folder: Path
    url: str

    def publish(self, version: str) -> None:
        content = f"#!/bin/sh\necho {version}\n".encode()
        write_archive(self.folder, [Deb("greeting", version, {"/usr/bin/greeting": content})])


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    folder = tmp_path / "archive"
    folder.mkdir()
    with web_server(folder, free_port(0)) as url:
        made = Archive(folder, url)
        made.publish("1.4.2")
        yield made


def built_with(archive: Archive, base: str, final: str) -> dict[str, str]:
    """A tool that a stage makes of a package and of the context; it comes with the package's own.

    A second stage stands between the two, and copies what the first made.
    """
    return {
        "app/Dockerfile": f"""\
            FROM {base} AS build
            RUN echo 'deb [trusted=yes] {archive.url} ./' > /etc/apt/sources.list && \\
                apt-get update && apt-get install -y --no-install-recommends greeting
            COPY notes.txt /src/notes.txt
            RUN mkdir /out && sed s/echo/print/ /usr/bin/greeting > /out/tool && echo x > /out/same
            FROM {final} AS collect
            COPY --from=build /out /collected
            FROM {final}
            COPY --from=collect /collected/ /opt/tool/
            COPY --from=build /usr/bin/greeting /usr/local/bin/
        """,
        "app/notes.txt": "one\n",
    }


def test_a_package_of_the_builder_stage_moved(
    project: Project, archive: Archive, base_image: str, small_image: str
) -> None:
    project.configure(ON_HOST)
    project.commit(built_with(archive, base_image, small_image))
    assert project.check().image()["status"] == "first"
    quiet = project.check()
    archive.publish("1.4.3")
    night = project.check()
    assert (quiet.image()["status"], quiet.causes()) == ("equivalent", [])
    assert night.code == 1
    assert night.causes() == [("external", "package", GREETING)]
    assert night.changed() == {"/opt/tool/tool": "package", "/usr/local/bin/greeting": "package"}
    (cause,) = night.image()["causes"]
    assert (cause["before"], cause["after"], cause["grade"]) == ("1.4.2", "1.4.3", "owned")
    assert (cause["instruction"]["stage"], cause["instruction"]["line"]) == ("build", 2)
    assert "copied from stage collect: /collected/" in cause["evidence"]
    assert "copied from stage build: /usr/bin/greeting" in cause["evidence"]
    assert night.image()["explained"] == {"files": 1.0, "bytes": 1.0}


def test_the_package_and_the_repository_moved_in_one_night(
    project: Project, archive: Archive, base_image: str, small_image: str
) -> None:
    project.configure(ON_HOST)
    project.commit(built_with(archive, base_image, small_image))
    project.check()
    archive.publish("1.4.3")
    project.commit({"app/notes.txt": "two\n"})
    night = project.check()
    assert night.code == 1
    assert night.causes() == [("external", "package", GREETING)]
    roles = [build["role"] for build in night.image()["builds"]]
    assert roles == ["nightly", "replay", "control"]
    assert set(night.changed()) == {"/opt/tool/tool", "/usr/local/bin/greeting"}


def test_the_repository_chose_another_version_in_its_stage(
    project: Project, archive: Archive, base_image: str, small_image: str
) -> None:
    project.configure(ON_HOST)
    files = built_with(archive, base_image, small_image)
    project.commit(files)
    project.check()
    edited = files["app/Dockerfile"].replace("s/echo/print/", "s/echo/shout/")
    project.commit({"app/Dockerfile": edited})
    night = project.check()
    assert night.code == 0
    assert [cause[:2] for cause in night.causes()] == [("repo", "dockerfile")]
    assert set(night.changed()) == {"/opt/tool/tool"}


def test_the_base_of_the_builder_stage_moved(
    project: Project, bases: Bases, small_image: str
) -> None:
    base = bases.publish("stage-base", "1")
    project.configure(APP)
    project.commit(
        {
            "app/Dockerfile": f"""\
                FROM {base} AS tools
                RUN cat /etc/release > /made && echo x > /same
                FROM {small_image}
                COPY --from=tools /made /same /app/
                COPY --from=tools /etc/release /app/release
            """
        }
    )
    project.check()
    bases.publish("stage-base", "2")
    night = project.check()
    assert night.code == 1
    assert night.causes() == [("external", "base-image", base)]
    assert night.changed() == {"/app/made": "base-image", "/app/release": "base-image"}
    evidence = night.image()["causes"][0]["evidence"]
    assert any("made the file" in sentence for sentence in evidence)


def test_noise_of_a_builder_stage_is_nobodys_doing(project: Project, small_image: str) -> None:
    project.configure(APP)
    project.commit(
        {
            "app/Dockerfile": f"""\
                FROM {small_image} AS tools
                RUN head -c 64 /dev/urandom > /made
                FROM {small_image}
                COPY --from=tools /made /app/made
            """
        }
    )
    project.check()
    night = project.check()
    assert night.code == 0
    assert {cause[0] for cause in night.causes()} == {"nondeterminism"}


def test_a_url_of_the_builder_stage_moved(
    project: Project, tmp_path: Path, small_image: str
) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "data.txt").write_text("one\n")
    project.configure(ON_HOST)
    with web_server(folder, free_port(0)) as url:
        project.commit(
            {
                "app/Dockerfile": f"""\
                    FROM {small_image} AS fetch
                    ADD {url}/data.txt /data.txt
                    RUN cat /data.txt /data.txt > /twice && echo x > /same
                    FROM {small_image}
                    COPY --from=fetch /twice /same /app/
                    COPY --from=fetch /data.txt /app/
                """
            }
        )
        project.check()
        (folder / "data.txt").write_text("another\n")
        night = project.check()
    assert night.code == 1
    assert night.causes() == [("external", "remote-content", f"{url}/data.txt")]
    assert night.changed() == {
        "/app/data.txt": "remote-content",
        "/app/twice": "remote-content",
    }
    assert night.image()["causes"][0]["instruction"]["stage"] == "fetch"
