"""Which image of an archive is meant, and whether it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drift.errors import SnapshotError
from drift.oci import Digest, ImageConfig, Platform, Reference
from drift.snapshot.archive import Contents

_INDEXES_DEEP = 4
_IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    """An image that an archive lists: its configuration, its layers' members, its names."""

    image_id: Digest
    config: ImageConfig
    members: tuple[str, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.names) or self.image_id.short
        return f"{names} ({self.config.platform})"


def select_image(
    contents: Contents, reference: str | None = None, platform: Platform | None = None
) -> ArchivedImage:
    """The one image that is asked for; with one in the archive nothing need be asked.

    Raises:
        SnapshotError: none or several match (with the list), or the image is not whole.
    """
    images = archived_images(contents)
    found = [
        image
        for image in images
        if (reference is None or _is_named(image, reference))
        and (platform is None or _matches(image.config.platform, platform))
    ]
    if len(found) != 1:
        listed = "; ".join(str(image) for image in images) or "none"
        what = "no image matches" if not found else "it holds several images"
        raise SnapshotError(
            f"{contents.name}: {what}. Images in it: {listed}",
            hint="Choose one with ARCHIVE#REFERENCE or --platform." if images else None,
        )
    return found[0]


def verify_layers(contents: Contents, image: ArchivedImage) -> None:
    """Check that an image's layers are in the archive, and what its configuration says.

    Raises:
        SnapshotError: a layer is missing, or its content is not its diff ID.
    """
    if len(image.members) != len(image.config.diff_ids):
        raise SnapshotError(
            f"{contents.name}: {len(image.members)} layers, but the image's configuration "
            f"lists {len(image.config.diff_ids)}"
        )
    for index, (name, diff_id) in enumerate(zip(image.members, image.config.diff_ids, strict=True)):
        found = contents.layers.get(contents.member(name))
        if found is None and (reason := contents.unread.get(contents.member(name))):
            raise SnapshotError(f"{contents.name}: layer {index} cannot be read: {reason}")
        if found is None:
            raise SnapshotError(
                f"{contents.name}: layer {index} ({name}) is missing",
                hint="The archive is incomplete; save it again.",
            )
        if found != diff_id:
            raise SnapshotError(
                f"{contents.name}: layer {index} is not what the image's configuration says: "
                f"its content is {found}, its diff ID {diff_id}"
            )


def archived_images(contents: Contents) -> tuple[ArchivedImage, ...]:
    """Every image that an archive lists, each once.

    Raises:
        SnapshotError: it lists none in a way that is known, or a listed document is damaged.
    """
    found: dict[Digest, ArchivedImage] = {}
    if "manifest.json" in contents.documents:
        _collect(found, _docker_images(contents))
    if "index.json" in contents.documents:
        _collect(found, _oci_images(contents, _json(contents, "index.json"), (), _INDEXES_DEEP))
    if not found and not {"manifest.json", "index.json"} & contents.documents.keys():
        raise SnapshotError(
            f"{contents.name}: not an image archive (no manifest.json, no index.json)",
            hint="Make one with `docker save`, or give an OCI layout.",
        )
    return tuple(found.values())


def _collect(found: dict[Digest, ArchivedImage], images: Iterator[ArchivedImage]) -> None:
    for image in images:
        known = found.get(image.image_id)
        names = tuple(dict.fromkeys((*(known.names if known else ()), *image.names)))
        members = known.members if known else image.members
        found[image.image_id] = ArchivedImage(image.image_id, image.config, members, names)


def _docker_images(contents: Contents) -> Iterator[ArchivedImage]:
    """The images of ``manifest.json``."""
    for item in _mappings(contents, _json(contents, "manifest.json")):
        config_name = _string(contents, item.get("Config"))
        tags = item.get("RepoTags") or ()
        members = item.get("Layers") or ()
        if not isinstance(tags, list | tuple) or not isinstance(members, list | tuple):
            raise SnapshotError(f"{contents.name}: a damaged manifest.json")
        yield _image(contents, config_name, [str(m) for m in members], [str(t) for t in tags])


def _oci_images(
    contents: Contents, index: Any, names: tuple[str, ...], depth: int
) -> Iterator[ArchivedImage]:
    """The images of an index, and of the indexes in it; those not in the archive are left out."""
    listed = index.get("manifests") if isinstance(index, Mapping) else None
    for descriptor in _mappings(contents, listed):
        annotations = descriptor.get("annotations")
        annotations = annotations if isinstance(annotations, Mapping) else {}
        if annotations.get("vnd.docker.reference.type") == "attestation-manifest":
            continue
        blob = _blob(contents, descriptor)
        if blob not in contents.documents:
            continue  # engines list the platforms that they did not fetch
        document = _json(contents, blob)
        own = names or _annotated_names(annotations)
        if isinstance(document, Mapping) and "manifests" in document and depth:
            yield from _oci_images(contents, document, own, depth - 1)
        elif isinstance(document, Mapping) and "config" in document:
            layers = _mappings(contents, document.get("layers") or ())
            if not _is_image(descriptor, document["config"]):
                continue
            members = [_blob(contents, layer) for layer in layers]
            config_name = _blob(contents, document["config"])
            if isinstance(_json(contents, config_name), Mapping):
                yield _image(contents, config_name, members, own)


def _is_image(descriptor: Mapping[str, Any], config: Any) -> bool:
    """Whether a manifest is an image's: others are artifacts, or attest to an image."""
    platform = descriptor.get("platform")
    if isinstance(platform, Mapping) and platform.get("os") == "unknown":
        return False
    media_type = config.get("mediaType") if isinstance(config, Mapping) else None
    return not media_type or media_type in _IMAGE_CONFIGS


def _annotated_names(annotations: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
    return tuple(str(annotations[key]) for key in keys if annotations.get(key))


def _image(
    contents: Contents, config_name: str, members: Sequence[str], names: Sequence[str]
) -> ArchivedImage:
    document = contents.document(config_name)
    try:
        config = ImageConfig.parse(document)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{contents.name}: {config_name}: {error}") from error
    return ArchivedImage(Digest.of(document), config, tuple(members), tuple(names))


def _json(contents: Contents, name: str) -> Any:
    try:
        return json.loads(contents.document(name))
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{contents.name}: {name} is not JSON: {error}") from error


def _mappings(contents: Contents, value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, Mapping) for v in value):
        raise SnapshotError(f"{contents.name}: a damaged image index or manifest")
    return list(value)


def _string(contents: Contents, value: Any) -> str:
    if not isinstance(value, str):
        raise SnapshotError(f"{contents.name}: a damaged image index or manifest")
    return value


def _blob(contents: Contents, descriptor: Any) -> str:
    """The member that holds a descriptor's blob."""
    text = descriptor.get("digest") if isinstance(descriptor, Mapping) else None
    try:
        digest = Digest(_string(contents, text))
    except ValueError as error:
        raise SnapshotError(f"{contents.name}: {error}") from error
    return f"blobs/{digest.algorithm}/{digest.encoded}"


def _is_named(image: ArchivedImage, reference: str) -> bool:
    if image.image_id in (reference, f"sha256:{reference}"):
        return True
    wanted = _normal(reference)
    return any(reference == name or wanted == _normal(name) for name in image.names)


def _normal(reference: str) -> Reference | str:
    try:
        return Reference.parse(reference)
    except ValueError:
        return reference


def _matches(found: Platform, wanted: Platform) -> bool:
    return (found.os, found.architecture) == (wanted.os, wanted.architecture) and (
        wanted.variant is None or _variant(found) == _variant(wanted)
    )


def _variant(platform: Platform) -> str | None:
    """A variant; those that an architecture has by default may be left out."""
    defaults = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
    return platform.variant or defaults.get(platform.architecture)
