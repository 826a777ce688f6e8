"""drift.toml as it may be written: every key, its type, default and meaning, once.

From these models come the checks of :func:`drift.config.load` and, by
:func:`drift.config.schema.config_schema`, the JSON Schema that an editor uses. What takes
more than one key to see is in :mod:`drift.config.checks`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from drift.config import units
from drift.config.model import FreeSpace
from drift.oci import Platform, Reference

Flag: TypeAlias = Literal[
    "external", "repo", "toolchain", "nondeterminism", "unexplained",
    "first", "identical", "equivalent", "drifted", "broken", "unknown",
]  # fmt: skip
Kind: TypeAlias = Literal[
    "base-image", "package", "package-republished", "package-index", "remote-content",
    "git-remote", "source-unavailable", "context", "dockerfile", "build-config", "engine",
    "builder", "timestamp", "log", "cache", "bytecode", "random", "file",
]  # fmt: skip
When: TypeAlias = Literal["drift", "broken", "recovered", "upgrade", "always"]


def _text(pattern: str | None = None, **more: Any) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string"} | ({"pattern": pattern} if pattern else {}) | more, mode="validation"
    )


def _written(default: Any) -> Any:
    """A default as drift.toml would have it: it is checked, and in the schema, like any value."""
    return default


Duration = Annotated[float, PlainValidator(units.duration), _text(units.DURATION)]
Size = Annotated[int, PlainValidator(units.size), _text(units.SIZE)]
Free = Annotated[FreeSpace, PlainValidator(units.free_space), _text(units.FREE)]
Name = Annotated[str, PlainValidator(units.name), _text(units.NAME, maxLength=units.NAME_LENGTH)]
Tag = Annotated[Reference, PlainValidator(units.reference), _text()]
OsArch = Annotated[Platform, PlainValidator(units.platform), _text()]
HostLine = Annotated[str, PlainValidator(units.host), _text(units.HOST)]
Address = Annotated[str, PlainValidator(units.address), _text(units.ADDRESS)]
Identifier = Annotated[str, PlainValidator(units.identifier), _text(units.ID)]
StoreUrl = Annotated[str, PlainValidator(units.store_url), _text(units.STORE)]
HttpUrl = Annotated[str, PlainValidator(units.http_url), _text(units.HTTP)]
Pattern = Annotated[str, PlainValidator(units.ignore_pattern), _text(units.IGNORE)]
AnyUrl = Annotated[str, PlainValidator(units.any_url), _text(units.ANY_URL)]
Filled = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]


class Table(BaseModel):
    """A table of drift.toml: no unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)


class Engine(Table):
    """The container engine, and how it builds."""

    host: Filled | None = Field(
        None,
        description="The engine's address, such as unix:///var/run/docker.sock; "
        "by default as the docker CLI chooses (DOCKER_HOST, context).",
    )
    builder: Literal["auto", "buildkit", "classic"] = Field(
        "auto", description="Which builder is used; auto: the one the engine prefers."
    )
    jobs: int = Field(2, ge=1, le=256, description="Builds at once, within one phase of a run.")
    timeout: Duration = Field(_written("60m"), description="Time for one build.")


class Store(Table):
    """What drift remembers of earlier nights."""

    url: StoreUrl = Field(
        "sqlite:///.drift/drift.db",
        description="SQLAlchemy URL (sqlite, postgresql); with three slashes, "
        "a SQLite path is relative to this file, with four it is absolute.",
    )
    keep_nights: int = Field(
        30,
        ge=1,
        description="Nights that are kept; an accepted baseline and a cause's first night always.",
    )
    keep_images: int = Field(2, ge=0, description="Builds of each image kept in the engine.")
    keep_contexts: Size = Field(
        _written("1GB"),
        description="Size up to which compressed build contexts are kept for replays.",
    )


class Probe(Table):
    """Whether the sources that builds fetch from are looked at."""

    enabled: bool = Field(True, description="Look at ADD, curl and wget URLs, and git remotes.")
    timeout: Duration = Field(_written("20s"), description="Time for one source.")


class Report(Table):
    """The pages and documents that a run writes."""

    directory: Filled = Field("reports", description="Where they go, relative to this file.")
    url: HttpUrl | None = Field(
        None, description="Where the directory will be served; for links in messages."
    )
    contents: bool = Field(True, description="Show small text differences.")
    keep: Duration = Field(_written("1y"), description="Pages of older runs are removed.")


class Policy(Table):
    """What flags an image, and what does not."""

    fail_on: list[Flag] = Field(
        ["external", "unexplained", "broken"],
        description="Origins and statuses that flag an image.",
    )
    tolerate: list[Kind] = Field(
        ["package-index"],
        description="Kinds that are reported but never flag, nor make an image drifted.",
    )
    baseline: Literal["previous", "accepted"] = Field(
        "previous",
        description="previous: the last good earlier night; "
        "accepted: the last one that `drift accept` took.",
    )


class Accept(Table):
    """One known change, accepted until a day."""

    subject: Filled = Field(description="Glob of the cause's subject.")
    after: Filled | None = Field(None, description="The value it changes to; any, if left out.")
    until: date = Field(description="The last day, a TOML date such as 2026-12-31.")
    reason: str = Field("", description="Why, for the report.")


class Ignore(Table):
    """Paths that are left out of the comparison."""

    path: Pattern = Field(description="A pattern, gitignore-style.")
    reason: str = Field("", description="Why, for the report.")


class Secret(Table):
    """A value for RUN --mount=type=secret, from exactly one of file and env."""

    id: Identifier = Field(description="The id in the Dockerfile.")
    file: Filled | None = Field(None, description="File that holds the value; ~ is expanded.")
    env: Filled | None = Field(None, description="Environment variable that holds the value.")


class Image(Table):
    """One image: what is built, from where, how."""

    name: Name = Field(description="Unique name of the image.")
    tags: list[Tag] = Field([], description="References that this image is known by.")
    context: Filled = Field(".", description="Directory, relative to this file, or a git URL.")
    revision: Filled | None = Field(
        None, description="Branch, tag or commit of a git URL; a directory has none."
    )
    dockerfile: Filled = Field("Dockerfile", description="Relative to the context.")
    target: Filled | None = Field(None, description="Stage to build; the last, if left out.")
    platform: OsArch | None = Field(None, description="Such as linux/amd64; else the engine's.")
    args: dict[str, str] = Field({}, description="Build arguments; the values are strings.")
    volatile_args: list[Filled] = Field(
        [], description="Build arguments that are left out of the fingerprint."
    )
    secrets: list[Secret] = Field([], description="For RUN --mount=type=secret.")
    ssh: list[Identifier] = Field(
        [], description="Ids for RUN --mount=type=ssh, served by the agent at SSH_AUTH_SOCK."
    )
    pull: Literal["always", "missing", "never"] = Field(
        "always", description="When base images are pulled."
    )
    control: Literal["auto", "always", "never"] = Field(
        "auto", description="When the same inputs are built a second time in a night."
    )
    network: Filled = Field("default", description="Network mode of RUN instructions.")
    extra_hosts: list[HostLine] = Field([], description="Lines for /etc/hosts, as name:address.")
    shm_size: Size | None = Field(None, description="Size of /dev/shm, such as 64m.")
    ignore: list[Ignore] = Field([], description="Paths left out for this image alone.")


class BuildCache(Table):
    """What is removed of the engine's build cache."""

    unused: Duration | None = Field(None, description="Records not used for so long.")
    size: Size | None = Field(None, description="The oldest records above this size.")


class Upkeep(Table):
    """What drift may clean and restart; a key left out is off."""

    dangling: bool = Field(False, description="Remove images without a name.")
    images_unused: Duration | None = Field(
        None, description="Remove images not seen in use since drift began to watch, so long."
    )
    keep_tags: int | None = Field(
        None, ge=1, description="Tags kept of each repository, the newest by tag time."
    )
    containers_stopped: Duration | None = Field(
        None, description="Remove containers that stopped so long ago."
    )
    build_cache: BuildCache | None = Field(None, description="Remove build cache.")
    keep: list[Filled] = Field([], description="Never removed: globs of names, or label:KEY=GLOB.")
    until_free: Free | None = Field(None, description="Remove only until so much is free.")
    nightly: bool = Field(False, description="Let `drift check` clean before it builds.")
    upgrade: list[Filled] = Field(
        [], description="Globs of containers that `drift upgrade` may restart unnamed."
    )
    discard: list[Filled] = Field(
        ["/run/**", "/var/run/**", "/tmp/**"],  # noqa: S108 - patterns, not files
        description="Paths outside volumes that may be lost.",
    )
    watch: Duration = Field(
        _written("60s"), description="How long a container without a health check must run."
    )
    backup: bool = Field(
        False, description="Copy writable volumes before, restore them on rollback."
    )


class Smtp(Table):
    """The mail server."""

    host: Filled = Field(description="Host name.")
    port: int | None = Field(
        None, ge=1, le=65535, description="587 for starttls, 465 for tls, 25 for none."
    )
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="Encryption.")
    user: Filled | None = Field(None, description="Name to log in with.")
    password: str | None = Field(None, description="Password, best as a ${VARIABLE}.")
    sender: Address = Field(description="The From address.")


class Notify(Table):
    """One receiver: exactly one of mail, webhook and url."""

    mail: list[Address] | None = Field(None, min_length=1, description="Addresses; needs [smtp].")
    webhook: HttpUrl | None = Field(None, description="URL that the JSON is sent to by POST.")
    secret: Filled | None = Field(None, description="Signs what is sent to the webhook.")
    url: AnyUrl | None = Field(None, description="Any Apprise URL.")
    when: list[When] = Field(
        ["drift", "broken"],
        min_length=1,
        description="drift: flagged; broken: also unknown, and a run that could not be done; "
        "recovered; upgrade; always.",
    )
    images: list[Filled] = Field(["*"], description="Globs of image names.")
    attach: bool = Field(False, description="Attach the page to a mail, which links to it anyway.")
    repeat: bool = Field(False, description="Tell again each night what still stands.")


class Heartbeat(Table):
    """A URL that tells a monitor that drift runs."""

    url: HttpUrl = Field(description="Requested after each finished run.")


class Document(Table):
    """The whole of drift.toml. ${VARIABLES} are expanded in any string."""

    engine: Engine = Field(_written({}), description="The container engine.")
    store: Store = Field(_written({}), description="What is remembered.")
    probe: Probe = Field(_written({}), description="A look at the sources.")
    report: Report = Field(_written({}), description="What is written.")
    policy: Policy = Field(_written({}), description="What flags an image.")
    accept: list[Accept] = Field([], description="Known changes.")
    ignore: list[Ignore] = Field([], description="Paths left out, for the whole fleet.")
    image: list[Image] = Field(min_length=1, description="The images.")
    upkeep: Upkeep = Field(_written({}), description="Cleaning and upgrades.")
    smtp: Smtp | None = Field(None, description="The mail server.")
    notify: list[Notify] = Field([], description="Who is told.")
    heartbeat: Heartbeat | None = Field(None, description="For a monitor.")
