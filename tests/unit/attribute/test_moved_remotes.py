"""Sources that moved, as a table: two nights' files and probes, and whose each path is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest

from drift.attribute.model import Grade, Kind, Origin
from drift.attribute.remote import MovedRemotes
from drift.attribute.sides import Sides
from drift.attribute.stale import stale_adds
from drift.attribute.values import Values
from drift.builds import Build, Role, StageSnapshot
from drift.compare.compare import compare
from drift.oci import Digest
from drift.snapshot.model import Instruction, LayersInMemory
from drift.source.model import Base, EngineIdentity, Inputs, Probe, Remote, RemoteKind, RepoSide
from support.images import Member, file, snapshot_of, symlink

U = "https://example.org/a"
ENGINE = EngineIdentity("docker", "28", "1.51", "buildkit", "linux/amd64")
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
RUN = "RUN fetch"


def probe(
    content: str | None,
    *,
    url: str = U,
    line: int = 1,
    stage: str = "0",
    kind: RemoteKind = RemoteKind.FETCH,
    ref: str | None = None,
    members: Mapping[str, str] | None = None,
    target: str | None = None,
    gone: bool = False,
) -> Probe:
    is_git = kind is RemoteKind.GIT
    identity = content if is_git or content is None else Digest.of(content.encode())
    return Probe(
        Remote(kind, url, stage, line, ref, target),
        NOW,
        identity,
        members={name: Digest.of(text.encode()) for name, text in (members or {}).items()},
        problem="no" if content is None else None,
        gone=gone,
    )


@dataclass(frozen=True)
class Made:
    """One build: a layer for each instruction's text, what it holds, and the probes."""

    files: Mapping[str, str]
    probes: Sequence[Probe] = ()
    text: str = RUN
    repo: str = "one"
    bases: tuple[Base, ...] = ()
    members: Sequence[Member] = ()


def build(made: Made, store: LayersInMemory, role: Role = Role.NIGHTLY, day: int = 23) -> Build:
    files = [file(path, content) for path, content in made.files.items()]
    taken = snapshot_of([[*files, *made.members]], store)
    layers = tuple(
        replace(layer, instruction=Instruction("0", 1, made.text)) for layer in taken.layers
    )
    side = RepoSide(Digest.of(b"context"), Digest.of(made.repo.encode()))
    return Build(
        id=f"{role}{day}",
        image="app",
        run=str(day),
        night=date(2026, 11, day),
        role=role,
        reason="",
        started_at=NOW,
        seconds=1,
        inputs=Inputs(side, made.bases, ENGINE),
        snapshot=replace(taken, layers=layers),
        probes=tuple(made.probes),
    )


class Night:
    def __init__(
        self,
        before: Made,
        after: Made,
        replays: Iterable[Made] = (),
        controls: Iterable[Made] = (),
        stages: tuple[StageSnapshot, ...] = (),
    ) -> None:
        self.store = LayersInMemory()
        self.baseline = build(before, self.store, day=22)
        self.candidate = replace(build(after, self.store), stages=stages)
        sides = replace(
            Sides.of_builds(self.baseline, self.candidate),
            replays=tuple(build(made, self.store, Role.REPLAY) for made in replays),
            controls=tuple(build(made, self.store, Role.CONTROL) for made in controls),
        )
        comparison = compare(sides.before, sides.after, self.store)
        self.remotes = MovedRemotes(sides, comparison, Values(sides, self.store), self.store)
        self.said = {}
        for change in comparison.files:
            claim = self.remotes.of_path(change)
            self.said[change.path] = claim and (claim.origin, claim.kind, claim.grade)


OLD, NEW = {"bin/a": "old"}, {"bin/a": "new"}
PROVEN = (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.PROVEN)
INFERRED = (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.INFERRED)
GIT = (Origin.EXTERNAL, Kind.GIT_REMOTE, Grade.PROVEN)
GIT_INFERRED = (Origin.EXTERNAL, Kind.GIT_REMOTE, Grade.INFERRED)
ARCHIVE = {"a-1/bin/a": "old", "a-1/doc": "same"}
ARCHIVE_NEW = {"a-2/bin/a": "new", "a-2/doc": "same", "a-2/more": "more"}


def pair(members: Mapping[str, str] = ARCHIVE, then: str = "tgz 1") -> Probe:
    return probe(then, members=members)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            Made(OLD, [probe("old")]), Made(NEW, [probe("new")]), PROVEN,
            id="both files are what was served on their nights",
        ),
        pytest.param(
            Made(OLD, [probe("old")]), Made(NEW, [probe("new")], repo="two"), PROVEN,
            id="so they are though the repository changed as well",
        ),
        pytest.param(
            Made(OLD, [pair()]), Made(NEW, [probe("tgz 2", members=ARCHIVE_NEW)]), PROVEN,
            id="both are files of what was served",
        ),
        pytest.param(
            Made(OLD, [probe("old")]), Made(OLD | {"x": "y"}, [probe("old")]), None,
            id="what did not move holds nothing",
        ),
        pytest.param(
            Made(OLD), Made(NEW, [probe("new")]), INFERRED,
            id="first asked tonight",
        ),
        pytest.param(
            Made(OLD, [probe(None)]), Made(NEW, [probe("new")]), INFERRED,
            id="no answer on the baseline's night",
        ),
        pytest.param(
            Made(OLD), Made(NEW, [probe("new")], repo="two"), None,
            id="first asked tonight, and the repository changed",
        ),
        pytest.param(
            Made(OLD, [probe("old")]), Made(NEW, [probe(None)]), None,
            id="no answer tonight",
        ),
        pytest.param(
            Made(OLD, [probe("old", url=U + "/1")]), Made(NEW, [probe("new")], repo="two"), None,
            id="the repository names another address",
        ),
        pytest.param(
            Made(OLD, [probe("script 1")]), Made(NEW, [probe("script 2")]), INFERRED,
            id="the only source of the instruction that moved",
        ),
        pytest.param(
            Made(OLD, [probe("script 1")]), Made(NEW, [probe("script 2")], repo="two"), None,
            id="an instruction's files may be the repository's where it changed",
        ),
        pytest.param(
            Made(OLD, [probe("1"), probe("2", url=U + "/2")]),
            Made(NEW, [probe("3"), probe("4", url=U + "/2")]), None,
            id="two sources of the instruction moved",
        ),
        pytest.param(
            Made(OLD, [probe("1"), probe("2", url=U + "/2")]),
            Made(NEW, [probe("3"), probe("2", url=U + "/2")]), INFERRED,
            id="one of two sources of the instruction moved",
        ),
        pytest.param(
            Made(OLD, [probe("1", line=7)]), Made(NEW, [probe("2", line=7)]), None,
            id="another instruction's source moved",
        ),
        pytest.param(
            Made(OLD, [probe("1")]), Made(NEW, [probe("2")], text="RUN fetch more"), None,
            id="the instruction was edited",
        ),
        pytest.param(
            Made(OLD, [probe("1")], bases=(Base("b", Digest.of(b"1"), roles=("final",)),)),
            Made(NEW, [probe("2")], bases=(Base("b", Digest.of(b"2"), roles=("final",)),)), None,
            id="a base moved too",
        ),
        pytest.param(
            Made({"bin/a": ""}, [probe("", line=9)]), Made(NEW, [probe("x", line=9)]), None,
            id="an empty file proves nothing",
        ),
        pytest.param(
            Made({"r/.git/HEAD": "c1\n", "bin/a": "1"}, [probe("c1", kind=RemoteKind.GIT)]),
            Made({"r/.git/HEAD": "c2\n", "bin/a": "2"}, [probe("c2", kind=RemoteKind.GIT)]),
            GIT_INFERRED, id="what was built from a repository",
        ),
    ],
)  # fmt: skip
def test_a_changed_file(
    before: Made, after: Made, expected: tuple[Origin, Kind, Grade] | None
) -> None:
    night = Night(before, after)
    assert night.said.get("/bin/a") == expected


def test_the_file_that_names_a_commit_proves_it() -> None:
    one = probe("c1", kind=RemoteKind.GIT, ref="main", line=5)
    night = Night(
        Made({"r/.git/refs/heads/main": "c1\n"}, [one]),
        Made({"r/.git/refs/heads/main": "c2\n"}, [replace(one, identity="c2")]),
    )
    assert night.said == {"/r/.git/refs/heads/main": GIT}
    (claim,) = night.remotes.claims
    assert (claim.subject, claim.before, claim.after) == (f"{U}#main", "c1", "c2")


def test_what_comes_with_a_new_archive_is_told_by_name_and_content() -> None:
    old = Made({"opt/a/bin/a": "old"}, [replace(pair(), remote=pair().remote)])
    moved = probe("tgz 2", members=ARCHIVE_NEW)
    new = {"opt/a/bin/a": "new", "opt/a/more": "more", "etc/other": "more"}
    same = Night(old, Made(new, [moved]))
    assert same.said["/opt/a/more"] == PROVEN
    assert same.said["/etc/other"] is None  # another name, and not where the archive went

    edited = Night(old, Made(new, [moved], repo="two"))
    assert edited.said["/opt/a/bin/a"] == PROVEN
    assert edited.said["/opt/a/more"] is None  # the repository may unpack more of it
    assert same.remotes.claims[0].before == Digest.of(b"tgz 1")


def test_where_digests_show_where_a_source_went_the_rest_is_not_its() -> None:
    """A link lies among the archive's files; the stamp is the instruction's own."""
    old = [file("opt/a/bin/a", "old"), symlink("opt/a/lib", "lib.1"), file("etc/stamp", "1")]
    new = [file("opt/a/bin/a", "new"), symlink("opt/a/lib", "lib.2"), file("etc/stamp", "2")]
    moved = probe("tgz 2", members=ARCHIVE_NEW)
    night = Night(Made({}, [pair()], members=old), Made({}, [moved], members=new))
    assert night.said == {"/opt/a/bin/a": PROVEN, "/opt/a/lib": INFERRED, "/etc/stamp": None}

    made_of = (probe("source 1"), probe("source 2"))
    built = Night(Made({}, made_of[:1], members=old), Made({}, made_of[1:], members=new))
    assert set(built.said.values()) == {INFERRED}


def test_another_mode_of_the_same_content_is_no_digests_business() -> None:
    one = [file("bin/a", "old")]
    other = [file("bin/a", "old", mode=0o755)]
    old, new = probe("old", line=9), probe("new", line=9)
    assert Night(Made({}, [old], members=one), Made({}, [new], members=other)).said == {
        "/bin/a": None
    }


def test_a_replay_tells_the_world_from_the_repository() -> None:
    old = Made(OLD, [probe("script 1")])
    new = Made(NEW, [probe("script 2")], repo="two")
    assert Night(old, new, replays=[Made(NEW)]).said["/bin/a"] == INFERRED
    assert Night(old, new, replays=[Made(OLD)]).said["/bin/a"] is None


def test_what_a_control_shows_to_be_noise_is_not_an_instructions_source() -> None:
    old, new = Made(OLD, [probe("script 1")]), Made(NEW, [probe("script 2")])
    assert Night(old, new, controls=[Made({"bin/a": "third"})]).said["/bin/a"] is None
    assert Night(old, new, controls=[Made(NEW)]).said["/bin/a"] == INFERRED


def test_a_second_look_sees_what_moved_during_the_run() -> None:
    night = Night(
        Made(OLD, [probe("old")]),
        Made(NEW, [probe("old")]),
        controls=[Made(NEW, [probe("new")])],
    )
    assert night.said["/bin/a"] == PROVEN
    (claim,) = night.remotes.claims
    assert "it moved during the run" in claim.evidence


def test_the_answer_that_the_image_shows_is_the_one_that_is_told() -> None:
    night = Night(
        Made(OLD, [probe("old")]),
        Made(NEW, [probe("between")]),
        controls=[Made(NEW, [probe("new")])],
    )
    assert night.said["/bin/a"] == PROVEN
    (claim,) = night.remotes.claims
    assert claim.after == Digest.of(b"new")


def test_a_claim_says_what_was_seen_and_where() -> None:
    night = Night(Made(OLD, [probe("old")]), Made(NEW, [probe("new")]))
    (claim,) = night.remotes.claims
    then, now = (Digest.of(text.encode()) for text in ("old", "new"))
    assert (claim.subject, claim.before, claim.after) == (U, then, now)
    assert (claim.instruction, claim.layer) == (Instruction("0", 1, RUN), 0)
    assert claim.evidence == (
        f"the URL served {then[:19]} on 2026-11-22 and {now[:19]} tonight",
        "repo fingerprint unchanged",
    )


def test_a_stages_instruction_is_named_and_its_file_is_not_the_images() -> None:
    made_by = Instruction("builder", 3, "RUN curl")
    one = probe("1", stage="builder", line=3)
    store = LayersInMemory()
    taken = snapshot_of([[file("s", "2")]], store)
    layer = replace(taken.layers[0], instruction=made_by)
    stage = StageSnapshot("builder", replace(taken, layers=(layer,)))
    moved = replace(one, identity=Digest.of(b"2"))
    night = Night(Made(OLD, [one]), Made(NEW, [moved]), stages=(stage,))
    assert night.said["/bin/a"] is None
    (claim,) = night.remotes.claims
    assert (claim.instruction, claim.layer) == (made_by, None)


def test_an_add_that_the_builder_served_from_its_cache_is_told_without_a_file() -> None:
    add, line = RemoteKind.ADD, "ADD https://example.org/a /bin/a"
    old = probe("old", kind=add, target="/bin/a")
    stale = Night(Made(OLD, [old], text=line), Made(OLD, [probe("new", kind=add)], text=line))
    (found,) = stale_adds(stale.candidate, stale.store)
    assert found.used == Digest.of(b"old")
    (claim,) = stale.remotes.unseen()
    assert claim.kind is Kind.REMOTE_CONTENT
    assert claim.evidence[-1] == "the builder served its cache: the image has the old content"

    fresh = Night(Made(OLD, [old], text=line), Made(NEW, [probe("new", kind=add)], text=line))
    assert stale_adds(fresh.candidate, fresh.store) == ()
    assert fresh.remotes.unseen() == ()
    unpacked = probe("tgz", kind=add, members={"x/a": "old"})
    night = Night(Made(OLD, [], text=line), Made(OLD, [unpacked], text=line))
    assert stale_adds(night.candidate, night.store) == ()


def test_addresses_that_only_one_side_names_are_evidence() -> None:
    night = Night(
        Made(OLD, [probe("old", url=U + "/1")]),
        Made(NEW, [probe("new"), probe(None, url=U + "/gone")], repo="two"),
    )
    assert night.remotes.notes_of(Instruction("0", 1, RUN)) == (
        f"the baseline's Dockerfile does not name {U}",
        f"{U}/gone: no",
    )
    assert night.remotes.notes_of(None) == ()


def test_an_address_that_the_repository_named_anew() -> None:
    night = Night(
        Made(OLD, [probe("1 then", url=U + "/1")]),
        Made(NEW, [probe("new", url=U + "/2")], repo="two"),
    )
    (change,) = compare(night.baseline.result, night.candidate.result, night.store).files
    assert f"{U}/2 serves" in str(night.remotes.named_anew(change))
    assert night.said == {"/bin/a": None}


def test_two_images_alone_have_no_sources() -> None:
    store = LayersInMemory()
    one, other = (snapshot_of([[file("a", text)]], store) for text in "12")
    sides = Sides(one, other)
    comparison = compare(one, other, store)
    remotes = MovedRemotes(sides, comparison, Values(sides, store))
    assert remotes.of_path(comparison.files[0]) is None
    assert remotes.claims == ()


def test_a_source_that_went_and_one_that_came_back() -> None:
    """A build may go on without a download."""
    there = Made({"opt/a": "old"}, [probe("old")])
    gone, mute = (Made({}, [probe(None, gone=is_gone)]) for is_gone in (True, False))
    for before, after, ends in ((there, gone, "old→"), (gone, there, "→old")):
        night = Night(before, after)
        assert night.said["/opt/a"] == (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.PROVEN)
        (claim,) = night.remotes.claims
        then, _, now = ends.partition("→")
        assert (claim.before, claim.after) == tuple(
            Digest.of(content.encode()) if content else None for content in (then, now)
        )
        assert "nothing" in claim.evidence[0]
    assert Night(gone, replace(gone, files={"opt/a": "x"})).said == {"/opt/a": None}
    assert Night(there, mute).said == {"/opt/a": None}


def test_another_file_when_the_source_is_gone() -> None:
    said = Night(
        Made({"opt/a": "old"}, [probe("old")]),
        Made({"opt/a": "default"}, [probe(None, gone=True)]),
    ).said
    assert said["/opt/a"] == (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.PROVEN)


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("RUN curl -o /opt/a URL && sort /opt/a > /opt/made", Grade.DERIVED),
        ("RUN curl -o /opt/a URL && /make > /opt/made", None),
        ("RUN curl -o /opt/a URL && curl OTHER > /opt/made", None),
    ],
)
def test_what_is_made_of_a_download_in_its_own_instruction(text: str, grade: Grade | None) -> None:
    def side(content: str) -> Made:
        return Made({"opt/a": content, "opt/made": content * 2}, [probe(content)], text)

    said = Night(side("old"), side("new")).said
    assert said["/opt/a"] == (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.PROVEN)
    assert said["/opt/made"] == (grade and (Origin.EXTERNAL, Kind.REMOTE_CONTENT, grade))


def test_of_several_that_moved_the_one_that_is_written_there() -> None:
    """Both moved, and of neither's content is anything known; one path is of both."""
    targets = {"https://example.org/b": "/opt/b", U: "/opt/a", "https://example.org/c": "/opt/b/c"}

    def side(content: str, *unmoved: str) -> Made:
        probes = [
            probe("same" if url in unmoved else content + url, url=url, target=target)
            for url, target in targets.items()
        ]
        return Made(dict.fromkeys(("opt/a", "opt/b/x", "opt/b/c", "opt/d"), content), probes)

    night = Night(side("old"), side("new"))
    remote = (Origin.EXTERNAL, Kind.REMOTE_CONTENT, Grade.INFERRED)
    assert night.said == {"/opt/a": remote, "/opt/b/x": remote, "/opt/b/c": None, "/opt/d": None}
    still = Night(side("old", U), side("new", U))
    assert still.said["/opt/a"] is None
