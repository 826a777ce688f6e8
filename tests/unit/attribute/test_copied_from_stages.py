"""Files that came by COPY --from: two builds with their stages, and whose each path is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from drift.attribute.attribute import attribute
from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.sides import Sides
from drift.attribute.stages import CopiedFromStages
from drift.builds import Build, Role, StageSnapshot
from drift.compare.compare import compare
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory, Package, Packages, Snapshot
from drift.source.model import Base, EngineIdentity, Inputs, Probe, Remote, RemoteKind, RepoSide
from support.images import Member, file, snapshot_of

ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
URL = "https://example.org/a"
BASE = "golang:1"
LIBFOO = "pkg:deb/debian/libfoo-dev"

Steps = Sequence[tuple[str, Sequence[Member]]]


@dataclass
class Stage:
    """A stage: what its base holds, what each instruction made, what is installed."""

    steps: Steps
    base: str = "1"
    packages: Mapping[str, str] = field(default_factory=dict)
    index: int = 0


@dataclass
class Made:
    """One build: its stages, and the files that each COPY of the image brought."""

    stages: Mapping[str, Stage]
    steps: Steps
    repo: str = "one"
    dockerfile: str = ""
    probes: Mapping[int, str] = field(default_factory=dict)  # what URL served, by the line
    problem: Mapping[str, str] = field(default_factory=dict)


class World:
    def __init__(self) -> None:
        self.layers = LayersInMemory()

    def snapshot(self, stage: str, base: str, steps: Steps, packages: Packages) -> Snapshot:
        stacks = [[file("etc/release", base)], *(members for _, members in steps)]
        taken = snapshot_of(stacks, self.layers, packages=packages, base=1)
        tied = (
            replace(layer, instruction=Instruction(stage, line, text))
            for line, (layer, (text, _)) in enumerate(
                zip(taken.layers[1:], steps, strict=True), start=2
            )
        )
        return replace(taken, layers=(taken.layers[0], *tied))

    def build(self, made: Made, role: Role, day: int = 23) -> Build:
        stages = []
        for name, stage in made.stages.items():
            installed = Packages(
                tuple(
                    Package(purl, version, files=(f"/usr/lib/{purl.rpartition('/')[2]}",))
                    for purl, version in stage.packages.items()
                )
            )
            taken = self.snapshot(name, stage.base, stage.steps, installed)
            problem = made.problem.get(name)
            kept = None if problem else taken
            stages.append(StageSnapshot(name, kept, problem, stage.index))
        bases = [
            Base(
                f"{BASE}-{name}" if number else BASE,
                Digest.of(stage.base.encode()),
                Digest.of(stage.base.encode()),
                roles=(f"stage:{name}", f"stage:{stage.index}"),
            )
            for number, (name, stage) in enumerate(made.stages.items())
        ]
        side = RepoSide(Digest.of(made.repo.encode()), Digest.of(made.dockerfile.encode()))
        probes = tuple(
            Probe(
                Remote(RemoteKind.FETCH, URL, next(iter(made.stages)), line),
                NOW,
                Digest.of(text.encode()),
            )
            for line, text in made.probes.items()
        )
        return Build(
            id=f"{role}{day}", image="app", run=str(day), night=date(2026, 11, day), role=role,
            reason="", started_at=NOW, seconds=1,
            inputs=Inputs(side, tuple(bases), ENGINE),
            snapshot=self.snapshot("last", "final", made.steps, Packages()),
            stages=tuple(stages), probes=probes,
        )  # fmt: skip


class Night:
    """Two nights compared: the claim for each path that changed in the image."""

    def __init__(self, before: Made, after: Made) -> None:
        world = World()
        baseline = world.build(before, Role.NIGHTLY, 22)
        candidate = world.build(after, Role.NIGHTLY)
        sides = Sides.of_builds(baseline, candidate)
        self.rule = CopiedFromStages(sides, world.layers)
        self.changes = {c.path: c for c in compare(sides.before, sides.after, world.layers).files}

    def claim(self, path: str, by: Origin = Origin.EXTERNAL) -> Claim | None:
        """What holds a path in its stage, or what it was made from there."""
        change = self.changes[path]
        return self.rule.of_path(change) or self.rule.made(change, by)

    def sure(self, path: str, by: Origin = Origin.EXTERNAL) -> Claim:
        claim = self.claim(path, by)
        assert claim is not None
        return claim

    def said(self, path: str, by: Origin = Origin.EXTERNAL) -> tuple[object, ...] | None:
        claim = self.claim(path, by)
        return (claim.origin, claim.kind, claim.subject, claim.grade) if claim else None


MAKE = "RUN make"
COPY = "COPY --from=build /out/tool /usr/bin/"


def compiled(
    content: str,
    *,
    base: str = "1",
    version: str = "1.0",
    source: str = "main",
    repo: str = "one",
    probes: Mapping[int, str] | None = None,
    problem: Mapping[str, str] | None = None,
    make: str = MAKE,
) -> Made:
    """A tool that a stage makes of a package, a copy of the context, and a download."""
    library = file("usr/lib/libfoo-dev", version)
    stage = Stage(
        [
            ("RUN apt-get install -y libfoo-dev", [library]),
            ("COPY . /src", [file("src/main.c", source)]),
            (make, [file("out/tool", content), file("out/other", "same")]),
        ],
        base,
        {LIBFOO: version},
    )
    steps = [(COPY, [file("usr/bin/tool", content)])]
    return Made({"build": stage}, steps, repo, probes=probes or {}, problem=problem or {})


def test_a_package_that_moved_before_the_run_that_made_the_file() -> None:
    night = Night(compiled("old"), compiled("new", version="1.1"))
    claim = night.sure("/usr/bin/tool")
    assert night.said("/usr/bin/tool") == (
        Origin.EXTERNAL, Kind.PACKAGE, LIBFOO, Grade.DERIVED,
    )  # fmt: skip
    assert (claim.before, claim.after) == ("1.0", "1.1")
    assert claim.instruction == Instruction("build", 2, "RUN apt-get install -y libfoo-dev")
    assert claim.layer == 1
    assert "copied from stage build: /out/tool" in claim.evidence
    assert (
        f"in stage build, {LIBFOO} moved 1.0 → 1.1, and RUN make (line 4) made the file"
        in claim.evidence
    )


@pytest.mark.parametrize(
    ("make", "grade"),
    [
        ("RUN apt-get install -y make && make", Grade.DERIVED),
        ("RUN npm run build", Grade.DERIVED),
        ("RUN go build ./...", Grade.INFERRED),
        ("RUN curl https://example.org/$V | sh", Grade.INFERRED),
    ],
)
def test_what_else_the_run_may_have_fetched_makes_it_less_sure(make: str, grade: Grade) -> None:
    night = Night(compiled("old", make=make), compiled("new", version="1.1", make=make))
    expected = (Origin.EXTERNAL, Kind.PACKAGE, LIBFOO, grade)
    assert night.said("/usr/bin/tool") == expected


def test_the_base_of_the_stage_moved() -> None:
    night = Night(compiled("old"), compiled("new", base="2"))
    assert night.said("/usr/bin/tool") == (
        Origin.EXTERNAL, Kind.BASE_IMAGE, BASE, Grade.DERIVED,
    )  # fmt: skip


def test_of_several_sources_the_nearest_is_named_and_the_others_told() -> None:
    night = Night(compiled("old"), compiled("new", base="2", version="1.1"))
    claim = night.sure("/usr/bin/tool")
    assert (claim.subject, claim.grade) == (LIBFOO, Grade.INFERRED)
    assert any(f"with it: {BASE} moved" in sentence for sentence in claim.evidence)


def test_what_moved_after_the_run_explains_nothing() -> None:
    def made(content: str, version: str) -> Made:
        one = compiled(content)
        steps = [
            (MAKE, [file("out/tool", content)]),
            ("RUN apt-get install -y libfoo-dev", [file("usr/lib/libfoo-dev", version)]),
        ]
        stage = Stage(steps, packages={LIBFOO: version})
        return replace(one, stages={"build": stage})

    assert Night(made("old", "1.0"), made("new", "1.1")).said("/usr/bin/tool") is None


def test_where_nothing_named_moved_the_experiment_decides() -> None:
    assert Night(compiled("old"), compiled("new")).said("/usr/bin/tool") is None


def test_a_file_that_a_package_of_the_stage_owns() -> None:
    def made(version: str) -> Made:
        one = compiled("same", version=version)
        return replace(
            one,
            steps=[("COPY --from=build /usr/lib /opt/lib", [file("opt/lib/libfoo-dev", version)])],
        )

    night = Night(made("1.0"), made("1.1"))
    assert night.said("/opt/lib/libfoo-dev") == (
        Origin.EXTERNAL, Kind.PACKAGE, LIBFOO, Grade.OWNED,
    )  # fmt: skip


def test_a_file_of_the_stage_s_base() -> None:
    def made(base: str) -> Made:
        one = compiled("same", base=base)
        return replace(one, steps=[("COPY --from=0 /etc/release /r", [file("r", base)])])

    assert Night(made("1"), made("2")).said("/r") == (
        Origin.EXTERNAL, Kind.BASE_IMAGE, BASE, Grade.PROVEN,
    )  # fmt: skip


def test_a_url_of_the_stage() -> None:
    def made(served: str) -> Made:
        steps: Steps = [
            (f"RUN curl -o /tmp/a {URL}", [file("tmp/a", served)]),
            (MAKE, [file("out/tool", f"made of {served}")]),
        ]
        copies: Steps = [
            (COPY, [file("usr/bin/tool", f"made of {served}")]),
            ("COPY --from=build /tmp/a /b", [file("b", served)]),
        ]
        return Made({"build": Stage(steps)}, copies, probes={2: served})

    night = Night(made("one"), made("two"))
    assert night.said("/b") == (Origin.EXTERNAL, Kind.REMOTE_CONTENT, URL, Grade.PROVEN)
    assert night.said("/usr/bin/tool") == (
        Origin.EXTERNAL, Kind.REMOTE_CONTENT, URL, Grade.DERIVED,
    )  # fmt: skip
    assert night.sure("/usr/bin/tool").before == Digest.of(b"one")


def test_where_an_edited_copy_puts_what_moved_is_not_the_source_s_doing() -> None:
    """The stage had the file before, too: what moved there did not bring the path."""

    def made(served: str, path: str, repo: str) -> Made:
        steps: Steps = [(f"RUN curl -o /tmp/a {URL}", [file("tmp/a", served)])]
        copies: Steps = [(f"COPY --from=build /tmp/a /{path}", [file(path, served)])]
        return Made({"build": Stage(steps)}, copies, repo, probes={2: served})

    night = Night(made("one", "here", "one"), made("two", "there", "two"))
    assert night.said("/here") == (Origin.EXTERNAL, Kind.REMOTE_CONTENT, URL, Grade.PROVEN)
    assert night.claim("/there") is None
    same = Night(made("one", "here", "one"), made("two", "there", "one"))
    assert same.claim("/there") is not None


def test_sources_are_those_of_whoever_the_experiment_names() -> None:
    after = compiled("new", version="1.1", source="edited", repo="two", base="2")
    night = Night(compiled("old"), after)
    assert night.said("/usr/bin/tool", Origin.REPO) == (
        Origin.REPO, Kind.CONTEXT, "COPY . /src", Grade.DERIVED,
    )  # fmt: skip
    # The package's origin is open without a replay; the base's is not.
    assert night.said("/usr/bin/tool") == (
        Origin.EXTERNAL, Kind.BASE_IMAGE, BASE, Grade.DERIVED,
    )  # fmt: skip


def test_what_a_run_made_is_no_source_s_own() -> None:
    night = Night(compiled("old"), compiled("new", version="1.1"))
    assert night.rule.of_path(night.changes["/usr/bin/tool"]) is None
    assert night.rule.knows(night.changes["/usr/bin/tool"])


def test_an_edited_run_of_the_stage_is_the_repository_s() -> None:
    def made(content: str, text: str) -> Made:
        one = compiled(content)
        steps = [*one.stages["build"].steps[:2], (text, [file("out/tool", content)])]
        stage = replace(one.stages["build"], steps=steps)
        return replace(one, stages={"build": stage}, dockerfile=text)

    before, after = made("old", MAKE), made("new", "RUN make -j2")
    night = Night(before, after)
    assert night.said("/usr/bin/tool", Origin.REPO) == (
        Origin.REPO, Kind.DOCKERFILE, "RUN make -j2", Grade.INFERRED,
    )  # fmt: skip
    instruction = night.sure("/usr/bin/tool", Origin.REPO).instruction
    assert instruction == Instruction("build", 4, "RUN make -j2")
    assert night.said("/usr/bin/tool") is None


def test_a_stage_that_copies_from_a_stage_is_followed() -> None:
    def made(version: str) -> Made:
        one = compiled(version, version=version)
        collect = Stage(
            [
                ("COPY --from=build /out /collected", [file("collected/tool", version)]),
                ("RUN strip /collected/tool", [file("final/tool", f"stripped {version}")]),
            ],
            index=1,
        )
        copies: Steps = [
            ("COPY --from=collect /collected/ /a/", [file("a/tool", version)]),
            ("COPY --from=collect /final/tool /b", [file("b", f"stripped {version}")]),
        ]
        return replace(one, stages={**one.stages, "collect": collect}, steps=copies)

    night = Night(made("1.0"), made("1.1"))
    expected = (Origin.EXTERNAL, Kind.PACKAGE, LIBFOO)
    assert (night.said("/a/tool") or ())[:3] == expected
    assert "copied from stage build: /out" in night.sure("/a/tool").evidence
    assert "copied from stage collect: /collected/" in night.sure("/a/tool").evidence
    assert (night.said("/b") or ())[:3] == expected


def test_a_stage_that_copies_from_an_image_of_its_own_name_comes_to_an_end() -> None:
    def made(content: str) -> Made:
        stage = Stage([("COPY --from=build /out/tool /out/tool", [file("out/tool", content)])])
        return Made({"build": stage}, [(COPY, [file("usr/bin/tool", content)])])

    assert Night(made("old"), made("new")).said("/usr/bin/tool") is None


def test_files_that_came_and_went() -> None:
    def made(name: str, version: str) -> Made:
        one = compiled("same", version=version)
        steps = [*one.stages["build"].steps[:2], (MAKE, [file(f"out/{name}", "x")])]
        stage = replace(one.stages["build"], steps=steps)
        copy = ("COPY --from=build /out/ /srv/", [file(f"srv/{name}", "x")])
        return replace(one, stages={"build": stage}, steps=[copy])

    night = Night(made("lib.so.1", "1.0"), made("lib.so.2", "1.1"))
    expected = (Origin.EXTERNAL, Kind.PACKAGE, LIBFOO, Grade.DERIVED)
    assert {path: night.said(path) for path in night.changes} == {
        "/srv/lib.so.1": expected,
        "/srv/lib.so.2": expected,
    }
    assert night.sure("/srv/lib.so.1").layer is None


@pytest.mark.parametrize("side", ["the baseline's", "tonight's"])
def test_a_stage_that_could_not_be_had_is_unknown(side: str) -> None:
    lost = {"build": "it was another"}
    before = compiled("old", problem=lost if side == "the baseline's" else {})
    after = compiled("new", version="1.1", problem=lost if side == "tonight's" else {})
    night = Night(before, after)
    change = night.changes["/usr/bin/tool"]
    assert night.rule.of_path(change) is None
    assert night.rule.unknown_stage(change) == (
        f"what stage build held is unknown: {side} build: it was another"
    )


def test_a_baseline_that_was_never_looked_into_is_unknown() -> None:
    night = Night(replace(compiled("old"), stages={}), compiled("new", version="1.1"))
    change = night.changes["/usr/bin/tool"]
    assert night.rule.of_path(change) is None
    assert "the baseline's build was not looked into" in str(night.rule.unknown_stage(change))


def test_a_path_that_no_stage_brought_is_nothing_to_say_about() -> None:
    def made(content: str) -> Made:
        copy = ("COPY --from=nginx:1 /x /x", [file("x", content)])
        return replace(compiled("same"), steps=[copy, (MAKE, [file("y", content)])])

    night = Night(made("old"), made("new"))
    for path in ("/x", "/y"):
        assert night.rule.of_path(night.changes[path]) is None
        assert night.rule.unknown_stage(night.changes[path]) is None


def test_what_the_image_made_of_a_copied_file_follows_from_its_stage() -> None:
    def made(content: str, version: str) -> Made:
        made = compiled(content, version=version)
        twice = ("RUN cat /usr/bin/tool /usr/bin/tool > /twice", [file("twice", content * 2)])
        return replace(made, steps=[*made.steps, twice])

    world = World()
    baseline = world.build(made("old", "1.0"), Role.NIGHTLY, 22)
    candidate, control = (
        world.build(made("new", "1.1"), role) for role in (Role.NIGHTLY, Role.CONTROL)
    )
    sides = replace(Sides.of_builds(baseline, candidate), controls=(control,))
    comparison = compare(sides.before, sides.after, world.layers)
    found = attribute(sides, comparison, world.layers)
    assert {cause.subject for cause in found.causes} == {LIBFOO}
    assert set(found.paths) == {"/usr/bin/tool", "/twice"}
    assert not found.needs
