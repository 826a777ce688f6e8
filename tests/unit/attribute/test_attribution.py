"""Nights as a table: what two builds were made of, and the cause that each path must get.

``B`` is the base, ``S`` the base of another stage. Each side is a list of layers; a layer is
the instruction that made it (None: the base's) and what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from drift.attribute.attribute import attribute
from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.attribute.sides import Sides
from drift.attribute.verdict import status_of
from drift.compare.compare import compare
from drift.oci import Digest, HistoryEntry
from drift.snapshot.model import Instruction, LayersInMemory, Package, Packages, Snapshot
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from support.images import Member, directory, file, hardlink, snapshot_of

BASE = "__base__"
UNTIED = "__untied__"
ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
CONTEXT = Digest.of(b"context")
Stack = Sequence[tuple[str, Sequence[Member]]]


def base(reference: str = "debian:bookworm", version: str = "1", *roles: str) -> Base:
    image_id = Digest.of(f"id {reference} {version}".encode())
    digest = Digest.of(f"{reference} {version}".encode())
    return Base(reference, image_id, digest, roles=roles or ("stage:0", "final"), history_length=1)


@dataclass(frozen=True)
class Side:
    layers: Stack
    bases: tuple[Base, ...] = (base(),)
    packages: Packages = field(default_factory=Packages)
    repo: RepoSide = field(default_factory=lambda: RepoSide(CONTEXT, Digest.of(b"FROM")))
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[str, ...] | None = None
    engine: EngineIdentity = ENGINE
    volatile: Mapping[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> Inputs:
        digests = {name: Digest.of(value.encode()) for name, value in self.volatile.items()}
        return Inputs(self.repo, self.bases, self.engine, digests)


class Night:
    """What came of comparing and attributing two sides."""

    def __init__(self, before: Side, after: Side, *, inputs: bool = True) -> None:
        store = LayersInMemory()
        one, other = (_snapshot(side, store) for side in (before, after))
        then, now = before.inputs, after.inputs
        sides = Sides(one, other, then, now) if inputs else Sides(one, other)
        self.comparison = compare(one, other, store)
        self.attribution: Attribution = attribute(sides, self.comparison)
        self.status = status_of(self.comparison, self.attribution)
        _check_sums(self)

    def cause(self, path: str) -> Cause:
        return self.by_id(self.attribution.paths[path])

    def by_id(self, cause_id: str) -> Cause:
        return next(cause for cause in self.attribution.causes if cause.id == cause_id)

    def said(self, path: str) -> tuple[Origin | None, Kind, str, Grade]:
        cause = self.cause(path)
        return cause.origin, cause.kind, cause.subject, cause.grade


def _check_sums(night: Night) -> None:
    changed = {change.path for change in night.comparison.files}
    assert set(night.attribution.paths) == changed
    assert sum(cause.files for cause in night.attribution.causes) == len(changed)
    assert set(night.attribution.packages) == {c.purl for c in night.comparison.packages}
    assert set(night.attribution.config) == {c.field for c in night.comparison.config}
    assert 0 <= night.attribution.explained_files <= 1


def _snapshot(side: Side, store: LayersInMemory) -> Snapshot:
    made = snapshot_of(
        [members for _, members in side.layers],
        store,
        settings=side.settings,
        packages=side.packages,
    )
    layers = []
    for number, (layer, (text, _)) in enumerate(zip(made.layers, side.layers, strict=True)):
        tied = None if text in (BASE, UNTIED) else Instruction("0", number + 1, text)
        layers.append(replace(layer, base=text == BASE, instruction=tied))
    lines = side.history or tuple(text for text, _ in side.layers)
    history = tuple(HistoryEntry(line, empty_layer=False) for line in lines)
    return replace(made, layers=tuple(layers), config=replace(made.config, history=history))


def deb(name: str, version: str, *files: str, **fields: Any) -> Package:
    return Package(f"pkg:deb/debian/{name}", version, files=files, **fields)


def edited(**fields: Any) -> RepoSide:
    changes = {"dockerfile": Digest.of(b"FROM, edited"), "revision": "new", **fields}
    return replace(RepoSide(CONTEXT, Digest.of(b"FROM")), **changes)


def new_context(**fields: Any) -> RepoSide:
    return edited(dockerfile=Digest.of(b"FROM"), context=Digest.of(b"new context"), **fields)


def one_file(text: str, content: str, *, path: str = "x", below: str = "b") -> Stack:
    return [(BASE, [file("base", below)]), (text, [file(path, content)])]


RUN = "RUN make"
COPY = "COPY x /x"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            Side(one_file(RUN, "1")),
            Side(one_file(RUN, "2")),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="a RUN that gave something else is nobody's",
        ),
        pytest.param(
            Side(one_file(COPY, "1")),
            Side(one_file(COPY, "2"), repo=new_context()),
            (Origin.REPO, Kind.CONTEXT, COPY, Grade.PROVEN),
            id="a COPY holds the context alone",
        ),
        pytest.param(
            Side(one_file(RUN, "1")),
            Side(one_file(RUN, "2"), repo=new_context()),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="a RUN may have used the context, or not",
        ),
        pytest.param(
            Side(one_file("RUN old", "1")),
            Side(one_file("RUN new", "2"), repo=edited()),
            (Origin.REPO, Kind.DOCKERFILE, "RUN new", Grade.INFERRED),
            id="an edited RUN",
        ),
        pytest.param(
            Side(one_file(UNTIED, "1")),
            Side(one_file("RUN new", "2"), repo=edited()),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="what was not tied cannot be told to be edited",
        ),
        pytest.param(
            Side(one_file(UNTIED, "1")),
            Side(one_file(UNTIED, "2"), repo=new_context()),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="nothing tied, nothing said",
        ),
        *(
            pytest.param(
                Side(one_file(text, "1")),
                Side(one_file(text, "2"), repo=new_context()),
                (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
                id=f"not the context's: {text}",
            )
            for text in (
                "ADD https://example.org/x /x",
                'ADD ["https://example.org/x", "/x"]',
                "ADD --chmod=644 $URL /x",
                "ADD git@example.org:a/b.git /x",
                "ADD user@example.org:a/b.git /x",
                "COPY --from=build /x /x",
                "COPY --chown=1 --from=0 /x /x",
                "COPY <<EOF /x",
            )
        ),
        pytest.param(
            Side(one_file("ADD rootfs.tar /", "1")),
            Side(one_file("ADD rootfs.tar /", "2"), repo=new_context()),
            (Origin.REPO, Kind.CONTEXT, "ADD rootfs.tar /", Grade.PROVEN),
            id="an archive of the context that ADD extracts",
        ),
        pytest.param(
            Side(one_file("COPY $V /x", "1")),
            Side(one_file("COPY $V /x", "2"), repo=replace(Side([]).repo, args={"V": "b"})),
            (Origin.REPO, Kind.BUILD_CONFIG, "COPY $V /x", Grade.INFERRED),
            id="a COPY by a build argument of drift.toml",
        ),
        pytest.param(
            Side([(BASE, []), (COPY, [file("x", "1", uid=7)])]),
            Side([(BASE, []), (COPY, [file("x", "1", uid=8)])], repo=new_context()),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="an owner by name is not the context's",
        ),
        pytest.param(
            Side([(BASE, []), (COPY, [file("x/a"), file("x/b")])]),
            Side([(BASE, []), (COPY, [file("x/a")])], repo=new_context()),
            (Origin.REPO, Kind.CONTEXT, COPY, Grade.PROVEN),
            id="a file that left the context",
        ),
        pytest.param(
            Side([(BASE, [file("x", "1")]), (RUN, [])]),
            Side([(BASE, [file("x", "2")]), (RUN, [])], bases=(base(version="2"),)),
            (Origin.EXTERNAL, Kind.BASE_IMAGE, "debian:bookworm", Grade.PROVEN),
            id="a moved base",
        ),
        pytest.param(
            Side([(BASE, [file("x", "1")]), (RUN, [])]),
            Side(
                [(BASE, [file("x", "2")]), (RUN, [])],
                bases=(base("debian:trixie"),),
                repo=edited(),
            ),
            (Origin.REPO, Kind.BASE_IMAGE, "debian:trixie", Grade.PROVEN),
            id="another base in the Dockerfile",
        ),
        pytest.param(
            Side([(BASE, [file("x"), file("y", "1")])]),
            Side(
                [(BASE, [file("x"), file("y", "2")]), ("RUN rm x", [file(".wh.x")])],
                bases=(base(version="2"),),
                repo=edited(),
            ),
            (Origin.REPO, Kind.DOCKERFILE, "RUN rm x", Grade.INFERRED),
            id="what a new RUN removes is not the moved base's",
        ),
        pytest.param(
            Side(
                one_file("COPY --from=build /x /x", "1"),
                bases=(base(), base("golang:1", "1", "stage:build")),
            ),
            Side(
                one_file("COPY --from=build /x /x", "2"),
                bases=(base(), base("golang:1", "2", "stage:build")),
            ),
            (Origin.EXTERNAL, Kind.BASE_IMAGE, "golang:1", Grade.INFERRED),
            id="a stage's moved base",
        ),
        pytest.param(
            Side(
                one_file("COPY --from=build /x /x", "1"),
                bases=(base(), base("golang:1", "1", "stage:build")),
            ),
            Side(
                one_file("COPY --from=build /x /x", "2"),
                bases=(base(), base("golang:1", "2", "stage:build")),
                repo=new_context(),
            ),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="a stage's moved base, and the repository changed too",
        ),
        pytest.param(
            Side(
                one_file("COPY --from=nginx:1 /x /x", "1"),
                bases=(base(), base("nginx:1", "1", "copy:0")),
            ),
            Side(
                one_file("COPY --from=nginx:1 /x /x", "2"),
                bases=(base(), base("nginx:1", "2", "copy:0")),
                repo=new_context(),
            ),
            (Origin.EXTERNAL, Kind.BASE_IMAGE, "nginx:1", Grade.PROVEN),
            id="an image that is copied from moved",
        ),
        pytest.param(
            Side(one_file("COPY . /", "1", path=".git/index"), repo=edited(git_commit="a")),
            Side(one_file("COPY . /", "2", path=".git/index"), repo=edited(git_commit="a")),
            (Origin.NONDETERMINISM, Kind.CACHE, "/.git/**", Grade.INFERRED),
            id="git's own files at one commit",
        ),
        pytest.param(
            Side(one_file("COPY . /", "1", path=".git/index"), repo=edited(git_commit="a")),
            Side(one_file("COPY . /", "2", path=".git/index"), repo=edited(git_commit="b")),
            (Origin.REPO, Kind.CONTEXT, "COPY . /", Grade.PROVEN),
            id="git's own files at another commit",
        ),
        pytest.param(
            Side([*one_file(RUN, "1"), ("RUN more", [file("y")])]),
            Side(one_file(RUN, "2")),
            (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED),
            id="fewer layers than before",
        ),
    ],
)
def test_the_cause_of_a_path(
    before: Side, after: Side, expected: tuple[Origin, Kind, str, Grade]
) -> None:
    night = Night(before, after)
    path = next(p for p in ("/x", "/x/b", "/.git/index") if p in night.attribution.paths)
    assert night.said(path) == expected


PACKAGED = "RUN apt-get install -y curl"
NAME = "pkg:deb/debian/curl"


def installed(version: str, **fields: Any) -> Side:
    members = [file("usr/bin/curl", version), file("var/lib/dpkg/status", version)]
    layers = [(BASE, [file("base")]), (PACKAGED, members)]
    packages = Packages((deb("curl", version, "/usr/bin/curl"),))
    return Side(**{"layers": layers, "packages": packages, **fields})


@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("2", "1")])
def test_a_package_that_moved_or_went_back(before: str, after: str) -> None:
    night = Night(installed(before), installed(after))
    for path in ("/usr/bin/curl", "/var/lib/dpkg/status"):
        assert night.said(path) == (Origin.EXTERNAL, Kind.PACKAGE, NAME, Grade.OWNED)
    cause = night.cause("/usr/bin/curl")
    assert (cause.before, cause.after, cause.files, cause.layer) == (before, after, 2, 1)
    assert (night.status, night.attribution.explained_files) == (Status.DRIFTED, 1.0)


def test_a_package_that_an_edited_instruction_brings_is_the_repository_s() -> None:
    before = installed("1", packages=Packages(), layers=[(BASE, [file("base")]), (RUN, [])])
    night = Night(before, installed("1", repo=edited()))
    assert night.said("/usr/bin/curl") == (Origin.REPO, Kind.PACKAGE, NAME, Grade.INFERRED)
    assert (night.cause("/usr/bin/curl").before, night.cause("/usr/bin/curl").after) == (None, "1")


def test_a_package_that_moves_on_a_night_of_an_edit_is_unexplained() -> None:
    night = Night(installed("1"), installed("2", repo=edited()))
    assert night.said("/usr/bin/curl")[:2] == (Origin.UNEXPLAINED, Kind.PACKAGE)
    assert night.attribution.explained_files == 0.0


def test_a_moved_base_owns_its_packages_and_not_those_installed_above() -> None:
    def side(version: str) -> Side:
        layers = [
            (BASE, [file("lib/libc", version), file("var/lib/dpkg/status", version)]),
            (PACKAGED, [file("usr/bin/curl", version)]),
        ]
        both = Packages((deb("curl", version, "/usr/bin/curl"), deb("libc6", version, "/lib/libc")))
        return Side(layers, bases=(base(version=version),), packages=both)

    night = Night(side("1"), side("2"))
    assert night.said("/lib/libc")[1] is Kind.BASE_IMAGE
    assert night.said("/usr/bin/curl") == (Origin.EXTERNAL, Kind.PACKAGE, NAME, Grade.OWNED)
    libc = night.by_id(night.attribution.packages["pkg:deb/debian/libc6"])
    assert libc.kind is Kind.BASE_IMAGE


def test_a_package_without_changed_files_is_not_given_to_a_base_that_moved() -> None:
    def side(version: str) -> Side:
        layers = [
            (BASE, [file("base", version)]),
            (PACKAGED, [file("var/lib/dpkg/status", version)]),
        ]
        packages = Packages((deb("curl", version, "/usr/bin/curl"),))
        return Side(layers, bases=(base(version=version),), packages=packages)

    night = Night(side("1"), side("2"))
    assert night.by_id(night.attribution.packages[NAME]).kind is Kind.PACKAGE


def test_a_file_of_two_ecosystems_is_the_system_s() -> None:
    def side(version: str) -> Side:
        path = "/usr/lib/python3/dist-packages/six.py"
        packages = (
            Package("pkg:pypi/six", version, "/usr/lib/python3/dist-packages", (path,)),
            deb("python3-six", version, path),
        )
        return Side([(BASE, []), (RUN, [file(path, version)])], packages=Packages(packages))

    night = Night(side("1"), side("2"))
    assert [cause.subject for cause in night.attribution.causes] == ["pkg:deb/debian/python3-six"]
    assert set(night.attribution.packages.values()) == {"c1"}


def test_of_several_copies_only_the_one_that_moved_owns_files() -> None:
    def side(version: str, content: str) -> Side:
        copies = (
            Package("pkg:npm/ms", version, "/a/ms", ("/a/ms/index.js",)),
            Package("pkg:npm/ms", "9", "/b/ms", ("/b/ms/index.js",)),
        )
        members = [file("a/ms/index.js", version), file("b/ms/index.js", content)]
        return Side([(BASE, []), (RUN, members)], packages=Packages(copies))

    night = Night(side("1", "same version"), side("2", "other bytes"))
    assert night.said("/a/ms/index.js")[2] == "pkg:npm/ms"
    assert night.said("/b/ms/index.js")[1] is Kind.FILE


def test_other_bytes_at_the_same_version_are_unexplained_and_the_owner_named() -> None:
    before = installed("1")
    changed = [(BASE, [file("base")]), (PACKAGED, [file("usr/bin/curl", "other")])]
    night = Night(
        before,
        installed(
            "1",
            layers=[
                *changed[:1],
                (PACKAGED, [file("usr/bin/curl", "other"), file("var/lib/dpkg/status", "1")]),
            ],
        ),
    )
    cause = night.cause("/usr/bin/curl")
    assert (cause.origin, cause.kind) == (Origin.UNEXPLAINED, Kind.FILE)
    assert f"{NAME} 1 owns /usr/bin/curl, and did not move" in cause.evidence


@pytest.mark.parametrize("side", ["before", "after"])
def test_nothing_is_said_of_owners_where_a_database_was_not_read(side: str) -> None:
    sides = {
        "before": installed("1", layers=[(BASE, []), (PACKAGED, [file("usr/bin/curl", "1")])]),
        "after": installed("1", layers=[(BASE, []), (PACKAGED, [file("usr/bin/curl", "2")])]),
    }
    unread = Packages(tuple(sides[side].packages), unknown={"deb": "truncated"})
    sides[side] = replace(sides[side], packages=unread)
    cause = Night(sides["before"], sides["after"]).cause("/usr/bin/curl")
    assert cause.kind is Kind.FILE
    assert not [said for said in cause.evidence if "owns" in said]


def test_a_file_that_the_repository_copies_over_a_package_s_is_its_own() -> None:
    def side(version: str, repo: RepoSide) -> Side:
        layers = [
            (BASE, []),
            (PACKAGED, [file("usr/bin/curl", version)]),
            ("COPY curl.conf /etc/", [file("etc/curl.conf", version)]),
        ]
        packages = Packages((deb("curl", version, "/usr/bin/curl", "/etc/curl.conf"),))
        return Side(layers, packages=packages, repo=repo)

    night = Night(side("1", Side([]).repo), side("2", new_context()))
    assert night.said("/etc/curl.conf")[:2] == (Origin.REPO, Kind.CONTEXT)
    assert night.said("/usr/bin/curl")[:2] == (Origin.UNEXPLAINED, Kind.PACKAGE)


def test_a_database_file_of_a_dotted_or_encoded_name_is_its_package_s() -> None:
    def side(version: str) -> Side:
        names = {"libstdc++6": "libstdc%2B%2B6", "python3.11": "python3.11", "python3": "python3"}
        info = [file(f"var/lib/dpkg/info/{name}:amd64.md5sums", version) for name in names]
        packages = Packages(tuple(deb(purl, version) for purl in names.values()))
        return Side([(BASE, []), (RUN, info)], packages=packages)

    night = Night(side("1"), side("2"))
    for name, purl in (("libstdc++6", "libstdc%2B%2B6"), ("python3.11", "python3.11")):
        path = f"/var/lib/dpkg/info/{name}:amd64.md5sums"
        assert night.cause(path).subject == f"pkg:deb/debian/{purl}"


def test_packages_that_could_not_be_read_did_not_go() -> None:
    broken = Packages(unknown={"deb": "damaged"})
    assert Night(installed("1"), installed("1", packages=broken)).comparison.packages == ()


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (base(), replace(base(), digest=Digest.of(b"another index")), False),
        (base(), replace(base(), digest=None, local=True), False),
        (base(), replace(base(), reference="debian:12"), False),
        (base(), base(version="2"), True),
        (base(), base("debian:trixie"), True),
    ],
)
def test_a_base_moved_where_its_image_is_another(before: Base, after: Base, moved: bool) -> None:
    layers = [(BASE, [file("base")]), (RUN, [file("x", mtime=1)])]
    later = [(BASE, [file("base")]), (RUN, [file("x", mtime=2)])]
    night = Night(Side(layers, bases=(before,)), Side(later, bases=(after,)))
    assert (night.status is Status.DRIFTED) is moved
    assert (night.status, len(night.attribution.causes)) == (Status.EQUIVALENT, 0) or moved


def test_one_reference_for_two_platforms_is_two_bases() -> None:
    native = replace(base("golang:1", "amd64", "stage:build"), digest=base("golang:1").digest)
    target = replace(base("golang:1", "arm64", "stage:0", "final"), digest=native.digest)
    other = replace(target, image_id=Digest.of(b"arm64, moved"), digest=Digest.of(b"moved"))
    layers = [(BASE, [file("base")]), (RUN, [file("x", mtime=1)])]
    later = [(BASE, [file("base")]), (RUN, [file("x", mtime=2)])]
    quiet = Night(Side(layers, bases=(native, target)), Side(later, bases=(native, target)))
    assert quiet.attribution.causes == ()
    moved = Night(Side(layers, bases=(native, target)), Side(later, bases=(native, other)))
    assert [cause.before for cause in moved.attribution.causes] == [target.digest]


def test_a_frontend_and_an_engine_that_moved_are_evidence_and_no_base() -> None:
    old, new = (base("docker/dockerfile:1", version, "frontend") for version in "12")
    night = Night(
        Side(one_file(RUN, "1"), bases=(base(), old)),
        Side(one_file(RUN, "2"), bases=(base(), new), engine=replace(ENGINE, version="29")),
    )
    assert [cause.kind for cause in night.attribution.causes] == [Kind.FILE]
    said = " ".join(night.attribution.causes[0].evidence)
    assert "the frontend docker/dockerfile:1 changed" in said
    assert "the engine's version changed: 28 → 29" in said


@pytest.mark.parametrize(
    ("field", "history", "kind"),
    [
        ("Env.FROM_BASE", (BASE, "RUN x"), Kind.BASE_IMAGE),
        ("Env.OWN", (BASE, "RUN x", "ENV OWN=2"), Kind.DOCKERFILE),
        ("Cmd", (BASE, "RUN x", 'CMD ["b"]'), Kind.DOCKERFILE),
        ("Cmd", (BASE, "RUN x", "ENV OWN=2"), Kind.BASE_IMAGE),
        ("Env.V", (BASE, "RUN x", "ENV W=1 PV=2"), Kind.BASE_IMAGE),
        ("Env.LANG", (BASE, "RUN x", "ENV LANGUAGE=en"), Kind.BASE_IMAGE),
        ("Env.LANG", (BASE, "RUN x", 'ENV A="b c" LANG=en'), Kind.DOCKERFILE),
        ("Env.LANG", (BASE, "RUN x", "/bin/sh -c #(nop)  ENV LANG=en"), Kind.DOCKERFILE),
    ],
)
def test_a_setting_is_the_base_s_or_of_the_instruction_that_writes_it(
    field: str, history: tuple[str, ...], kind: Kind
) -> None:
    def side(value: str, lines: tuple[str, ...], **fields: Any) -> Side:
        key, _, name = field.partition(".")
        settings = {"Env": [f"{name}={value}"]} if name else {key: [value]}
        return Side([(BASE, [file("b", value)])], settings=settings, history=lines, **fields)

    night = Night(
        side("1", (BASE, "RUN x")),
        side("2", history, bases=(base(version="2"),), repo=edited()),
    )
    assert night.by_id(night.attribution.config[field]).kind is kind


def test_a_setting_that_is_written_of_the_base_s_variables_is_the_base_s() -> None:
    def side(value: str, **fields: Any) -> Side:
        lines = (BASE, f"ENV X={value}")
        return Side([(BASE, [file("base")])], settings={"Env": [f"X={value}"]}, history=lines,
                    **fields)  # fmt: skip

    def told(**fields: Any) -> tuple[Origin | None, Kind, Grade]:
        night = Night(side("1"), side("2", **fields))
        cause = night.by_id(night.attribution.config["Env.X"])
        return cause.origin, cause.kind, cause.grade

    moved = (base(version="2"),)
    assert told(bases=moved)[:2] == (Origin.EXTERNAL, Kind.BASE_IMAGE)
    assert told()[0] is Origin.UNEXPLAINED
    assert told(bases=moved, repo=edited())[1] is Kind.DOCKERFILE
    assert told(bases=moved, engine=replace(ENGINE, version="29"))[0] is Origin.UNEXPLAINED


@pytest.mark.parametrize(
    ("before", "after", "fields", "said"),
    [
        ("monday", "tuesday", {}, (Origin.NONDETERMINISM, Grade.PROVEN)),
        ("on monday", "on tuesday", {}, (Origin.NONDETERMINISM, Grade.INFERRED)),
        ("on monday", "on tuesday", {"repo": edited()}, (Origin.REPO, Grade.INFERRED)),
        ("a monday", "a tuesday", {"bases": (base(version="2"),)}, (Origin.EXTERNAL, Grade.PROVEN)),
        ("a", "b", {"engine": replace(ENGINE, version="29")}, (Origin.UNEXPLAINED, Grade.INFERRED)),
        ("a", "b", {"volatile": {"DAY": "monday"}}, (Origin.UNEXPLAINED, Grade.INFERRED)),
    ],
    ids=["its value", "made of it", "and an edit", "and a base", "and an engine", "not moved"],
)  # fmt: skip
def test_a_label_of_a_volatile_argument_is_no_news(
    before: str, after: str, fields: dict[str, Any], said: tuple[Origin, Grade]
) -> None:
    stack = [(BASE, [file("base")])]
    sides = (
        Side(stack, settings={"Labels": {"built": before}}, volatile={"DAY": "monday"}),
        Side(**{"layers": stack, "settings": {"Labels": {"built": after}},
                "volatile": {"DAY": "tuesday"}, **fields}),
    )  # fmt: skip
    night = Night(*sides)
    cause = night.by_id(night.attribution.config["Labels.built"])
    assert (cause.origin, cause.grade) == said
    assert (night.status is Status.EQUIVALENT) == (said[0] is Origin.NONDETERMINISM)


def test_two_images_alone_have_no_origin() -> None:
    night = Night(installed("1"), installed("2"), inputs=False)
    assert {cause.origin for cause in night.attribution.causes} == {None}
    assert night.said("/usr/bin/curl")[1] is Kind.PACKAGE


def test_causes_that_share_a_name_claim_no_layer_that_is_not_all_of_theirs() -> None:
    def side(content: str) -> Side:
        first = ("RUN a", [file("a", content), file("b", content)])
        second = ("RUN b", [file("c", content), file("d", content)])
        return Side([(BASE, []), first, second])

    night = Night(side("1"), side("2"))
    assert [(c.files, c.layer, c.instruction) for c in night.attribution.causes] == [
        (4, None, None)
    ]


def test_directories_and_links_go_with_what_they_hold() -> None:
    def side(version: str, *more: Member) -> Side:
        members = [file("usr/bin/curl", version), *more]
        packages = Packages((deb("curl", version, "/usr/bin/curl", "/opt/curl/y", "/opt/curl/z"),))
        return Side([(BASE, []), (PACKAGED, members)], packages=packages)

    new = (
        directory("opt"),
        directory("opt/curl"),
        file("opt/curl/y"),
        hardlink("opt/curl/z", "opt/curl/y"),
    )
    night = Night(side("1"), side("2", *new))
    assert [cause.subject for cause in night.attribution.causes] == [NAME]
    assert night.attribution.causes[0].files == 5


def test_git_s_own_directory_is_named_whatever_lies_above_it() -> None:
    below = ".github/.git/index"
    one, other = (
        Side(one_file("COPY . /", text, path=below), repo=edited(git_commit="a")) for text in "12"
    )
    assert Night(one, other).cause(f"/{below}").subject == "/.github/.git/**"


NEW_CONTEXT = Digest.of(b"new context")


@pytest.mark.parametrize(
    ("before", "after", "versions"),
    [
        ({"revision": "a"}, {"revision": "b"}, ("a", "b")),
        ({"revision": "a"}, {"revision": "b", "dirty": True}, (CONTEXT, NEW_CONTEXT)),
        ({"revision": "a", "dirty": True}, {"revision": "b"}, (CONTEXT, NEW_CONTEXT)),
        ({"revision": "a"}, {"revision": "a", "dirty": True}, (CONTEXT, NEW_CONTEXT)),
        ({"revision": "a"}, {"revision": "a"}, (CONTEXT, NEW_CONTEXT)),
        ({"revision": None}, {"revision": "b"}, (CONTEXT, NEW_CONTEXT)),
    ],
)
def test_both_versions_of_a_context_are_of_one_sort(
    before: Mapping[str, Any], after: Mapping[str, Any], versions: tuple[str, str]
) -> None:
    then = replace(new_context(**before), context=CONTEXT)
    one, other = Side(one_file(COPY, "1"), repo=then), Side(one_file(COPY, "2"))
    cause = Night(one, replace(other, repo=new_context(**after))).cause("/x")
    assert (cause.before, cause.after) == versions
    assert "the context digest changed" in cause.evidence


def test_another_commit_in_a_sent_git_directory_is_no_other_context_digest() -> None:
    one, other = (
        Side(
            one_file("COPY . /", commit, path=".git/index"),
            repo=edited(git_commit=commit, dirty=True),
        )
        for commit in "ab"
    )
    cause = Night(one, other).cause("/.git/index")
    assert (cause.kind, cause.before, cause.after) == (Kind.CONTEXT, "a", "b")
    assert "the git commit of the .git that is sent changed" in cause.evidence
    assert "the context digest changed" not in cause.evidence


def test_what_a_builder_writes_beside_a_command_is_of_the_same_edit() -> None:
    stack = [(BASE, [file("base")])]
    for moved in ((), (base(version="2"),)):
        after = {"Cmd": ["b"], "ArgsEscaped": True}
        lines = (BASE, 'CMD ["b"]')
        night = Night(
            Side(stack, settings={}, history=(BASE,)),
            Side(stack, settings=after, history=lines, repo=edited(), bases=moved or (base(),)),
        )
        decided = night.attribution.config
        assert decided["ArgsEscaped"] == decided["Cmd"]
        assert night.by_id(decided["Cmd"]).kind is Kind.DOCKERFILE
