from __future__ import annotations

from typing import Any

import pytest

from drift.engine.connection import negotiated
from drift.engine.identity import choose_builder, identify
from drift.errors import EngineError

DOCKER = {"ApiVersion": "1.41", "Version": "20.10", "Os": "linux", "Arch": "amd64"}
OLD = {"ApiVersion": "1.30"}
PODMAN = {"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}


def _choose(
    setting: str = "auto",
    needs: str | None = None,
    version: dict[str, Any] | None = None,
    advertised: str | None = None,
    **environment: str,
) -> str:
    return choose_builder(
        setting, needs, version=version or DOCKER, advertised=advertised, environment=environment
    )


def test_auto_follows_the_environment_then_the_engine_then_classic() -> None:
    assert _choose(advertised="2", DOCKER_BUILDKIT="0") == "classic"
    assert _choose(DOCKER_BUILDKIT="1") == "buildkit"
    assert _choose(advertised="2") == "buildkit"
    assert _choose() == "classic"


def test_a_dockerfile_that_needs_buildkit_gets_it() -> None:
    assert _choose(needs="RUN --mount, line 3", DOCKER_BUILDKIT="0") == "buildkit"


@pytest.mark.parametrize(
    ("setting", "needs", "version"),
    [
        ("classic", "RUN --mount, line 3", DOCKER),
        ("auto", "RUN --mount, line 3", OLD),
        ("buildkit", None, OLD),
        ("buildkit", None, PODMAN),
    ],
)
def test_what_does_not_go_together_is_said(
    setting: str, needs: str | None, version: dict[str, Any]
) -> None:
    with pytest.raises(EngineError) as caught:
        _choose(setting, needs, version)
    assert caught.value.hint
    if needs:
        assert needs in caught.value.message


def test_podman_is_its_own_builder() -> None:
    assert _choose(needs="RUN --mount, line 3", version=PODMAN) == "classic"
    assert identify(PODMAN, {}, "classic").builder == "buildah"
    assert identify(PODMAN, {}, "classic").name == "podman"


def test_a_containerd_store_is_seen() -> None:
    status = [["driver-type", "io.containerd.snapshotter.v1"]]
    info = {"Driver": "overlayfs", "DriverStatus": status}
    assert identify(DOCKER, info, "buildkit").storage_driver == "overlayfs (containerd)"


@pytest.mark.parametrize(
    ("theirs", "lowest", "spoken"),
    [("1.24", "1.12", "1.24"), ("1.41", "1.12", "1.41"), ("1.99", "1.44", "1.51")],
)
def test_the_lower_version_is_spoken(theirs: str, lowest: str, spoken: str) -> None:
    assert negotiated({"ApiVersion": theirs, "MinAPIVersion": lowest}) == spoken


@pytest.mark.parametrize("version", [{"ApiVersion": "1.22"}, {}, {"ApiVersion": "x"}])
def test_what_is_too_old_or_no_engine(version: dict[str, str]) -> None:
    with pytest.raises(EngineError) as caught:
        negotiated(version)
    assert caught.value.hint
