"""What the engine is, and which of its builders builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drift.errors import EngineError
from drift.source.model import EngineIdentity

BUILDKIT_API = (1, 39)  # the first with ``version=2`` outside of experimental mode


def is_podman(version: Mapping[str, Any]) -> bool:
    """True where ``/version`` is that of podman's docker-compatible service."""
    components = version.get("Components") or ()
    return any("podman" in str(part.get("Name", "")).lower() for part in components)


def identify(version: Mapping[str, Any], info: Mapping[str, Any], builder: str) -> EngineIdentity:
    """The identity that ``/version`` and ``/info`` tell; ``builder`` is the one chosen."""
    podman = is_podman(version)
    return EngineIdentity(
        name="podman" if podman else "docker",
        version=str(version.get("Version") or ""),
        api_version=str(version.get("ApiVersion") or ""),
        builder="buildah" if podman else builder,
        platform=f"{version.get('Os') or 'linux'}/{version.get('Arch') or 'unknown'}",
        kernel=str(info.get("KernelVersion") or version.get("KernelVersion") or ""),
        cpus=int(info.get("NCPU") or 0),
        storage_driver=_storage_driver(info),
    )


def has_containerd_store(info: Mapping[str, Any]) -> bool:
    """True where images lie in containerd's store: image IDs are then manifest digests."""
    status = info.get("DriverStatus") or ()
    return any("io.containerd.snapshotter" in str(value) for line in status for value in line)


def _storage_driver(info: Mapping[str, Any]) -> str:
    driver = str(info.get("Driver") or "")
    return f"{driver} (containerd)" if has_containerd_store(info) else driver


def choose_builder(
    setting: str,
    needs_buildkit: str | None,
    *,
    version: Mapping[str, Any],
    advertised: str | None,
    environment: Mapping[str, str],
) -> str:
    """``buildkit`` or ``classic``, for one Dockerfile.

    ``setting`` is drift.toml's; ``needs_buildkit`` says why the Dockerfile needs BuildKit,
    None where it does not; ``advertised`` is ``/_ping``'s Builder-Version. Podman builds
    with buildah whatever is asked, over the classic endpoint, and knows BuildKit's mounts.

    Raises:
        EngineError: the setting, the Dockerfile and the engine do not go together.
    """
    if is_podman(version):
        return _for_podman(setting)
    if setting == "classic" and needs_buildkit:
        raise EngineError(
            f"the Dockerfile needs BuildKit ({needs_buildkit}), and engine.builder is classic",
            hint='set engine.builder = "auto" or "buildkit" in drift.toml',
        )
    chosen = setting
    if setting == "auto":
        chosen = "buildkit" if needs_buildkit else _default(advertised, environment)
    if chosen == "buildkit" and not has_buildkit(version):
        raise EngineError(
            f"this engine has no BuildKit ({needs_buildkit or 'which is configured'})",
            hint='upgrade it to Docker 18.09 or newer, or set engine.builder = "classic"',
        )
    return chosen


def has_buildkit(version: Mapping[str, Any]) -> bool:
    """True where the build endpoint takes ``version=2``."""
    major, _, minor = str(version.get("ApiVersion") or "0.0").partition(".")
    return not is_podman(version) and (int(major), int(minor or 0)) >= BUILDKIT_API


def _for_podman(setting: str) -> str:
    if setting == "buildkit":
        raise EngineError(
            "podman has no BuildKit: it builds with buildah, and engine.builder is buildkit",
            hint='set engine.builder = "auto" in drift.toml',
        )
    return "classic"


def _default(advertised: str | None, environment: Mapping[str, str]) -> str:
    wanted = environment.get("DOCKER_BUILDKIT")
    if wanted:
        return "classic" if wanted.lower() in ("0", "f", "false") else "buildkit"
    return "buildkit" if advertised == "2" else "classic"
