"""One version, other bytes: what proves it, and what is only a rebuild."""

from __future__ import annotations

from typing import Any

import pytest

from drift.attribute.claims import Claim
from drift.attribute.model import Grade, Kind, Origin
from drift.snapshot.model import Package
from support.images import file
from support.packaged import CURL, EDITED, INSTALL, Made, PackagedNight, base, deb

BIN = "/usr/bin/curl"
RECORD = "/s/x-1.dist-info/RECORD"


def md5(number: int) -> str:
    return f"md5:{number:032x}"


def sha256(number: int) -> str:
    return f"sha256:{number:064x}"


def curl(content: int, **fields: Any) -> Made:
    """curl 1.0 as its archive had it: the content decides its vendor's digests."""
    package = deb("curl", "1.0", BIN, digests={BIN: md5(content)}, integrity=sha256(content))
    members = [
        file("usr/bin/curl", str(content)),
        file("var/lib/dpkg/info/curl.md5sums", str(content)),
        file("var/lib/dpkg/status", str(content)),
    ]
    return Made([(INSTALL, members)], (package,), **fields)


def test_vendor_digests_prove_a_deb_published_twice() -> None:
    night = PackagedNight(curl(1), curl(2))
    claim = night.claim(BIN)
    assert (claim.origin, claim.kind, claim.subject, claim.grade) == (
        Origin.EXTERNAL,
        Kind.PACKAGE_REPUBLISHED,
        CURL,
        Grade.PROVEN,
    )
    assert (claim.before, claim.after) == (f"1.0 ({sha256(1)})", f"1.0 ({sha256(2)})")
    assert claim.instruction is not None
    assert night.claim("/var/lib/dpkg/info/curl.md5sums").key == claim.key
    assert night.claim("/var/lib/dpkg/status").key == claim.key
    assert night.claim("/var/lib/dpkg/status").grade is Grade.DERIVED
    assert night.packages.republished.wants_control
    assert night.packages.claims == {}


@pytest.mark.parametrize(
    ("again", "now", "control", "origin", "said"),
    [
        (None, 2, 2, Origin.EXTERNAL, "control build agrees"),
        (None, 2, 1, Origin.EXTERNAL, "moved during the run"),
        (None, 2, 3, None, "each build has its own: it is made on the spot"),
        (2, 2, None, Origin.EXTERNAL, "built tonight, gets these bytes too"),
        (1, 2, None, Origin.REPO, "built tonight, still gets the old bytes"),
        (0, 2, None, Origin.UNEXPLAINED, "no replay tells the two apart"),
    ],
)
def test_who_published_it_anew(
    again: int | None, now: int, control: int | None, origin: Origin | None, said: str
) -> None:
    changed = {} if again is None else {"repo": EDITED}
    night = PackagedNight(
        curl(1),
        curl(now, **changed),
        replay=curl(again) if again else None,
        control=curl(control, **changed) if control else None,
    )
    if origin is None:
        assert night.claims[BIN] is None
        return
    assert night.claim(BIN).origin is origin
    assert said in "; ".join(night.claim(BIN).evidence)
    assert night.packages.republished.wants_control is (control is None)


def test_a_control_script_alone_is_other_bytes() -> None:
    """What a package runs as root at install, though its files are the same."""

    def side(script: str) -> Made:
        members = [file("var/lib/dpkg/info/libc6:amd64.postinst", script)]
        package = deb("libc6", "1", location=":amd64", integrity=sha256(0))
        return Made([(INSTALL, members)], (package,))

    claim = PackagedNight(side("a"), side("b")).claim("/var/lib/dpkg/info/libc6:amd64.postinst")
    assert (claim.kind, claim.grade) == (Kind.PACKAGE_REPUBLISHED, Grade.PROVEN)


def test_dpkg_s_own_list_of_files_says_nothing_of_the_archive() -> None:
    def side(content: str) -> Made:
        members = [file("var/lib/dpkg/info/curl.list", content)]
        return Made([(INSTALL, members)], (deb("curl", "1", integrity=sha256(0)),))

    assert PackagedNight(side("a"), side("b")).claims["/var/lib/dpkg/info/curl.list"] is None


def test_a_file_altered_after_the_install_is_no_other_publication() -> None:
    def side(content: str) -> Made:
        package = deb("curl", "1.0", BIN, digests={BIN: md5(1)}, integrity=sha256(1))
        return Made([(INSTALL, [file("usr/bin/curl", content)])], (package,))

    night = PackagedNight(side("a"), side("b"))
    assert night.claims[BIN] is None
    assert "its vendor disowns the content" in night.said_of(BIN)


def test_apk_s_checksum_of_the_control_segment_is_enough() -> None:
    def side(checksum: str) -> Made:
        package = Package("pkg:apk/alpine/curl", "1-r0", integrity=checksum)
        return Made([("RUN apk add curl", [file("lib/apk/db/installed", checksum)])], (package,))

    claim = PackagedNight(side("Q1a="), side("Q1b=")).claim("/lib/apk/db/installed")
    assert (claim.kind, claim.grade) == (Kind.PACKAGE_REPUBLISHED, Grade.DERIVED)
    assert (claim.before, claim.after) == ("1-r0 (Q1a=)", "1-r0 (Q1b=)")


def test_a_snapshot_without_the_new_field_is_no_other_make() -> None:
    """Earlier nights kept no identity of the whole package: digests of files decide."""

    def side(integrity: str | None, digest: int) -> Made:
        package = deb("curl", "1", BIN, digests={BIN: md5(digest)}, integrity=integrity)
        return Made([(INSTALL, [file("usr/bin/curl", str(digest))])], (package,))

    night = PackagedNight(side(None, 1), side(sha256(1), 1))
    assert night.packages.republished.claims == {}
    claim = PackagedNight(side(None, 1), side(sha256(2), 2)).claim(BIN)
    assert (claim.before, claim.after) == (f"1 ({md5(1)})", f"1 ({md5(2)})")


def wheel(**contents: int) -> Made:
    """x 1, as pip installed it: RECORD has the digest of each file."""
    names = {name: "/s/x/" + name.replace("__", ".") for name in contents}
    digests = {names[name]: sha256(content) for name, content in contents.items()}
    members = [file(names[name], str(content)) for name, content in contents.items()]
    pyc = "/s/x/__pycache__/a.cpython-311.pyc"
    files = (*names.values(), RECORD, pyc)
    package = Package("pkg:pypi/x", "1", "/s/x", files, digests=digests)
    record = file(RECORD, repr(contents))
    return Made([("RUN pip install x", [*members, record, file(pyc, repr(contents))])], (package,))


@pytest.mark.parametrize(
    ("now", "control", "grade"),
    [
        pytest.param({"a__py": 2}, None, None, id="pip may have built it here: no control"),
        pytest.param({"a__py": 2}, {"a__py": 2}, Grade.PROVEN, id="a control agrees"),
        pytest.param({"a__py": 2}, {"a__py": 3}, None, id="a rebuild: generated sources"),
        pytest.param({"a__py": 2}, {"a__py": 1}, None, id="a coin with two sides"),
        pytest.param({"c__so": 2}, {"c__so": 2}, Grade.INFERRED, id="compiled, and the same"),
        pytest.param({"c__so": 2}, {"c__so": 3}, None, id="an sdist compiled in place"),
        pytest.param({"a__py": 2, "c__so": 2}, {"a__py": 2, "c__so": 3}, Grade.PROVEN, id="both"),
    ],
)
def test_a_wheel_is_told_from_a_rebuild_by_the_control(
    now: dict[str, int], control: dict[str, int] | None, grade: Grade | None
) -> None:
    then = {"a__py": 1, "b__py": 1, "c__so": 1}
    night = PackagedNight(
        wheel(**then),
        wheel(**{**then, **now}),
        control=wheel(**{**then, **control}) if control else None,
    )
    path = "/s/x/" + next(iter(now)).replace("__", ".")
    claim = night.claims[path]
    if grade is None:
        assert claim is None
    else:
        assert claim is not None
        assert (claim.kind, claim.grade) == (Kind.PACKAGE_REPUBLISHED, grade)
        assert night.claim(RECORD).key == claim.key
    assert night.packages.republished.wants_control is (control is None)
    if control is None:
        assert "no control build tells it from a rebuild" in night.said_of(path)


def test_what_pip_itself_writes_is_no_other_publication() -> None:
    names = ("/usr/bin/x", "/s/x-1.dist-info/direct_url.json", "/s/x-1.dist-info/WHEEL")

    def side(content: int) -> Made:
        digests = {name: sha256(content) for name in names}
        package = Package("pkg:pypi/x", "1", "/s/x", names, digests=digests)
        members = [file(name, str(content)) for name in names]
        return Made([("RUN pip install x", members)], (package,))

    night = PackagedNight(side(1), side(2), control=side(2))
    assert set(night.claims.values()) == {None}


MODULE = "/app/node_modules/ms"


def module(content: int, integrity: str | None, path: str = "index.js") -> Made:
    file_path = f"{MODULE}/{path}"
    package = Package("pkg:npm/ms", "1", MODULE, (file_path,), integrity=integrity)
    return Made([("RUN npm install", [file(file_path, str(content))])], (package,))


@pytest.mark.parametrize(
    ("then", "now", "control", "grade"),
    [
        pytest.param("sha512-a", "sha512-b", None, Grade.PROVEN, id="the registry's digests"),
        pytest.param("sha1-a", "sha512-b", None, None, id="digests that can't be compared"),
        pytest.param("sha512-a", "sha512-a", 2, None, id="postinstall wrote it, not the registry"),
        pytest.param(None, "sha512-a", 2, Grade.INFERRED, id="content, and a control agrees"),
        pytest.param(None, None, 3, None, id="content, and the control has another"),
        pytest.param(None, None, None, None, id="content, and no control"),
    ],
)
def test_an_npm_package(
    then: str | None, now: str | None, control: int | None, grade: Grade | None
) -> None:
    night = PackagedNight(
        module(1, then),
        module(2, now),
        control=module(control, now) if control else None,
    )
    claim = night.claims[f"{MODULE}/index.js"]
    assert (claim and claim.grade) == grade
    assert claim is None or claim.kind is Kind.PACKAGE_REPUBLISHED


def test_what_node_gyp_builds_is_no_other_publication() -> None:
    made = [module(n, None, "build/Release/x.node") for n in (1, 2, 2)]
    night = PackagedNight(made[0], made[1], control=made[2])
    assert set(night.claims.values()) == {None}


def test_a_republished_package_of_a_moved_base_is_the_base_s() -> None:
    def side(content: int) -> Made:
        made = curl(content)
        return Made(
            [("RUN x", [file("x")])],
            made.packages,
            base=base(str(content)),
            below=made.layers[0][1],
        )

    night = PackagedNight(side(1), side(2))
    assert night.packages.republished.claims == {}


def test_a_package_that_the_repository_copies_is_not_republished() -> None:
    def side(content: int, **fields: Any) -> Made:
        made = curl(content)
        return Made([("COPY root/ /", made.layers[0][1])], made.packages, **fields)

    night = PackagedNight(side(1), side(2, repo=EDITED))
    assert set(night.claims.values()) == {None}


def test_nothing_is_said_where_a_database_was_not_read() -> None:
    unread = Made(curl(2).layers, curl(2).packages, unknown={"deb": "truncated"})
    assert PackagedNight(curl(1), unread).claims[BIN] is None


def test_two_images_alone_show_it_too() -> None:
    claim = PackagedNight(curl(1), curl(2), alone=True).claim(BIN)
    assert (claim.origin, claim.kind) == (None, Kind.PACKAGE_REPUBLISHED)


@pytest.mark.parametrize(
    ("run", "now", "said"),
    [
        (INSTALL, {"mode": 0o4755}, "1.0 (4755 0:0)"),
        (INSTALL, {"mode": 0o755, "uid": 5}, "1.0 (0755 5:0)"),
        ("RUN /install.sh", {"mode": 0o4755}, None),
        ("RUN apt-get install curl && npm ci", {"mode": 0o4755}, None),
    ],
)
def test_a_shape_that_no_publisher_digests(run: str, now: dict[str, int], said: str | None) -> None:
    """Modes, owners and links stand in no package's digests; to be read if the world did it."""
    package = deb("curl", "1.0", BIN, digests={BIN: md5(1)}, integrity=sha256(1))
    then, tonight = (
        Made([(run, [file("usr/bin/curl", "1", **fields)])], (package,))
        for fields in ({"mode": 0o755}, now)
    )
    night = PackagedNight(then, tonight)
    assert night.claims == {BIN: None}
    claim = night.packages.of_run(night.comparison.files[0])
    assert (claim and (claim.subject, claim.kind, claim.grade, claim.after)) == (
        said and (CURL, Kind.PACKAGE_REPUBLISHED, Grade.INFERRED, said)
    )


def test_what_pip_built_of_other_sources_of_the_repository_was_not_published() -> None:
    """The version of a project of one's own seldom moves with its files."""

    def side(content: int, **fields: Any) -> Made:
        notes = f"/s/x.py,sha256={content}"
        package = Package(
            "pkg:pypi/x", "1", files=("/s/x.py", RECORD), digests={"/s/x.py": sha256(content)}
        )
        made = [file("s/x.py", str(content)), file(RECORD.lstrip("/"), notes)]
        return Made([("RUN pip install /src", made)], (package,), **fields)

    night = PackagedNight(side(1), side(2, repo=EDITED), replay=side(1), control=side(2))
    assert night.claims == {"/s/x.py": None, RECORD: None}
    night = PackagedNight(side(1), side(2, repo=EDITED), replay=side(2), control=side(2))
    assert night.claim("/s/x.py").kind is Kind.PACKAGE_REPUBLISHED


@pytest.mark.parametrize("refused", [True, False])
def test_the_replay_that_refused_the_new_bytes_tells_whose_they_are(refused: bool) -> None:
    """A lock file that follows what was published anew did not publish it."""
    known = [Claim(Origin.EXTERNAL, Kind.PACKAGE_REPUBLISHED, CURL, Grade.PROVEN)]
    night = PackagedNight(
        curl(1), curl(2, repo=EDITED), no_replay="it fails", known=known if refused else ()
    )
    assert night.claim(BIN).origin is (Origin.EXTERNAL if refused else Origin.UNEXPLAINED)
