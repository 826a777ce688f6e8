"""Which image of an archive is meant, and whether it is whole."""

from __future__ import annotations

from drift.errors import SnapshotError
from drift.oci import Platform, Reference
from drift.snapshot.archive import Contents
from drift.snapshot.listing import ArchivedImage, archived_images


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
            hint="choose one with ARCHIVE#REFERENCE or --platform" if images else None,
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
        if found is None and contents.member(name) in contents.documents:
            raise SnapshotError(
                f"{contents.name}: layer {index} ({name}) is no tar archive, or damaged"
            )
        if found is None and (reason := contents.unread.get(contents.member(name))):
            raise SnapshotError(f"{contents.name}: layer {index} cannot be read: {reason}")
        if found is None:
            raise SnapshotError(
                f"{contents.name}: layer {index} ({name}) is missing",
                hint="the archive is incomplete; save it again",
            )
        if found != diff_id:
            raise SnapshotError(
                f"{contents.name}: layer {index} is not what the image's configuration says: "
                f"its content is {found}, its diff ID {diff_id}"
            )


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
