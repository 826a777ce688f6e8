"""Fixtures for tests against a real engine; a conftest imports the names that it wants.

Nothing is ever skipped: where no engine answers, the tests fail and say what to do.
What a session makes in the engine has names of its own, and is removed at its end.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from support.own_engine import as_root, running_engine
from support.project import Bases, Project, import_image, small_root
from support.registry import running_registry

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
BASE_IMAGE = "drift-test/base:bookworm"


@pytest.fixture(scope="session")
def engine_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The engine under test: DRIFT_TEST_HOST, else DOCKER_HOST, else the usual socket.

    Tests look at all that an engine holds, so no two may use one at once: of workers that run
    beside each other (``pytest -n``) the first has that one, and each other one an engine of
    its own.
    """
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        place = tmp_path_factory.mktemp("engine")
        with running_engine(place) as engine:
            yield engine.host
        subprocess.run(as_root("rm", "-rf", place), check=False)
        return
    yield (
        os.environ.get("DRIFT_TEST_HOST")
        or os.environ.get("DOCKER_HOST")
        or "unix:///var/run/docker.sock"
    )


@pytest.fixture(scope="session")
def api(engine_host: str) -> Iterator[docker.APIClient]:
    """The library's own client, for looking at the engine behind drift's back."""
    try:
        client = docker.APIClient(base_url=engine_host, version="auto", timeout=300)
    except DockerException as error:
        pytest.fail(
            f"no engine answers at {engine_host} ({error}): run `make test`, which starts one, "
            "or set DRIFT_TEST_HOST",
            pytrace=False,
        )
    yield client
    client.close()


def base_tar() -> Path:
    """The base's root file system as a tar; made by mmdebstrap where nobody has made it."""
    path = Path(os.environ.get("DRIFT_TEST_BASE") or REPOSITORY_ROOT / ".work" / "base.tar")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.tar")
        subprocess.run(["mmdebstrap", "--variant=minbase", "bookworm", partial], check=True)
        partial.rename(path)
    return path


@pytest.fixture(scope="session")
def base_image(api: docker.APIClient) -> str:
    """A Debian root file system, as an image that only this engine has.

    It stays in the engine after the session: importing it takes seconds, and other
    sessions may be using it.
    """
    try:
        api.inspect_image(BASE_IMAGE)
    except ImageNotFound:
        repository, _, tag = BASE_IMAGE.partition(":")
        with base_tar().open("rb") as tar:
            url = f"{api.base_url}/v{api.api_version}/images/create"
            params = {"fromSrc": "-", "repo": repository, "tag": tag}
            answer = api.post(url, params=params, data=tar, timeout=600)
        answer.raise_for_status()
        api.inspect_image(BASE_IMAGE)
    return BASE_IMAGE


@pytest.fixture(scope="session")
def registry(api: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The ``127.0.0.1:PORT`` of an empty registry; see :func:`support.registry.push`.

    At the end every tag that the engine has of it is removed.
    """
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address
        remove_tags(api, f"{address}/")


def remove_tags(api: docker.APIClient, prefix: str) -> None:
    """Remove every tag and digest that starts with ``prefix`` from the engine."""
    for image in api.images():
        names = [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]
        for name in names:
            if name.startswith(prefix):
                try:
                    api.remove_image(name)
                except ImageNotFound:
                    continue  # went with its tag


@pytest.fixture(params=["classic", "buildkit"])
def builder(request: pytest.FixtureRequest) -> str:
    """Each of the two builders in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def small_root_tar(api: docker.APIClient) -> bytes:
    """A root file system of a few megabytes, with a shell."""
    return small_root(base_tar())


@pytest.fixture(scope="session")
def small_image(api: docker.APIClient, small_root_tar: bytes) -> str:
    """A small base that only this engine has."""
    return import_image(api, small_root_tar, "drift-test/small:1")


@pytest.fixture
def bases(api: docker.APIClient, registry: str, small_root_tar: bytes) -> Bases:
    """Small bases in a loopback registry."""
    return Bases(api, registry, small_root_tar)


@pytest.fixture
def project(
    tmp_path: Path, api: docker.APIClient, engine_host: str, builder: str
) -> Iterator[Project]:
    """A user's project on the engine under test, once with each builder."""
    project = Project(tmp_path / "project", engine_host, builder)
    yield project
    project.clean(api)
