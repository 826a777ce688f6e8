"""Who moved a package, and what it owns: tables over the baseline, its replay and tonight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.snapshot.model import Package
from support.images import Member, file
from support.packaged import CURL, EDITED, INSTALL, Made, PackagedNight, base, deb

BIN = "/usr/bin/curl"
MD5 = "md5:" + "0" * 32
EXTERNAL, REPO, UNEXPLAINED = Origin.EXTERNAL, Origin.REPO, Origin.UNEXPLAINED


def curl(version: str | None, **fields: Any) -> Made:
    """A build whose RUN installed curl in a version; None: not at all."""
    if version is None:
        return Made([(INSTALL, [file("var/lib/dpkg/status")])], **fields)
    members = [file("usr/bin/curl", version), file("var/lib/dpkg/status", version)]
    return Made([(INSTALL, members)], (deb("curl", version, BIN),), **fields)


WITHOUT_REPLAY = "the context of that night is gone"


@pytest.mark.parametrize(
    ("then", "again", "now", "control", "origin", "said"),
    [
        # One fingerprint: the world's.
        ("1", None, "2", None, EXTERNAL, "repo fingerprint unchanged"),
        ("1", None, "2", "2", EXTERNAL, "control build agrees"),
        ("1", None, "2", "3", EXTERNAL, "moved during the run"),
        ("1", None, None, None, EXTERNAL, "repo fingerprint unchanged"),
        # The repository was edited too: its old state, built tonight, tells.
        ("1", "2", "2", None, EXTERNAL, "the baseline's revision, built tonight, installs 2 too"),
        ("1", "1", "2", None, REPO, "the baseline's revision, built tonight, still installs 1"),
        ("1", "2", "3", None, EXTERNAL, "the repository changed it as well"),
        ("1", "1", "2", "1", EXTERNAL, "moved during the run"),
        ("1", "1", "2", "2", REPO, "control build agrees"),
        (None, "-", "1", None, REPO, "built tonight, still does not install it"),
        ("1", "-", None, None, EXTERNAL, "does not install it too"),
        ("1", "1", None, None, REPO, "still installs 1"),
        ("1", "2", None, None, REPO, "the repository changed it as well"),
    ],
)
def test_who_moved_a_package(
    then: str | None,
    again: str | None,
    now: str | None,
    control: str | None,
    origin: Origin,
    said: str,
) -> None:
    changed = {"repo": EDITED} if again else {}
    replay = curl(None if again == "-" else again) if again else None
    night = PackagedNight(
        curl(then),
        curl(now, **changed),
        replay=replay,
        control=curl(control, **changed) if control else None,
    )
    claim = night.packages.claims[CURL]
    assert (claim.origin, claim.kind, claim.grade) == (origin, Kind.PACKAGE, Grade.OWNED)
    assert (claim.before, claim.after) == (then, now)
    assert said in "; ".join(claim.evidence)


@pytest.mark.parametrize(("gone", "origin"), [(CURL, REPO), ("pkg:deb/debian/x", EXTERNAL)])
def test_a_package_for_want_of_which_the_replay_failed(gone: str, origin: Origin) -> None:
    known = [Claim(EXTERNAL, Kind.SOURCE_UNAVAILABLE, gone, Grade.PROVEN)]
    night = PackagedNight(curl("1"), curl("2", repo=EDITED), no_replay=WITHOUT_REPLAY, known=known)
    assert night.claims[BIN] is not None
    assert night.claim(BIN).origin is origin
    same_side = PackagedNight(curl("1"), curl("2"), known=known)
    assert same_side.claim(BIN).origin is EXTERNAL


@pytest.mark.parametrize("role", ["replay", "control"])
def test_a_build_whose_database_was_not_read_says_nothing(role: str) -> None:
    unread = Made(curl("1").layers, (), unknown={"deb": "truncated"})
    control = unread if role == "control" else None
    replay = unread if role == "replay" else curl("1")
    night = PackagedNight(curl("1"), curl("2", repo=EDITED), replay=replay, control=control)
    claim = night.packages.claims[CURL]
    assert claim.origin is (UNEXPLAINED if role == "replay" else REPO)
    assert not [said for said in claim.evidence if "during the run" in said]


def test_two_images_alone_name_nobody() -> None:
    night = PackagedNight(curl("1"), curl("2"), alone=True)
    assert night.claim(BIN).origin is None


def test_a_copied_package_is_the_repository_s_where_no_replay_tells() -> None:
    path = "/app/node_modules/ms/index.js"

    def side(version: str, **fields: Any) -> Made:
        package = Package("pkg:npm/ms", version, "/app/node_modules/ms", (path,))
        return Made([("COPY . /app/", [file(path, version)])], (package,), **fields)

    claim = PackagedNight(side("1"), side("2", repo=EDITED)).claim(path)
    assert (claim.origin, claim.grade) == (REPO, Grade.OWNED)
    assert "the repository copies its files" in claim.evidence


def test_a_base_and_a_package_of_a_run_move_on_one_night() -> None:
    """The base owns what it brought; the package of the RUN belongs to that RUN."""

    def side(version: str) -> Made:
        members = [file("usr/bin/curl", version), file("var/lib/dpkg/status", version)]
        return Made(
            [("RUN first", [file("first")]), (INSTALL, members)],
            (deb("curl", version, BIN), deb("libc6", version, "/lib/libc.so.6")),
            base=base(version),
            below=(file("lib/libc.so.6", version), file("etc/ld.so.cache", version)),
        )

    night = PackagedNight(side("1"), side("2"))
    libc, own = night.packages.claims["pkg:deb/debian/libc6"], night.packages.claims[CURL]
    assert (libc.kind, libc.subject) == (Kind.BASE_IMAGE, "debian:bookworm")
    assert (own.kind, own.layer) == (Kind.PACKAGE, 2)
    assert own.instruction is not None
    assert own.instruction.text == INSTALL
    assert night.claim(BIN).subject == CURL
    assert night.claim("/var/lib/dpkg/status").subject == CURL


@pytest.mark.parametrize("now", ["1:2.0-1", "2.0-1+b1", "1.0~rc1"])
def test_versions_are_named_as_the_database_has_them(now: str) -> None:
    claim = PackagedNight(curl("1.0-1"), curl(now)).claim(BIN)
    assert (claim.before, claim.after) == ("1.0-1", now)


def test_files_that_came_and_went_with_a_version_are_the_package_s() -> None:
    old, new = (
        Made(
            [(INSTALL, [file(f"usr/lib/{name}", version)])],
            (deb("curl", version, f"/usr/lib/{name}"),),
        )
        for name, version in (("a.so.1", "1"), ("a.so.2", "2"))
    )
    night = PackagedNight(old, new)
    assert {night.claim(f"/usr/lib/{name}").subject for name in ("a.so.1", "a.so.2")} == {CURL}


def test_a_file_whose_vendor_digest_stayed_is_not_the_moved_package_s() -> None:
    """Its content differs, but not by the package: something wrote it after the install."""

    def side(version: str, content: str, digest: str) -> Made:
        package = deb("curl", version, BIN, "/etc/curlrc", digests={"/etc/curlrc": digest})
        members = [file("usr/bin/curl", version), file("etc/curlrc", content)]
        return Made([(INSTALL, members)], (package,))

    altered = PackagedNight(side("1", "a", MD5), side("2", "b", MD5))
    assert altered.claims["/etc/curlrc"] is None
    assert f"{CURL} 2 owns /etc/curlrc, and its vendor disowns" in altered.said_of("/etc/curlrc")
    assert altered.claim(BIN).subject == CURL
    other = PackagedNight(side("1", "a", MD5), side("2", "b", "md5:" + "1" * 32))
    assert other.claim("/etc/curlrc").subject == CURL
    mode = side("2", "a", MD5)
    mode = replace(mode, layers=[(INSTALL, [file("etc/curlrc", "a", mode=0o600)])])
    assert PackagedNight(side("1", "a", MD5), mode).claim("/etc/curlrc").subject == CURL


def test_a_sha256_tells_on_which_side_a_file_was_altered() -> None:
    def side(content: str) -> Made:
        vendor = "sha256:" + "4" * 64
        package = Package("pkg:pypi/x", "1", "/s/x", ("/s/x.py",), digests={"/s/x.py": vendor})
        return Made([("RUN pip install x", [file("s/x.py", content)])], (package,))

    said = PackagedNight(side("a"), side("b")).said_of("/s/x.py")
    assert said.endswith("altered after the install, in the baseline and the candidate")


def test_a_distribution_that_a_deb_brings_is_known_by_the_deb() -> None:
    folder = "/usr/lib/python3/dist-packages"
    files = (f"{folder}/six.py", f"{folder}/six-1.egg-info")

    def side(version: str) -> Made:
        packages = (
            deb("python3-six", version, *files),
            Package("pkg:pypi/six", version, f"{folder}/six", files),
        )
        return Made([(INSTALL, [file(path, version) for path in files])], packages)

    night = PackagedNight(side("1"), side("2"))
    assert {claim.subject for claim in night.packages.claims.values()} == {
        "pkg:deb/debian/python3-six"
    }


def test_a_package_of_an_unknown_kind_is_one_all_the_same() -> None:
    def side(version: str) -> Made:
        package = Package("pkg:generic/tool", version, files=("/opt/tool",))
        return Made([("RUN get tool", [file("opt/tool", version)])], (package,))

    assert PackagedNight(side("1"), side("2")).claim("/opt/tool").subject == "pkg:generic/tool"


def test_a_package_without_changed_files_belongs_to_the_run_that_its_database_tells() -> None:
    def side(version: str) -> Made:
        install = (INSTALL, [file("var/lib/dpkg/info/curl.md5sums", version)])
        later = ("RUN apt-get install x", [file("var/lib/dpkg/status", version)])
        return Made([install, later], (deb("curl", version, BIN),))

    claim = PackagedNight(side("1"), side("2")).packages.claims[CURL]
    assert "none of its files changed" in claim.evidence
    assert claim.instruction is not None
    assert claim.instruction.text == INSTALL


@pytest.mark.parametrize(
    ("text", "derived"),
    [
        ("RUN apt-get update && apt-get install -y curl-doc", True),
        ("RUN /usr/bin/apt-get install x && rm -rf /var/lib/apt/lists/*", True),
        ("RUN echo 'deb http://a/ ./' > /etc/apt/sources.list; apt install x", True),
        ("RUN apt-get install -y python3-pip", True),
        ("RUN apt-get install x && curl https://a/b | sh", False),
        ("RUN apt-get install x && pip3 install y", False),
        ("RUN apt-get install x && git clone https://a/b", False),
        ("RUN --mount=type=bind,from=a,target=/a apt-get install x", False),
        ("RUN /install.sh", False),
        ("COPY a /a", False),
    ],
)
def test_what_else_an_install_makes(text: str, *, derived: bool) -> None:
    """Scripts of packages write anything: where nothing else was fetched, it follows from them."""

    def side(version: str) -> Made:
        made = [file("usr/bin/curl", version), file("run/adduser", version)]
        return Made([(text, made)], (deb("curl", version, BIN),))

    night = PackagedNight(side("1"), side("2"))
    change = next(c for c in night.comparison.files if c.path == "/run/adduser")
    claim = night.packages.of_run(change)
    assert night.claims["/run/adduser"] is None
    assert (claim is not None) is derived
    assert claim is None or (claim.subject, claim.grade) == (CURL, Grade.DERIVED)


@pytest.mark.parametrize("text", [INSTALL, "RUN apt-get install -y curl git wget"])
def test_what_an_install_made_and_makes_no_more(text: str) -> None:
    """It leaves nothing, or what the base has there: the package's move took it away."""
    below = [file("etc/passwd", "root"), file("etc/profile", "base")]
    users = [file("etc/passwd", "root, curl"), file("etc/profile", "of curl"), file("opt/made")]

    def side(version: str, *made: Member) -> Made:
        installed = [file("usr/bin/curl", version), *made]
        return Made([(text, installed)], (deb("curl", version, BIN),), below=below)

    for night in (
        PackagedNight(side("1", *users), side("2")),
        PackagedNight(side("1"), side("2", *users)),
    ):
        derived = {
            c.path: night.claims[c.path] or night.packages.of_run(c) for c in night.comparison.files
        }
        assert {claim and claim.subject for claim in derived.values()} == {CURL}
        assert set(derived) >= {"/etc/passwd", "/etc/profile", "/opt/made"}


def test_the_line_of_a_package_whose_notes_have_its_version_in_their_name() -> None:
    def side(version: str) -> Made:
        notes = f"lib/a-{version}.dist-info/RECORD"
        made = [file(notes, version), file("lib/a.py", version)]
        package = Package("pkg:pypi/a", version, files=(f"/{notes}", "/lib/a.py"))
        return Made([("RUN pip install a", made)], (package,))

    claim = PackagedNight(side("1"), side("2")).packages.claims["pkg:pypi/a"]
    assert claim.instruction is not None
    assert claim.instruction.text == "RUN pip install a"


def test_an_edit_of_a_moved_package_s_file_is_told_with_it() -> None:
    def side(version: str, edit: str, **fields: Any) -> Made:
        install = (INSTALL, [file("usr/bin/curl", version)])
        edited = (f"RUN sed -i {edit} /etc/curl", [file("etc/curl", version + edit)])
        package = deb("curl", version, BIN, "/etc/curl")
        return Made([install, edited], (package,), **fields)

    now = side("2", "b", repo=EDITED)
    night = PackagedNight(side("1", "a"), now, replay=side("2", "a"), control=now)
    said = "line 3, which is new or edited, writes /etc/curl as well"
    assert said in night.claim("/etc/curl").evidence
    assert said not in night.claim(BIN).evidence
    night = PackagedNight(side("1", "a"), side("2", "a"))
    assert said not in night.claim("/etc/curl").evidence


@pytest.mark.parametrize(
    ("first", "origin"),
    [("RUN a", EXTERNAL), ("COPY . /src", UNEXPLAINED), ("RUN edited", UNEXPLAINED)],
)
def test_what_an_edit_comes_after_is_not_its_doing(first: str, origin: Origin) -> None:
    """Where no replay can be had, as the old revision does not build any more."""

    def side(version: str, first: str, last: str, **fields: Any) -> Made:
        install = (INSTALL, [file("usr/bin/curl", version)])
        lines = [(first, [file("first")]), install, (last, [file("last", last)])]
        return Made(lines, (deb("curl", version, BIN),), **fields)

    was = "RUN a" if first == "RUN edited" else first
    then, now = side("1", was, "RUN b"), side("2", first, "RUN c", repo=EDITED)
    claim = PackagedNight(then, now, no_replay=WITHOUT_REPLAY).packages.claims[CURL]
    assert claim.origin is origin
    assert any(WITHOUT_REPLAY in sentence for sentence in claim.evidence)
    told = "nothing that the repository changed comes before what installed it"
    assert (told in claim.evidence) is (origin is EXTERNAL)
    open_still = PackagedNight(then, now).packages.claims[CURL]
    assert open_still.origin is UNEXPLAINED
