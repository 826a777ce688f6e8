"""What the experiment's builds make of one night, from their snapshots to the causes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drift.attribute.model import Grade, Kind, Need, Origin
from drift.oci import Digest
from drift.snapshot.model import Package, Packages
from support.images import directory, file
from support.trials import ENGINE, RUN, Made, Night, base, one, repo

EDITED = repo("2")


def test_the_outside_moved() -> None:
    alone = Night(one("1"), one("2"))
    assert alone.said() == (Origin.UNEXPLAINED, Kind.FILE, "/x", Grade.INFERRED)
    assert alone.attribution.needs == {Need.CONTROL}
    night = Night(one("1"), one("2"), a=[one("2")])
    assert night.said() == (Origin.EXTERNAL, Kind.FILE, "/x", Grade.INFERRED)
    assert night.attribution.needs == {Need.SECOND_CONTROL}
    sure = Night(one("1"), one("2"), a=[one("2"), one("2")])
    assert sure.said() == (Origin.EXTERNAL, Kind.FILE, "/x", Grade.PROVEN)
    assert not sure.attribution.needs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN echo $NUMBER > /x", (Origin.NONDETERMINISM, Kind.BUILD_CONFIG, Grade.INFERRED)),
        ("RUN echo ${NUMBER:-0} > /x", (Origin.NONDETERMINISM, Kind.BUILD_CONFIG, Grade.INFERRED)),
        ("RUN echo $NUMBERS > /x", (Origin.EXTERNAL, Kind.FILE, Grade.INFERRED)),
        ("RUN make", (Origin.EXTERNAL, Kind.FILE, Grade.INFERRED)),
        ("RUN curl -d $NUMBER $URL > /x", (Origin.EXTERNAL, Kind.FILE, Grade.INFERRED)),
    ],
)
def test_a_volatile_argument_moved_which_controls_share(
    text: str, expected: tuple[Origin, Kind, Grade]
) -> None:
    y, t = (one(day, text, volatile={"NUMBER": Digest.of(day.encode())}) for day in "12")
    night = Night(y, t, a=[t])
    assert (*night.said()[:2], night.said()[3]) == expected
    assert "the volatile argument NUMBER" in " ".join(night.cause().evidence)
    assert not night.attribution.needs
    moved_too = Night(y, replace(t, base=base("2")), a=[t])
    assert moved_too.cause().origin is Origin.EXTERNAL


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("svc:svc", Kind.BASE_IMAGE), ("svc", Kind.BASE_IMAGE), ("5:5", Kind.FILE), ("5", Kind.FILE)],
)
def test_an_owner_that_is_given_by_name_follows_from_the_accounts(owner: str, kind: Kind) -> None:
    copy = f"COPY --chown={owner} x /x"
    y, t = (
        Made([(copy, [file("x", "1", uid=uid)])], brought=[file("etc/passwd", f"svc:x:{uid}")],
             base=base(str(uid)))
        for uid in (5, 6)
    )  # fmt: skip
    night = Night(y, t, a=[t])
    assert night.said()[:2] == (Origin.EXTERNAL, kind)


def test_a_secret_may_have_changed_which_controls_share() -> None:
    run = "RUN --mount=type=secret,id=token make"
    y, t = one("1", run), one("2", run)
    night = Night(y, t, a=[t])
    assert night.said()[::3] == (Origin.EXTERNAL, Grade.INFERRED)
    assert Night(y, t, a=[t, t]).said() == night.said()
    assert not night.attribution.needs
    assert (
        "is given the secret token: whether it changed is not known" in night.cause().evidence[-1]
    )


def test_noise() -> None:
    night = Night(one("1"), one("2"), a=[one("3")])
    assert night.said() == (Origin.NONDETERMINISM, Kind.RANDOM, "/x", Grade.PROVEN)
    assert set(night.attribution.flapped) == {"/x"}
    assert night.attribution.explained_files == 1.0


def test_a_coin_that_was_seen_to_flap() -> None:
    first = Night(one("heads"), one("tails"), a=[one("heads")])
    seen = first.attribution.flapped
    later = Night(one("heads"), one("tails"), a=[one("tails")], flapped=seen)
    assert later.cause().origin is Origin.NONDETERMINISM
    moved = Night(one("heads"), one("edge"), a=[one("edge")], flapped=seen)
    assert moved.cause().origin is Origin.EXTERNAL


def test_the_repository_moved_what_a_run_makes() -> None:
    y, t = one("1"), one("2", repo=EDITED)
    open_ = Night(y, t)
    assert open_.attribution.needs == {Need.REPLAY}
    replayed = Night(y, t, c=[y])
    assert replayed.attribution.needs == {Need.CONTROL}
    night = Night(y, t, c=[y], a=[t])
    assert night.said() == (Origin.REPO, Kind.CONTEXT, RUN, Grade.PROVEN)
    assert not night.attribution.needs


@pytest.mark.parametrize(
    ("below", "kind"),
    [
        ("RUN other", Kind.DOCKERFILE),
        ("COPY . /src", Kind.CONTEXT),
        ("COPY --from=build /a /b", Kind.CONTEXT),
        ("RUN --mount=target=/in true", Kind.CONTEXT),
    ],
)
def test_a_context_that_nothing_reads_changed_with_its_dockerfile(below: str, kind: Kind) -> None:
    """A context most often holds the Dockerfile, so that its digest follows from any edit."""
    edited = replace(EDITED, dockerfile=Digest.of(b"FROM, edited"))
    y, t = (
        Made([(below, []), (RUN, [file("x", content)])], repo=side)
        for content, side in (("1", repo()), ("2", edited))
    )
    assert Night(y, t, c=[y], a=[t]).said()[:2] == (Origin.REPO, kind)


def test_the_world_moved_although_the_repository_did_too() -> None:
    y, t = one("1"), one("2", repo=EDITED)
    night = Night(y, t, c=[one("2")], a=[t])
    assert night.said()[:3] == (Origin.EXTERNAL, Kind.FILE, "/x")


def test_without_a_replay_it_is_said_why() -> None:
    night = Night(one("1"), one("2", repo=EDITED), no_replay="its context is not kept")
    assert night.said()[:2] == (Origin.UNEXPLAINED, Kind.FILE)
    assert "no replay: its context is not kept" in night.cause().evidence
    assert Need.REPLAY not in night.attribution.needs
    edited = repo("1", target="other")
    read = Night(
        one("1"),
        one("2", "RUN make it", repo=replace(edited, dockerfile=edited.context)),
        no_replay="its context is not kept",
    )
    assert read.said()[0] is Origin.REPO
    assert read.cause().grade is Grade.INFERRED
    assert "no replay: its context is not kept" in read.cause().evidence


def test_another_engine_is_named() -> None:
    newer = replace(ENGINE, version="29")
    t = one("2", engine=newer)
    night = Night(one("1"), t, a=[t])
    assert night.said()[:3] == (Origin.TOOLCHAIN, Kind.ENGINE, "version")
    assert (night.cause().before, night.cause().after) == ("28", "29")


class TestAnotherBuilder:
    CLASSIC = replace(ENGINE, builder="classic")

    def test_last_night_s_builder_gives_what_it_gave(self) -> None:
        y, t = one("1"), one("2", engine=self.CLASSIC)
        assert Night(y, t).attribution.needs == {Need.REPLAY}
        night = Night(y, t, c=[y], a=[t])
        assert night.said() == (Origin.TOOLCHAIN, Kind.BUILDER, "builder", Grade.PROVEN)
        assert (night.cause().before, night.cause().after) == ("buildkit", "classic")

    def test_the_world_moved_on_the_same_night(self) -> None:
        t = one("2", engine=self.CLASSIC)
        assert Night(one("1"), t, c=[one("2")], a=[t]).cause().origin is Origin.EXTERNAL

    def test_an_engine_without_that_builder(self) -> None:
        t = one("2", engine=self.CLASSIC)
        night = Night(one("1"), t, a=[t], no_replay="this engine does not have it")
        assert night.said()[:3] == (Origin.TOOLCHAIN, Kind.BUILDER, "builder")
        assert night.cause().grade is Grade.INFERRED


def test_equal_in_normal_form_needs_no_build() -> None:
    y, t = (one(text, forms={"/x": "masked"}) for text in ("monday", "tuesday"))
    night = Night(y, t)
    assert night.said()[:3] == (Origin.NONDETERMINISM, Kind.TIMESTAMP, "/x")
    assert not night.attribution.needs
    other = one("tuesday!", forms={"/x": "masked!"})
    assert Night(y, other).attribution.needs == {Need.CONTROL}


def test_the_world_in_a_noisy_file() -> None:
    y = one("1", parts={"/x": (1, 100)})
    t = one("2", parts={"/x": (2, 101)})
    a = one("3", parts={"/x": (2, 102)})
    assert Night(y, t, a=[a]).cause().origin is Origin.EXTERNAL
    quiet = [one(str(n), parts={"/x": (1, 100 + n)}) for n in range(3)]
    assert Night(quiet[0], quiet[1], a=[quiet[2]]).cause().origin is Origin.NONDETERMINISM


def test_a_package_s_own_file_is_compared_whole() -> None:
    """What an install compiled anew may share a piece with its twin by chance."""
    held = Packages((Package("pkg:pypi/fast", "1", "/site", files=("/x",)),))
    builds = [("1", 1, 100), ("2", 2, 101), ("3", 2, 102)]
    y, t, a = (one(text, parts={"/x": tuple(parts)}, packages=held) for text, *parts in builds)
    assert Night(y, t, a=[a]).cause().origin is Origin.NONDETERMINISM


def named(*names: str) -> Made:
    return Made([(RUN, [directory("tmp"), *(file(f"tmp/{name}", name) for name in names)])])


class TestRandomNames:
    def test_a_name_that_each_build_makes_up(self) -> None:
        night = Night(named("tmp.aaa1"), named("tmp.bbb2"), a=[named("tmp.ccc3")])
        for path in ("/tmp/tmp.aaa1", "/tmp/tmp.bbb2"):
            said = (Origin.NONDETERMINISM, Kind.RANDOM, "/tmp/**", Grade.PROVEN)
            assert night.said(path) == said
        assert night.cause("/tmp/tmp.aaa1").instruction is not None

    def test_what_else_went_from_there_is_not_excused(self) -> None:
        y, t, a = named("tmp.aaa1", "tool"), named("tmp.bbb2"), named("tmp.ccc3")
        night = Night(y, t, a=[a])
        assert night.said("/tmp/tmp.aaa1")[0] is Origin.NONDETERMINISM
        assert night.said("/tmp/tool")[0] is Origin.EXTERNAL

    @pytest.mark.parametrize(
        ("then", "now", "again"),
        [
            ("2026-11-01T02_15_33_950Z.log", "2026-11-02T02_15_40_919Z.log",
             "2026-11-02T02_15_47_101Z.log"),
            ("log.20261101-7", "log.20261102-1", "log.20261102-2"),
            ("t1793500000-a", "t1793586400-b", "t1793586407-c"),
        ],
    )  # fmt: skip
    def test_a_date_in_a_name_is_one_in_each(self, then: str, now: str, again: str) -> None:
        night = Night(named(then), named(now), a=[named(again)])
        assert {cause.origin for cause in night.attribution.causes} == {Origin.NONDETERMINISM}

    def test_a_version_in_a_name_is_no_date(self) -> None:
        night = Night(named("v1.0-a1"), named("v1.1-b2"), a=[named("v1.1-c3")])
        assert night.said("/tmp/v1.0-a1")[0] is Origin.EXTERNAL

    def test_directories_with_content(self) -> None:
        def build(name: str) -> Made:
            members = [directory(f"tmp/{name}"), file(f"tmp/{name}/log", name)]
            return Made([(RUN, [directory("tmp"), *members])])

        night = Night(build("d.1111"), build("d.2222"), a=[build("d.3333")])
        assert {cause.origin for cause in night.attribution.causes} == {Origin.NONDETERMINISM}


class TestBases:
    def test_what_a_run_makes_of_a_moved_base_is_derived_from_it(self) -> None:
        y = one("1", brought=[file("etc/base", "1")])
        t = one("2", brought=[file("etc/base", "2")], base=base("2"))
        night = Night(y, t, a=[t])
        assert night.said() == (Origin.EXTERNAL, Kind.BASE_IMAGE, "debian:stable", Grade.PROVEN)
        assert [cause.kind for cause in night.attribution.causes] == [Kind.BASE_IMAGE]

    def test_not_where_it_may_have_fetched_something(self) -> None:
        fetch = "RUN curl http://example.org > /x"
        y = one("1", fetch, brought=[file("etc/base", "1")])
        t = one("2", fetch, brought=[file("etc/base", "2")], base=base("2"))
        assert Night(y, t, a=[t]).said()[:2] == (Origin.EXTERNAL, Kind.FILE)

    def test_noise_on_a_moved_base_is_noise(self) -> None:
        y = one("1", brought=[file("etc/base", "1")])
        t, a = (one(text, brought=[file("etc/base", "2")], base=base("2")) for text in ("2", "3"))
        assert Night(y, t, a=[a]).said()[:2] == (Origin.NONDETERMINISM, Kind.RANDOM)

    def test_the_old_tag_moved_on_the_night_it_was_left(self) -> None:
        y = one("1", brought=[file("etc/base", "1")])
        left = base("9", "debian:next")
        t = one("1", brought=[file("etc/base", "9")], base=left, repo=EDITED)
        for now, told in ((base("2"), True), (base(), False)):
            night = Night(y, t, left_bases={now.reference: now.identity})
            cause = night.cause("/etc/base")
            assert (cause.origin, cause.kind) == (Origin.REPO, Kind.BASE_IMAGE)
            moved = f"debian:stable moved too, to {now.identity}"
            assert (moved in cause.evidence) is told
            assert not night.attribution.needs


class TestSettings:
    def test_who_changed_a_setting(self) -> None:
        y = one("1", settings={"Env": ["A=1"]})
        t = one("1", settings={"Env": ["A=2"]}, repo=EDITED)
        assert Night(y, t).attribution.needs == {Need.REPLAY}
        night = Night(y, t, c=[y], a=[t])
        assert [cause.origin for cause in night.attribution.causes] == [Origin.REPO]
        world = Night(y, replace(t, repo=y.repo), a=[replace(t, repo=y.repo)])
        assert [cause.origin for cause in world.attribution.causes] == [Origin.EXTERNAL]
