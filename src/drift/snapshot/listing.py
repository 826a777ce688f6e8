"""The images that an archive lists: docker's ``manifest.json``, the indexes of an OCI layout.

Lists are another's: one may name the same index, manifest or configuration any number of
times, in indexes that do the same. Each document is read once, and there is an end to looking.

Specification: OCI image-spec ``image-index.md``, ``manifest.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drift.errors import SnapshotError
from drift.oci import Digest, ImageConfig
from drift.snapshot.archive import Contents

_INDEXES_DEEP = 4
_LISTED_LIMIT = 200_000  # descriptors, those of layers included
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


def archived_images(contents: Contents) -> tuple[ArchivedImage, ...]:
    """Every image that an archive lists, each once.

    Raises:
        SnapshotError: it lists none in a way that is known, or a listed document is damaged.
    """
    listing = _Listing(contents)
    if "manifest.json" in contents.documents:
        listing.add_docker()
    if "index.json" in contents.documents:
        listing.add_index(listing.document("index.json"), (), _INDEXES_DEEP)
    if not listing.found and not {"manifest.json", "index.json"} & contents.documents.keys():
        raise SnapshotError(
            f"{contents.name}: not an image archive (no manifest.json, no index.json)",
            hint="make one with `docker save`, or give an OCI layout",
        )
    return tuple(listing.images())


@dataclass(slots=True)
class _Found:
    """An image as far as it was listed yet."""

    image_id: Digest
    config: ImageConfig
    members: tuple[str, ...]
    names: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Listing:
    """An archive's lists on their way to its images."""

    contents: Contents
    found: dict[Digest, _Found] = field(default_factory=dict)
    _parsed: dict[str, Any] = field(default_factory=dict)
    _configs: dict[str, tuple[Digest, ImageConfig]] = field(default_factory=dict)
    _left: int = _LISTED_LIMIT
    _without_config: str = ""

    def images(self) -> Iterator[ArchivedImage]:
        """What was found, in the order of the lists.

        Engines may keep another platform's manifest without the rest of it: it is left out, but
        where there is nothing else the archive is not whole.
        """
        if self._without_config and not self.found:
            self.contents.document(self._without_config)  # which says that it is missing
        for one in self.found.values():
            yield ArchivedImage(one.image_id, one.config, one.members, tuple(one.names))

    def add_docker(self) -> None:
        """The images of ``manifest.json``."""
        for item in self._mappings(self.document("manifest.json")):
            config_name = self._string(item.get("Config"))
            tags = item.get("RepoTags") or ()
            members = item.get("Layers") or ()
            if not isinstance(tags, list | tuple) or not isinstance(members, list | tuple):
                raise SnapshotError(f"{self.contents.name}: a damaged manifest.json")
            self._image(config_name, [str(m) for m in members], [str(t) for t in tags])

    def add_index(self, index: Any, names: tuple[str, ...], depth: int) -> None:
        """The images of an index, and of those in it; what is not in the archive is left out."""
        listed = index.get("manifests") if isinstance(index, Mapping) else None
        for descriptor in self._mappings(listed):
            annotations = descriptor.get("annotations")
            annotations = annotations if isinstance(annotations, Mapping) else {}
            if annotations.get("vnd.docker.reference.type") == "attestation-manifest":
                continue
            blob = self._blob(descriptor)
            if blob not in self.contents.documents:
                continue  # engines list the platforms that they did not fetch
            document = self.document(blob)
            own = names or _annotated_names(annotations)
            if isinstance(document, Mapping) and "manifests" in document and depth:
                self.add_index(document, own, depth - 1)
            elif isinstance(document, Mapping) and "config" in document:
                self._manifest(descriptor, document, own)

    def _manifest(
        self, descriptor: Mapping[str, Any], manifest: Mapping[str, Any], names: tuple[str, ...]
    ) -> None:
        if not _is_image(descriptor, manifest["config"]):
            return
        config_name = self._blob(manifest["config"])
        if self.contents.member(config_name) not in self.contents.documents:
            self._without_config = self._without_config or config_name
        elif isinstance(self.document(config_name), Mapping):
            layers = self._mappings(manifest.get("layers") or ())
            self._image(config_name, [self._blob(layer) for layer in layers], names)

    def _image(self, config_name: str, members: Sequence[str], names: Sequence[str]) -> None:
        if config_name not in self._configs:
            self._configs[config_name] = self._config(config_name)
        image_id, config = self._configs[config_name]
        known = self.found.setdefault(image_id, _Found(image_id, config, tuple(members)))
        known.names.update(dict.fromkeys(names))

    def _config(self, name: str) -> tuple[Digest, ImageConfig]:
        document = self.contents.document(name)
        try:
            return Digest.of(document), ImageConfig.parse(document)
        except (ValueError, RecursionError) as error:
            raise SnapshotError(f"{self.contents.name}: {name}: {error}") from error

    def document(self, name: str) -> Any:
        """A document of the archive, as parsed."""
        if name not in self._parsed:
            try:
                self._parsed[name] = json.loads(self.contents.document(name))
            except (ValueError, RecursionError) as error:
                said = f"{self.contents.name}: {name} is not JSON: {error}"
                raise SnapshotError(said) from error
        return self._parsed[name]

    def _mappings(self, value: Any) -> list[Mapping[str, Any]]:
        if not isinstance(value, list | tuple) or not all(isinstance(v, Mapping) for v in value):
            raise SnapshotError(f"{self.contents.name}: a damaged image index or manifest")
        self._left -= len(value)
        if self._left < 0:
            raise SnapshotError(f"{self.contents.name}: it lists more than any image archive does")
        return list(value)

    def _string(self, value: Any) -> str:
        if not isinstance(value, str):
            raise SnapshotError(f"{self.contents.name}: a damaged image index or manifest")
        return value

    def _blob(self, descriptor: Any) -> str:
        """The member that holds a descriptor's blob."""
        text = descriptor.get("digest") if isinstance(descriptor, Mapping) else None
        try:
            digest = Digest(self._string(text))
        except ValueError as error:
            raise SnapshotError(f"{self.contents.name}: {error}") from error
        return f"blobs/{digest.algorithm}/{digest.encoded}"


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
