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
        examples=["ssh://builder@build.example.org"],
    )
    builder: Literal["auto", "buildkit", "classic"] = Field(
        "auto",
        description="Which builder is used; auto: the one the engine prefers.",
        examples=["buildkit"],
    )
    jobs: int = Field(
        2, ge=1, le=256, description="Builds at once, within one phase of a run.", examples=[4]
    )
    timeout: Duration = Field(_written("60m"), description="Time for one build.", examples=["90m"])


class Store(Table):
    """What drift remembers of earlier nights."""

    url: StoreUrl = Field(
        "sqlite:///.drift/drift.db",
        description="SQLAlchemy URL (sqlite, postgresql); with three slashes, "
        "a SQLite path is relative to this file, with four it is absolute.",
        examples=["postgresql://drift@db.example.org/drift"],
    )
    keep_nights: int = Field(
        30,
        ge=1,
        description="Nights that are kept; an accepted baseline and a cause's first night always.",
        examples=[90],
    )
    keep_images: int = Field(
        2, ge=0, description="Builds of each image kept in the engine.", examples=[1]
    )
    keep_contexts: Size = Field(
        _written("1GB"),
        description="Size up to which compressed build contexts are kept for replays.",
        examples=["5GB"],
    )


class Probe(Table):
    """Whether the sources that builds fetch from are looked at."""

    enabled: bool = Field(
        True, description="Look at ADD, curl and wget URLs, and git remotes.", examples=[False]
    )
    timeout: Duration = Field(_written("20s"), description="Time for one source.", examples=["1m"])


class Report(Table):
    """The pages and documents that a run writes."""

    directory: Filled = Field(
        "reports", description="Where they go, relative to this file.", examples=["site"]
    )
    url: HttpUrl | None = Field(
        None,
        description="Where the directory will be served; for links in messages.",
        examples=["https://drift.example.org/"],
    )
    contents: bool = Field(True, description="Show small text differences.", examples=[False])
    keep: Duration = Field(
        _written("1y"), description="Pages of older runs are removed.", examples=["90d"]
    )


class Policy(Table):
    """What flags an image, and what does not."""

    fail_on: list[Flag] = Field(
        ["external", "unexplained", "broken"],
        description="Origins and statuses that flag an image.",
        examples=[["external", "unexplained", "broken", "repo"]],
    )
    tolerate: list[Kind] = Field(
        ["package-index"],
        description="Kinds that are reported but never flag, nor make an image drifted.",
        examples=[["package-index", "package"]],
    )
    baseline: Literal["previous", "accepted"] = Field(
        "previous",
        description="previous: the last good earlier night; "
        "accepted: the last one that `drift accept` took.",
        examples=["accepted"],
    )


class Accept(Table):
    """One known change, accepted until a day."""

    subject: Filled = Field(
        description="Glob of the cause's subject.", examples=["pkg:deb/debian/openssl"]
    )
    after: Filled | None = Field(
        None,
        description="The value it changes to; any, if left out.",
        examples=["3.0.17-1~deb12u3"],
    )
    until: date = Field(
        description="The last day, a TOML date such as 2026-12-31.", examples=["2026-12-31"]
    )
    reason: str = Field(
        "", description="Why, for the report.", examples=["security update, reviewed"]
    )


class Ignore(Table):
    """Paths that are left out of the comparison."""

    path: Pattern = Field(description="A pattern, gitignore-style.", examples=["/var/log/**"])
    reason: str = Field("", description="Why, for the report.", examples=["logs"])


class Secret(Table):
    """A value for RUN --mount=type=secret, from exactly one of file and env."""

    id: Identifier = Field(description="The id in the Dockerfile.", examples=["npmrc"])
    file: Filled | None = Field(
        None, description="File that holds the value; ~ is expanded.", examples=["~/.npmrc"]
    )
    env: Filled | None = Field(
        None, description="Environment variable that holds the value.", examples=["NPM_TOKEN"]
    )


class Image(Table):
    """One image: what is built, from where, how."""

    name: Name = Field(description="Unique name of the image.", examples=["web"])
    tags: list[Tag] = Field(
        [],
        description="References that this image is known by.",
        examples=[["registry.example.org/web:prod"]],
    )
    context: Filled = Field(
        ".",
        description="Directory, relative to this file, or a git URL.",
        examples=["services/web"],
    )
    revision: Filled | None = Field(
        None,
        description="Branch, tag or commit of a git URL; a directory has none.",
        examples=["main"],
    )
    dockerfile: Filled = Field(
        "Dockerfile", description="Relative to the context.", examples=["docker/web.Dockerfile"]
    )
    target: Filled | None = Field(
        None, description="Stage to build; the last, if left out.", examples=["runtime"]
    )
    platform: OsArch | None = Field(
        None, description="Such as linux/amd64; else the engine's.", examples=["linux/amd64"]
    )
    args: dict[str, str] = Field(
        {}, description="Build arguments; the values are strings.", examples=[{"PYTHON": "3.12"}]
    )
    volatile_args: list[Filled] = Field(
        [],
        description="Build arguments that are left out of the fingerprint.",
        examples=[["BUILD_NUMBER"]],
    )
    secrets: list[Secret] = Field(
        [],
        description="For RUN --mount=type=secret.",
        examples=[[{"id": "npmrc", "file": "~/.npmrc"}]],
    )
    ssh: list[Identifier] = Field(
        [],
        description="Ids for RUN --mount=type=ssh, served by the agent at SSH_AUTH_SOCK.",
        examples=[["default"]],
    )
    pull: Literal["always", "missing", "never"] = Field(
        "always", description="When base images are pulled.", examples=["missing"]
    )
    control: Literal["auto", "always", "never"] = Field(
        "auto",
        description="When the same inputs are built a second time in a night.",
        examples=["always"],
    )
    network: Filled = Field(
        "default", description="Network mode of RUN instructions.", examples=["host"]
    )
    extra_hosts: list[HostLine] = Field(
        [],
        description="Lines for /etc/hosts, as name:address.",
        examples=[["db.internal:10.0.0.2"]],
    )
    shm_size: Size | None = Field(
        None, description="Size of /dev/shm, such as 64m.", examples=["256m"]
    )
    ignore: list[Ignore] = Field(
        [],
        description="Paths left out for this image alone.",
        examples=[[{"path": "/app/build-id", "reason": "ours"}]],
    )


class BuildCache(Table):
    """What is removed of the engine's build cache."""

    unused: Duration | None = Field(
        None, description="Records not used for so long.", examples=["14d"]
    )
    size: Size | None = Field(
        None, description="The oldest records above this size.", examples=["20GB"]
    )


class Upkeep(Table):
    """What drift may clean and restart; a key left out is off."""

    dangling: bool = Field(False, description="Remove images without a name.", examples=[True])
    images_unused: Duration | None = Field(
        None,
        description="Remove images not seen in use since drift began to watch, so long.",
        examples=["30d"],
    )
    keep_tags: int | None = Field(
        None,
        ge=1,
        description="Tags kept of each repository, the newest by tag time.",
        examples=[5],
    )
    containers_stopped: Duration | None = Field(
        None, description="Remove containers that stopped so long ago.", examples=["7d"]
    )
    build_cache: BuildCache | None = Field(
        None, description="Remove build cache.", examples=[{"unused": "14d", "size": "20GB"}]
    )
    keep: list[Filled] = Field(
        [],
        description="Never removed: globs of names, or label:KEY=GLOB.",
        examples=[["postgres:*", "label:keep=*"]],
    )
    until_free: Free | None = Field(
        None, description="Remove only until so much is free.", examples=["20%"]
    )
    nightly: bool = Field(
        False, description="Let `drift check` clean before it builds.", examples=[True]
    )
    upgrade: list[Filled] = Field(
        [],
        description="Globs of containers that `drift upgrade` may restart unnamed.",
        examples=[["web-*"]],
    )
    discard: list[Filled] = Field(
        ["/run/**", "/var/run/**", "/tmp/**"],  # noqa: S108 - patterns, not files
        description="Paths outside volumes that may be lost.",
        examples=[["/run/**", "/srv/cache/**"]],
    )
    watch: Duration = Field(
        _written("60s"),
        description="How long a container without a health check must run; "
        "one with has ten minutes at most, or this.",
        examples=["2m"],
    )
    backup: bool = Field(
        False,
        description="Copy writable volumes before, restore them on rollback.",
        examples=[True],
    )


class Smtp(Table):
    """The mail server."""

    host: Filled = Field(description="Host name.", examples=["mail.example.org"])
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="587 for starttls, 465 for tls, 25 for none.",
        examples=[465],
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="Encryption.", examples=["tls"]
    )
    user: Filled | None = Field(None, description="Name to log in with.", examples=["drift"])
    password: str | None = Field(
        None, description="Password, best as a ${VARIABLE}.", examples=["${SMTP_PASSWORD}"]
    )
    sender: Address = Field(description="The From address.", examples=["drift@example.org"])


class Notify(Table):
    """One receiver: exactly one of mail, webhook and url."""

    mail: list[Address] | None = Field(
        None, min_length=1, description="Addresses; needs [smtp].", examples=[["team@example.org"]]
    )
    webhook: HttpUrl | None = Field(
        None,
        description="URL that the JSON is sent to by POST.",
        examples=["https://ci.example.org/hooks/drift"],
    )
    secret: Filled | None = Field(
        None, description="Signs what is sent to the webhook.", examples=["${WEBHOOK_SECRET}"]
    )
    url: AnyUrl | None = Field(
        None, description="Any Apprise URL.", examples=["slack://${SLACK_TOKEN}/#images"]
    )
    when: list[When] = Field(
        ["drift", "broken"],
        min_length=1,
        description="drift: flagged; broken: also unknown, and a run that could not be done; "
        "recovered; upgrade; always.",
        examples=[["drift", "broken", "recovered"]],
    )
    images: list[Filled] = Field(["*"], description="Globs of image names.", examples=[["web-*"]])
    attach: bool = Field(
        False, description="Attach the page to a mail, which links to it anyway.", examples=[True]
    )
    repeat: bool = Field(
        False, description="Tell again each night what still stands.", examples=[True]
    )


class Heartbeat(Table):
    """A URL that tells a monitor that drift runs."""

    url: HttpUrl = Field(
        description="Requested after each finished run.",
        examples=["https://hc.example.org/ping/${CHECK}"],
    )


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
