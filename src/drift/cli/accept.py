"""``drift accept``: what was built is what is wanted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from drift.cli import output
from drift.cli.opening import configuration, filled_store, look_for
from drift.cli.options import DEFAULT_CONFIG, ConfigOption
from drift.errors import StoreError

if TYPE_CHECKING:
    from drift.store.store import Store

NAME = "accept"
EXAMPLES = """\b
Examples:
  drift accept web --reason "security update, reviewed"
  drift accept web 20261122T021500Z-7f3a1c-web-nightly
"""


def command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image's name in drift.toml.")],
    build: Annotated[
        str | None,
        typer.Argument(metavar="BUILD", help="A build's id; the newest that succeeded without it."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why, for those to come.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take a build as the image's baseline.

    It is compared with where policy.baseline is "accepted".
    """
    settings = configuration(config)
    with filled_store(settings) as store:
        look_for(image, settings, store)
        taken = build or _newest(store, image)
        store.accept(image, taken, datetime.now(UTC), reason)
    output.write(output.inert(f"Accepted {taken} as the baseline of {image}.") + "\n")
    if settings.policy.baseline != "accepted":
        output.say(
            'drift: note: policy.baseline is "previous": nights are compared with the last '
            'good one; set it to "accepted" to compare with this build'
        )


def _newest(store: Store, image: str) -> str:
    from drift.builds import Role

    for build in store.builds(image, Role.NIGHTLY):
        if build.ok:
            return build.id
    raise StoreError(
        f"no successful build of {image} is stored", hint=f"`drift check {image}` builds it"
    )
