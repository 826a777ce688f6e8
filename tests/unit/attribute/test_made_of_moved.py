"""What a RUN of the image made of what moved below it, or in what it mounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from drift.attribute.bases import MovedBases, claim_of_move
from drift.attribute.claims import Claim, Claims
from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.ran import MadeOfMoved
from drift.attribute.sides import Sides
from drift.compare.compare import compare
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory, Snapshot
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from support.images import file, snapshot_of

ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
RUN = "RUN make"
ROLES = ("stage:0", "final")


def claim(
    subject: str,
    layer: int | None = None,
    origin: Origin = Origin.EXTERNAL,
    kind: Kind = Kind.PACKAGE,
) -> Claim:
    return Claim(origin, kind, subject, Grade.OWNED, layer=layer)


def base(version: str) -> Base:
    digest = Digest.of(version.encode())
    return Base("debian:1", digest, digest, roles=ROLES, history_length=1)


def snapshot(texts: Sequence[str], content: str, layers: LayersInMemory) -> Snapshot:
    """The base, then a layer for each instruction; ``/made`` is the last one's."""
    own = [[file(f"own{number}", content)] for number in range(len(texts) - 1)]
    taken = snapshot_of([[file("base")], *own, [file("made", content)]], layers, base=1)
    tied = (
        replace(layer, instruction=Instruction("0", number, text))
        for number, (layer, text) in enumerate(zip(taken.layers[1:], texts, strict=True), start=2)
    )
    return replace(taken, layers=(taken.layers[0], *tied))


def made(
    *texts: str,
    before: Sequence[str] = (),
    versions: str = "11",
    packages: Sequence[Claim] = (),
    own: Claim | None = None,
    in_stage: Sequence[Claim] | None = (),
) -> Claim | None:
    """The claim for ``/made``, where packages moved, and ``own`` holds ``/own0``."""
    layers = LayersInMemory()
    then, now = snapshot(before or texts, "1", layers), snapshot(texts, "2", layers)
    side = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"))
    one, other = (Inputs(side, (base(version),), ENGINE) for version in versions)
    sides = Sides(then, now, one, other)
    changes = {change.path: change for change in compare(then, now, layers).files}
    claims = Claims()
    claims.packages = {package.subject: claims.add(package) for package in packages}
    if own is not None:
        claims.paths["/own0"] = claims.add(own)
    bases = MovedBases(sides)
    rule = MadeOfMoved(sides, bases, lambda _name, _by: in_stage)
    rule.learn(claims, (), changes)
    return bases.of_trigger(changes["/made"]) or rule.of_run(changes["/made"])


def test_of_what_moved_below_it() -> None:
    found = made("RUN apt-get install a", RUN, packages=[claim("a", 1)])
    assert found is not None
    assert (found.subject, found.grade) == ("a", Grade.DERIVED)
    assert found.evidence == ("line 3 ran on what moved, and names nothing else outside",)


def test_the_nearest_is_named_and_the_others_told() -> None:
    packages = [claim("a", 1), claim("b", 2)]
    found = made("RUN 1", "RUN 2", RUN, versions="12", packages=packages)
    assert found is not None
    assert found.subject == "b"
    assert "a moved" in found.evidence[-1]
    assert "debian:1 moved" in found.evidence[-1]


def test_what_the_command_names_comes_before_the_nearest() -> None:
    packages = [claim(f"pkg:deb/debian/{name}", layer) for name, layer in (("cc", 1), ("b", 2))]
    found = made("RUN 1", "RUN 2", "RUN cc -o made src/b.c", packages=packages)
    assert found is not None
    assert found.subject == "pkg:deb/debian/cc"
    found = made("RUN 1", "RUN 2", "RUN ccache gcc my-cc x.cc", packages=packages)
    assert found is not None
    assert found.subject == "pkg:deb/debian/b"


@pytest.mark.parametrize(
    "moved",
    [
        claim("a", 3),
        claim("a", 1, origin=Origin.REPO),
        claim("a", 1, origin=Origin.NONDETERMINISM),
        claim("a", 1, kind=Kind.PACKAGE_INDEX),
        claim("a", None),
    ],
    ids=["above it", "the repository's", "noise", "no content", "nowhere"],
)
def test_what_cannot_have_reached_it(moved: Claim) -> None:
    assert made("RUN 1", RUN, packages=[moved]) is None


def test_a_run_that_may_have_fetched_is_not_read() -> None:
    fetching = "RUN curl https://example.org"
    assert made("RUN 1", fetching, versions="12", packages=[claim("a", 1)]) is None


def test_a_file_that_a_source_holds_tells_its_layer() -> None:
    url = claim("https://example.org/a", kind=Kind.REMOTE_CONTENT)
    found = made("RUN fetch", RUN, own=url)
    assert found is not None
    assert found.subject == url.subject


def test_what_moved_in_a_mounted_stage() -> None:
    run = "RUN --mount=from=build,target=/in make"
    found = made(run, versions="12", in_stage=[claim("a", 7)])
    assert found is not None
    assert (found.subject, found.grade) == ("a", Grade.DERIVED)
    assert made(run, versions="12", in_stage=None) is None


def test_a_trigger_that_only_the_moved_base_brings() -> None:
    found = made("ONBUILD COPY b /", before=["ONBUILD COPY a /"], versions="12")
    assert found is not None
    assert found.subject == "debian:1"
    assert "ONBUILD trigger" in found.evidence[-1]
    assert made("ONBUILD COPY a /", versions="12") is None
    same_trigger = made("ONBUILD RUN make", versions="12")
    assert same_trigger is not None
    assert "ran on what moved" in same_trigger.evidence[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY a /bin/", "debian:1"),
        ("COPY --from=0 a /bin/", None),
        ("ADD https://example.org/a /bin/", None),
        ("RUN cp a /bin/", None),
    ],
)
def test_a_copy_lands_where_the_links_of_a_moved_base_lead(text: str, expected: str | None) -> None:
    layers = LayersInMemory()
    then = snapshot([text], "1", layers)
    now = snapshot_of([[file("base")], [file("usr/made", "1")]], layers, base=1)
    tied = replace(now.layers[1], instruction=Instruction("0", 2, text))
    now = replace(now, layers=(now.layers[0], tied))
    side = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"))
    one, other = (Inputs(side, (base(version),), ENGINE) for version in "12")
    sides = Sides(then, now, one, other)
    changes = {change.path: change for change in compare(then, now, layers).files}
    rule = MadeOfMoved(sides, MovedBases(sides), lambda _name, _by: ())
    rule.learn(Claims(), (), changes)
    for path in ("/made", "/usr/made"):
        found = rule.of_place(changes[path])
        assert (found and found.subject) == expected


def test_a_trigger_that_the_moved_base_brings_no_more() -> None:
    """What it made is gone, and nothing tonight took it away."""
    layers = LayersInMemory()
    then = snapshot(["ONBUILD COPY a /"], "1", layers)
    now = snapshot_of([[file("base")]], layers, base=1)
    side = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"))
    one, other = (Inputs(side, (base(version),), ENGINE) for version in "12")
    sides = Sides(then, now, one, other)
    (change,) = (c for c in compare(then, now, layers).files if c.path == "/made")
    found = MovedBases(sides).of_trigger(change)
    assert found is not None
    assert found.subject == "debian:1"
    assert "does no more" in found.evidence[-1]


def test_a_pin_is_told_once() -> None:
    """A reference that the repository pins by digest says its digest itself."""
    pins = [f"debian:1@{Digest.of(version)}" for version in (b"1", b"2")]
    one, other = (Base(pin, Digest.of(b"id"), Digest(pin.split("@")[1])) for pin in pins)
    found = claim_of_move(one, other)
    assert (found.origin, found.before, found.after) == (Origin.REPO, *pins)


def test_what_a_run_makes_no_more() -> None:
    layers = LayersInMemory()
    then = snapshot(["RUN 1", RUN], "1", layers)
    gone = snapshot_of([[file("base")], [file("own0", "1")], [file("other")]], layers, base=1)
    for after, expected in (("RUN make", "a"), ("RUN other", None)):
        tied = [
            replace(layer, instruction=Instruction("0", at, text))
            for at, (layer, text) in enumerate(
                zip(gone.layers[1:], ("RUN 1", after), strict=True), start=2
            )
        ]
        now = replace(gone, layers=(gone.layers[0], *tied))
        sides = Sides(then, now)
        changes = {change.path: change for change in compare(then, now, layers).files}
        claims = Claims()
        claims.packages = {"a": claims.add(claim("a", 1))}
        rule = MadeOfMoved(sides, MovedBases(sides), lambda _name, _by: ())
        rule.learn(claims, (), changes)
        found = rule.of_run(changes["/made"])
        assert (found and found.subject) == expected


def test_what_may_have_fetched_is_told_what_moved_beside_it() -> None:
    fetching = "RUN curl https://example.org"
    layers = LayersInMemory()
    then, now = (snapshot(["RUN 1", fetching], content, layers) for content in "12")
    sides = Sides(then, now)
    changes = {change.path: change for change in compare(then, now, layers).files}
    claims = Claims()
    claims.packages = {name: claims.add(claim(name, layer)) for name, layer in (("a", 1), ("b", 2))}
    rule = MadeOfMoved(sides, MovedBases(sides), lambda _name, _by: ())
    rule.learn(claims, (), changes)
    assert rule.of_run(changes["/made"]) is None
    (said,) = rule.beside(changes["/made"])
    assert "b moved absent → absent, a moved" in said
    assert "b moved" not in rule.beside(changes["/own0"])[0]
