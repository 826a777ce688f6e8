"""Nights in which something moved in a stage or an image that a RUN has mounted (BuildKit)."""

from __future__ import annotations

from typing import Any

import pytest

from support.nights import APP
from support.project import Bases, Project


@pytest.fixture
def builder() -> str:
    return "buildkit"


def dockerfile(base: str, final: str) -> dict[str, Any]:
    """Of one stage a file is copied by a RUN, and another is made from what is mounted."""
    return {
        "app/Dockerfile": f"""\
            FROM {base} AS build
            RUN mkdir /out && cat /etc/release > /out/tool && echo x > /out/same
            FROM {final}
            RUN --mount=type=bind,from=build,source=/out,target=/mnt \\
                mkdir /app && cp /mnt/tool /mnt/same /app/
            RUN --mount=from=build,target=/mnt cat /mnt/out/tool /mnt/out/tool > /app/twice
        """
    }


def test_the_base_of_a_mounted_stage_moved(
    project: Project, bases: Bases, small_image: str
) -> None:
    base = bases.publish("mounted-base", "1")
    project.configure(APP)
    project.commit(dockerfile(base, small_image))
    project.check()
    quiet = project.check()
    bases.publish("mounted-base", "2")
    night = project.check()
    assert quiet.causes() == []
    assert night.code == 1
    assert night.causes() == [("external", "base-image", base)]
    assert night.changed() == {"/app/tool": "base-image", "/app/twice": "base-image"}


def test_an_edit_of_a_mounted_stage(project: Project, bases: Bases, small_image: str) -> None:
    base = bases.publish("mounted-base", "1")
    project.configure(APP)
    files = dockerfile(base, small_image)
    project.commit(files)
    project.check()
    edited = files["app/Dockerfile"].replace("cat /etc/release >", "tac /etc/release >")
    project.commit({"app/Dockerfile": edited.replace("tac", "cat /etc/release")})
    night = project.check()
    assert night.code == 0
    assert {cause[0] for cause in night.causes()} == {"repo"}
    assert set(night.changed()) == {"/app/tool", "/app/twice"}


def test_a_mounted_image_moved(project: Project, bases: Bases, small_image: str) -> None:
    base = bases.publish("mounted-image", "1")
    project.configure(APP)
    project.commit(
        {
            "app/Dockerfile": f"""\
                FROM {small_image}
                RUN --mount=from={base},target=/mnt mkdir /app && cat /mnt/etc/release > /app/made
            """
        }
    )
    project.check()
    bases.publish("mounted-image", "2")
    night = project.check()
    assert night.code == 1
    assert night.causes() == [("external", "base-image", base)]
    assert night.changed() == {"/app/made": "base-image"}
