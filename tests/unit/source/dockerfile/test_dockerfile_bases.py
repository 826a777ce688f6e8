"""Which images and mounts the build of a target needs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from drift.oci import Platform
from drift.source.dockerfile import DockerfileError, Mount, bases, parse, required_mounts

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")


def references(
    text: str,
    args: Mapping[str, str] | None = None,
    target: str | None = None,
    *,
    builder: str = "buildkit",
) -> list[str]:
    found = bases(parse(text.encode()), args or {}, target, AMD64, builder=builder)
    return [base.reference for base in found]


def test_all_kinds_of_bases_with_roles_and_lines() -> None:
    dockerfile = parse(
        b"# syntax=docker/dockerfile:1\nFROM debian AS one\nFROM one AS two\n"
        b"COPY --from=busybox:1 /a /b\nRUN --mount=type=bind,from=debian,target=/d x\n"
        b"COPY --from=0 /c /c\nCOPY --from=ONE /c /c\n"
    )
    found = bases(dockerfile, {}, None, AMD64)
    assert [(b.reference, b.roles, b.line) for b in found] == [
        ("docker/dockerfile:1", ("frontend",), 1),
        ("debian", ("stage:one", "mount:two"), 2),
        ("busybox:1", ("copy:two",), 4),
    ]


def test_buildkit_needs_the_reachable_stages_and_classic_all_up_to_the_target() -> None:
    text = "FROM a AS a1\nFROM b AS b1\nFROM c AS c1\nCOPY --from=a1 /x /x\nFROM d\n"
    assert references(text, target="c1") == ["a", "c"]
    assert references(text, target="c1", builder="classic") == ["a", "b", "c"]
    assert references(text) == ["d"]


def test_arguments_give_and_override_defaults() -> None:
    text = "ARG V=12\nARG I=debian:${V}-slim\nFROM $I AS x\nARG V=99\nFROM ${N:-x}\n"
    assert references(text) == ["debian:12-slim"]
    assert references(text, {"V": "13"}) == ["debian:13-slim"]
    assert references(text, {"N": "other"}) == ["debian:12-slim"]  # N is not declared


def test_an_argument_of_a_stage_is_not_seen_by_from() -> None:
    with pytest.raises(DockerfileError, match=r"line 3: the base \$V is empty") as caught:
        references("FROM a\nARG V=b\nFROM $V\n")
    assert caught.value.line == 3
    assert caught.value.hint is not None


def test_platforms_come_from_flags_and_automatic_arguments() -> None:
    dockerfile = parse(
        b"FROM --platform=$BUILDPLATFORM a\n"
        b"FROM --platform=$TARGETPLATFORM b-$TARGETARCH$TARGETVARIANT\n"
        b"COPY --from=0 / /\nCOPY --from=a /x /x\n"
    )
    found = bases(dockerfile, {}, None, ARM64, native=AMD64)
    assert [(b.reference, b.platform) for b in found] == [
        ("a", "linux/amd64"),
        ("b-arm64v8", None),
        ("a", None),
    ]


def test_the_classic_builder_has_no_automatic_arguments() -> None:
    with pytest.raises(DockerfileError, match=r"platform .* is empty"):
        references("FROM --platform=$BUILDPLATFORM a\n", builder="classic")


def test_buildah_has_automatic_arguments_skips_stages_and_knows_no_frontend() -> None:
    text = "# syntax=a/b\nFROM x:$TARGETARCH AS unused\nFROM --platform=$TARGETPLATFORM y:$BUILDOS"
    assert references(text, builder="buildah") == ["y:linux"]


def test_scratch_is_no_image_and_a_stage_hides_an_image_of_its_name() -> None:
    assert references("FROM scratch\n") == []
    assert references("FROM debian AS debian\nFROM debian\nCOPY --from=debian / /\n") == ["debian"]


def test_the_frontend_can_be_given_by_an_argument_and_is_buildkits_alone() -> None:
    text = "# syntax=a/b:1\nFROM scratch\n"
    assert references(text, {"BUILDKIT_SYNTAX": "c/d:2"}) == ["c/d:2"]
    assert references(text, builder="classic") == []


def test_triggers_of_this_file_and_of_a_pulled_base_name_images_too() -> None:
    dockerfile = parse(b"FROM a AS x\nONBUILD COPY --from=inner /i /i\nFROM x\n")
    found = bases(dockerfile, {}, None, AMD64, onbuild={"a": ["COPY --from=outer /o /o"]})
    assert [(b.reference, b.line) for b in found] == [("a", 1), ("outer", 1), ("inner", 2)]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("FROM a\nCOPY --from=1 / /\n", 2, "no earlier stage"),
        ("FROM a\nCOPY --from=0 / /\n", 2, "no earlier stage"),
        ("FROM a\nCOPY --from=-1 / /\n", 2, "no earlier stage"),
        ("FROM a\nCOPY --from=" + "9" * 5000 + " / /\n", 2, "no earlier stage"),
        ("FROM a\nARG X\nCOPY --from=$X / /\n", 3, "not substituted"),
        ("FROM a\nRUN --mount=from=$X,target=/x y\n", 2, "not substituted"),
        ("FROM a AS x\nCOPY --from=x / /\n", 2, "further down"),
        ("FROM A:B:C\n", 1, "not an image reference"),
        ("FROM ${A:?missing}\n", 1, "A: missing"),
        ("ARG A=${B\nFROM a\n", 1, "missing|matching|unexpected|unsupported"),
    ],
)
def test_what_cannot_be_resolved_names_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(DockerfileError, match=message) as caught:
        references(text)
    assert caught.value.line == line


def test_arguments_that_double_do_not_eat_the_memory() -> None:
    doubling = "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 60))
    with pytest.raises(DockerfileError, match="too long"):
        references(f"ARG A0=xxxxxxxx\n{doubling}FROM a\n")


def test_secret_and_ssh_mounts_and_which_are_required() -> None:
    dockerfile = parse(
        b"FROM a AS unused\nRUN --mount=type=secret,id=other x\nFROM a\nARG ID=npm\n"
        b"RUN --mount=type=secret,id=$ID x\nRUN --mount=type=secret,id=npm,required=true x\n"
        b"RUN --mount=type=secret,target=/run/secrets/tok,required --mount=type=ssh x\n"
        b"RUN --mount=type=cache,target=/c x\n"
    )
    assert required_mounts(dockerfile) == (
        Mount("secret", "npm", True, 6),
        Mount("secret", "tok", True, 7),
        Mount("ssh", "default", False, 7),
    )
    assert required_mounts(dockerfile, "unused") == (Mount("secret", "other", False, 2),)


def test_a_mount_that_cannot_be_read_names_its_line() -> None:
    dockerfile = parse(b"FROM a\nRUN --mount=type=secret,id=a,required=maybe x\n")
    with pytest.raises(DockerfileError, match="invalid value for required: 'maybe'") as caught:
        required_mounts(dockerfile)
    assert caught.value.line == 2


def test_env_wins_over_arg_in_a_mount() -> None:
    dockerfile = parse(
        b"FROM a AS x\nENV ID=env\nFROM x\nARG ID=arg\nRUN --mount=type=secret,id=$ID y\n"
    )
    assert [mount.id for mount in required_mounts(dockerfile)] == ["env"]
