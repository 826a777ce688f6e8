"""Secrets reach the build and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import docker

from drift.store.store import Store
from support.nights import APP, simple
from support.project import Project


def stored_texts(project: Project) -> list[str]:
    """Everything that the store remembers of builds and runs, unpacked."""
    with Store.open(f"sqlite:///{project.root}/.drift/drift.db") as store:
        builds = store.builds("app")
        texts = [repr(build) for build in builds]
        texts += [store.log(build.id) or "" for build in builds]
        texts += [json.dumps(found.images) for r in store.runs(9) if (found := store.run(r.id))]
    assert len(texts) == 6
    assert any("cat /run/secrets/token" in text for text in texts), "logs are stored"
    return texts


SECRET = "s3cr3t-value-of-this-test"
ARGUMENT = "4rgument-value-of-this-test"


def test_secret_mounts_and_variables_are_written_down_nowhere(
    project: Project, small_image: str, api: docker.APIClient
) -> None:
    if project.builder == "classic":
        project.builder = "auto"  # a Dockerfile that mounts a secret needs BuildKit, and gets it
    project.environment |= {"APP_SECRET": SECRET, "APP_ARGUMENT": ARGUMENT}
    project.configure(
        APP
        + 'secrets = [{ id = "token", env = "APP_SECRET" }]\n'
        + 'args = { GIVEN = "${APP_ARGUMENT}" }\n'
    )
    files = simple(small_image)
    files["app/Dockerfile"] += """\
            ARG GIVEN
            ENV KEPT=$GIVEN
            RUN --mount=type=secret,id=token,required=true \\
                cat /run/secrets/token && echo "$GIVEN" && test -s /run/secrets/token
    """
    project.commit(files)
    nights = [project.check(), project.check()]
    assert [night.code for night in nights] == [0, 0], nights[1].stderr
    image = nights[1].image()
    assert image["status"] in ("identical", "equivalent")
    reference = f"drift.local/app:{image['candidate']['build']}"
    history = json.dumps(api.history(reference)) + json.dumps(api.inspect_image(reference))
    assert SECRET not in history
    texts = stored_texts(project)
    texts += [night.stderr + json.dumps(night.document) for night in nights]
    for command in (["report"], ["history"], ["explain", "app"], ["report", "--format", "html"]):
        texts.append("".join(map(str, project.drift(*command))))
    written = [
        path.read_bytes()
        for path in Path(project.root).rglob("*")
        if path.is_file() and ".git/" not in str(path)
    ]
    for value in (SECRET, ARGUMENT):
        assert not any(value in text for text in texts)
        assert not any(value.encode() in content for content in written)


def test_a_required_secret_that_is_not_given_is_unknown_with_its_line(
    project: Project, small_image: str
) -> None:
    project.builder = "auto"
    project.configure(APP)
    files = simple(small_image)
    files["app/Dockerfile"] += (
        "            RUN --mount=type=secret,id=token,required=true cat /run/secrets/token\n"
    )
    project.commit(files)
    night = project.check()
    image = night.image()
    assert (night.code, image["status"], image["flagged"]) == (2, "unknown", False)
    assert "line 5" in image["error"]
    assert "token" in image["error"]
    assert image["builds"][0]["seconds"] == 0


def test_a_secret_that_is_not_given_any_more_is_named_and_blames_nobody_else(
    project: Project, small_image: str
) -> None:
    """BuildKit goes on without it, and the command that reads it fails."""
    project.builder = "auto"
    project.environment |= {"APP_SECRET": SECRET}
    project.configure(APP + 'secrets = [{ id = "token", env = "APP_SECRET" }]\n')
    files = simple(small_image)
    files["app/Dockerfile"] += (
        "            RUN --mount=type=secret,id=token test -s /run/secrets/token\n"
    )
    project.commit(files)
    assert project.check().code == 0
    project.configure(APP)
    night = project.check()
    image = night.image()
    assert (night.code, image["status"]) == (1, "broken")
    (cause,) = image["causes"]
    assert cause["origin"] == "unexplained"
    assert "drift.toml does not give token any more" in " ".join(cause["evidence"])
    assert "it mounts the secret 'token', which drift.toml does not give" in image["error"]
