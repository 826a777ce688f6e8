"""What is generated from what moved: one table of files, and one of files that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from drift.attribute.generators import GENERATORS
from drift.attribute.model import Grade, Kind, Origin
from drift.snapshot.model import Package
from support.images import Member, file, symlink
from support.packaged import CURL, EDITED, INSTALL, Made, PackagedNight, base, deb

EARLIER, LATER = "RUN earlier", "RUN later"


def package(purl: str, version: str, *files: str) -> Package:
    return Package(f"pkg:{purl}", version, files=files)


def night(
    owned: Sequence[str],
    generated: Sequence[Member],
    again: Sequence[Member],
    *,
    purl: str = "deb/debian/curl",
    text: str = INSTALL,
    **fields: Any,
) -> PackagedNight:
    """A package whose files are ``owned`` moves; ``generated`` is then ``again``."""

    def side(version: str, members: Sequence[Member], **more: Any) -> Made:
        files = [file(path.lstrip("/"), version) for path in owned]
        listed = (package(purl, version, *owned),)
        return Made([(text, [*files, *members])], listed, **more)

    return PackagedNight(side("1", generated), side("2", again, **fields))


SITE = "/usr/lib/python3/dist-packages"


@pytest.mark.parametrize(
    ("purl", "owned", "generated"),
    [
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/status"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/status-old"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/triggers/File"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/info/curl.list"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/info/curl:amd64.md5sums"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/cache/apt/archives/curl_2_amd64.deb"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/apt/extended_states"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/log/dpkg.log"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/log/apt/history.log"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/passwd"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/gshadow-"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/cache/debconf/config.dat"),
        ("deb/debian/curl", "/etc/init.d/curld", "/etc/rc2.d/S01curld"),
        (
            "deb/debian/curl",
            "/usr/lib/systemd/system/curl.service",
            "/var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/curl.service",
        ),
        (
            "deb/debian/curl",
            "/usr/lib/systemd/system/curl.service",
            "/var/lib/systemd/deb-systemd-helper-enabled/curl.service.dsh-also",
        ),
        (
            "deb/debian/ca-certificates",
            "/usr/share/ca-certificates/mozilla/X.crt",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
        (
            "deb/debian/ca-certificates-java",
            "/etc/default/cacerts",
            "/etc/ssl/certs/java/cacerts",
        ),
        ("apk/alpine/ca-certificates", "/usr/share/ca-certificates/X.crt", "/etc/ssl/cert.pem"),
        ("apk/alpine/curl", "/usr/bin/curl", "/lib/apk/db/installed"),
        ("apk/alpine/curl", "/usr/bin/curl", "/usr/lib/apk/db/scripts.tar"),
        ("deb/debian/curl", "/usr/lib/libcurl.so.4", "/etc/ld.so.cache"),
        ("deb/debian/libc-bin", "/usr/sbin/ldconfig", "/etc/ld.so.cache"),
        ("deb/debian/curl", "/usr/share/man/man1/curl.1.gz", "/var/cache/man/index.db"),
        ("deb/debian/curl", "/usr/share/info/curl.info.gz", "/usr/share/info/dir"),
        ("deb/debian/curl", "/usr/share/mime/packages/c.xml", "/usr/share/mime/mime.cache"),
        (
            "deb/debian/curl",
            "/usr/share/glib-2.0/schemas/c.xml",
            "/usr/share/glib-2.0/schemas/gschemas.compiled",
        ),
        (
            "deb/debian/curl",
            "/usr/lib/x86_64-linux-gnu/gio/modules/libx.so",
            "/usr/lib/x86_64-linux-gnu/gio/modules/giomodule.cache",
        ),
        ("deb/debian/fonts-x", "/usr/share/fonts/x.ttf", "/var/cache/fontconfig/a-le64.cache-8"),
        ("deb/debian/python3-x", f"{SITE}/x.py", f"{SITE}/__pycache__/x.cpython-311.pyc"),
        ("pypi/x", "/s/x.py", "/s/__pycache__/x.cpython-311.opt-1.pyc"),
        ("pypi/x", "/s/x.py", "/s/x.pyc"),
        ("pypi/x", "/s/x-1.dist-info/METADATA", "/s/x-1.dist-info/INSTALLER"),
        ("npm/ms", "/a/node_modules/ms/index.js", "/a/node_modules/.package-lock.json"),
        ("npm/ms", "/a/node_modules/ms/index.js", "/a/package-lock.json"),
    ],
)
def test_a_file_that_follows_from_a_package(purl: str, owned: str, generated: str) -> None:
    made = [file(generated.lstrip("/"), text) for text in "ab"]
    claim = night([owned], made[:1], made[1:], purl=purl).claim(generated)
    assert (claim.origin, claim.kind, claim.subject) == (
        Origin.EXTERNAL,
        Kind.PACKAGE,
        f"pkg:{purl}",
    )
    assert claim.grade is Grade.DERIVED
    assert claim.evidence[-1].startswith("derived: ")


@pytest.mark.parametrize(
    ("path", "target", "other"),
    [
        ("/etc/alternatives/pager", "/usr/bin/less", "/usr/bin/more"),
        ("/etc/systemd/system/multi-user.target.wants/x.service", "/lib/systemd/system/x", "/x"),
        ("/a/node_modules/.bin/ms", "../ms/cli.js", "../other/cli.js"),
        ("/etc/rc3.d/K01x", "../init.d/x", "../init.d/y"),
    ],
)
def test_a_link_that_an_install_makes(path: str, target: str, other: str) -> None:
    place = {
        "/usr/bin/less": "/usr/bin/less",
        "/lib/systemd/system/x": "/usr/lib/systemd/system/x",
        "../ms/cli.js": "/a/node_modules/ms/cli.js",
        "../init.d/x": "/etc/init.d/x",
    }[target]
    links = [symlink(path.lstrip("/"), to) for to in (other, target)]
    purl = "npm/ms" if "node_modules" in path else "deb/debian/curl"
    came = night([place], [], links[1:], purl=purl)
    assert (came.claim(path).subject, came.claim(path).grade) == (f"pkg:{purl}", Grade.DERIVED)
    assert night([place], links[:1], links[1:], purl=purl).claim(path).subject == f"pkg:{purl}"


def test_a_command_that_is_an_alternative() -> None:
    links = [
        symlink("usr/bin/pager", "/etc/alternatives/pager"),
        symlink("etc/alternatives/pager", "/usr/bin/less"),
    ]
    assert night(["/usr/bin/less"], [], links).claim("/usr/bin/pager").subject == CURL
    loose = symlink("usr/local/bin/less", "/usr/bin/less")
    assert night(["/usr/bin/less"], [], [loose]).claims["/usr/local/bin/less"] is None


@pytest.mark.parametrize(
    ("purl", "owned", "generated"),
    [
        ("pypi/x", "/s/x.py", "/var/lib/dpkg/status"),
        ("npm/ms", "/a/node_modules/ms/index.js", "/b/node_modules/.package-lock.json"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/lib/dpkg/info/wget.list"),
        ("deb/debian/curl", "/usr/bin/curl", "/var/cache/apt/archives/wget_2_amd64.deb"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/ssl/certs/ca-certificates.crt"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/ld.so.cache"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/rc2.d/S01other"),
        ("deb/debian/curl", "/usr/bin/curl", "/etc/motd"),
        ("deb/debian/curl", "/usr/bin/curl", "/s/__pycache__/x.cpython-311.pyc"),
        ("pypi/x", "/s/x.py", "/s/__pycache__/y.cpython-311.pyc"),
    ],
)
def test_a_file_that_no_moved_package_explains(purl: str, owned: str, generated: str) -> None:
    made = [file(generated.lstrip("/"), text) for text in "ab"]
    assert night([owned], made[:1], made[1:], purl=purl).claims[generated] is None


def test_nothing_follows_from_packages_that_did_not_move() -> None:
    def side(content: str) -> Made:
        members = [file("var/lib/dpkg/status", content), file("etc/passwd", content)]
        return Made([(INSTALL, members)], (deb("curl", "1", "/usr/bin/curl"),))

    assert set(PackagedNight(side("a"), side("b")).claims.values()) == {None}


def apart(path: str, *, above: bool) -> PackagedNight:
    """A generated file in a layer above the one that installs the package, or below it."""

    def side(version: str) -> Made:
        install = (INSTALL, [file("usr/lib/libx.so", version)])
        other = (LATER if above else EARLIER, [file(path.lstrip("/"), version)])
        layers = [install, other] if above else [other, install]
        return Made(layers, (deb("curl", version, "/usr/lib/libx.so"),))

    return PackagedNight(side("1"), side("2"))


def test_a_cache_may_be_made_above_its_source_and_not_below() -> None:
    assert apart("/etc/ld.so.cache", above=True).claim("/etc/ld.so.cache").subject == CURL
    assert apart("/etc/ld.so.cache", above=False).claims["/etc/ld.so.cache"] is None


def test_what_people_edit_too_follows_only_in_the_layer_of_the_install() -> None:
    assert apart("/etc/passwd", above=True).claims["/etc/passwd"] is None


def test_a_copied_file_is_no_generated_one() -> None:
    def side(version: str, **fields: Any) -> Made:
        layers = [
            (INSTALL, [file("usr/lib/libx.so", version)]),
            ("COPY root/ /", [file("etc/ld.so.cache", version)]),
        ]
        return Made(layers, (deb("curl", version, "/usr/lib/libx.so"),), **fields)

    found = PackagedNight(side("1"), side("2", repo=EDITED), replay=side("2"))
    assert found.claim("/usr/lib/libx.so").origin is Origin.EXTERNAL
    assert found.claims["/etc/ld.so.cache"] is None


def test_of_several_sources_the_world_s_comes_first_and_the_others_are_told() -> None:
    def side(one: str, other: str, **fields: Any) -> Made:
        members = [
            file("usr/bin/a", one),
            file("usr/bin/z", other),
            file("var/lib/dpkg/status", one + other),
        ]
        packages = (deb("a", one, "/usr/bin/a"), deb("z", other, "/usr/bin/z"))
        return Made([(INSTALL, members)], packages, **fields)

    found = PackagedNight(side("1", "1"), side("2", "2", repo=EDITED), replay=side("1", "2"))
    assert found.claim("/usr/bin/a").origin is Origin.REPO
    status = found.claim("/var/lib/dpkg/status")
    assert (status.origin, status.subject) == (Origin.EXTERNAL, "pkg:deb/debian/z")
    assert "it follows from 1 other source as well" in status.evidence[-1]


def test_users_follow_from_a_package_that_came_before_one_that_moved() -> None:
    def side(version: str, *, came: bool) -> Made:
        members = [file("usr/bin/a", version), file("etc/passwd", version)]
        packages = [deb("a", version, "/usr/bin/a")]
        if came:
            members.append(file("usr/bin/z"))
            packages.append(deb("z", "1", "/usr/bin/z"))
        return Made([(INSTALL, members)], packages)

    found = PackagedNight(side("1", came=False), side("2", came=True))
    assert found.claim("/etc/passwd").subject == "pkg:deb/debian/z"


def test_a_cache_made_above_a_moved_base_is_the_base_s() -> None:
    def side(version: str) -> Made:
        return Made(
            [
                (
                    "RUN ldconfig && adduser x",
                    [file("etc/ld.so.cache", version), file("etc/passwd", version)],
                )
            ],
            base=base(version),
            below=(file("lib/libc.so.6", version),),
        )

    found = PackagedNight(side("1"), side("2"))
    for path in ("/etc/ld.so.cache", "/etc/passwd"):
        assert (found.claim(path).kind, found.claim(path).grade) == (
            Kind.BASE_IMAGE,
            Grade.DERIVED,
        )


LISTS = "/var/lib/apt/lists/"


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        (
            "deb.debian.org_debian_dists_bookworm_InRelease",
            "http://deb.debian.org/debian/dists/bookworm",
        ),
        (
            "deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages.lz4",
            "http://deb.debian.org/debian/dists/bookworm",
        ),
        (
            "x.org_dists_stable_updates_main_i18n_Translation-en",
            "http://x.org/dists/stable/updates",
        ),
        ("x.org_my%5frepo_._Packages", "http://x.org/my_repo"),
        ("x.org_repo_Release.gpg", "http://x.org/repo"),
        ("_srv_repo_dists_x_InRelease", "file:///srv/repo/dists/x"),
        ("strange", f"{LISTS}strange"),
    ],
)
def test_a_package_index_that_moved(name: str, subject: str) -> None:
    def side(content: str) -> Made:
        lists = [file(f"{LISTS}{name}".lstrip("/"), content), file(f"{LISTS}lock".lstrip("/"))]
        cache = file("var/cache/apt/pkgcache.bin", content)
        return Made([("RUN apt-get update", [*lists, cache])])

    found = PackagedNight(side("a"), side("b"))
    claim = found.claim(f"{LISTS}{name}")
    assert (claim.origin, claim.kind, claim.subject) == (
        Origin.EXTERNAL,
        Kind.PACKAGE_INDEX,
        subject,
    )
    assert found.claim("/var/cache/apt/pkgcache.bin").key == claim.key


def test_an_index_stays_one_on_a_night_when_a_package_moves() -> None:
    name = f"{LISTS}x.org_dists_y_InRelease"
    made = [file(name.lstrip("/"), text) for text in "ab"]
    assert night(["/usr/bin/curl"], made[:1], made[1:]).claim(name).kind is Kind.PACKAGE_INDEX


def test_apt_s_plan_follows_from_its_lists_or_from_a_package() -> None:
    path = "/var/log/apt/eipp.log.xz"
    made = [file(path.lstrip("/"), text) for text in "ab"]
    moved = night(["/usr/bin/curl"], made[:1], made[1:])
    assert moved.claim(path).subject == CURL
    quiet = PackagedNight(*(Made([(INSTALL, [member])]) for member in made))
    assert quiet.claim(path).kind is Kind.PACKAGE_INDEX


def test_apt_s_cache_alone_is_no_index_that_moved() -> None:
    one, other = (Made([("RUN x", [file("var/cache/apt/pkgcache.bin", text)])]) for text in "ab")
    assert PackagedNight(one, other).claims["/var/cache/apt/pkgcache.bin"] is None


def test_who_moved_an_index_on_a_night_of_an_edit() -> None:
    path = f"{LISTS}x.org_dists_y_InRelease"
    one, other = (
        Made([("RUN x", [file(path.lstrip("/"), repo.dockerfile)])], repo=repo)
        for repo in (Made([]).repo, EDITED)
    )
    moved = replace(other, repo=one.repo)
    for replay, origin in (
        (None, Origin.UNEXPLAINED),
        (one, Origin.REPO),
        (moved, Origin.EXTERNAL),
    ):
        claim = PackagedNight(one, other, replay=replay).claim(path)
        assert (claim.origin, claim.kind) == (origin, Kind.PACKAGE_INDEX)


@pytest.mark.parametrize("rule", GENERATORS, ids=lambda rule: rule.what)
def test_no_rule_matches_every_path(rule: Any) -> None:
    assert rule.outputs.fullmatch("/srv/app/main.py") is None
    assert rule.inputs is None or rule.inputs.fullmatch("/srv/app/main.py") is None
