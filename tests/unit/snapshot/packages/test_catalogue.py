"""Cataloguers over trees made of a few lines."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from drift.errors import SnapshotError
from drift.snapshot.model import EntryType, Package, Packages
from drift.snapshot.packages.catalogue import Unreadable, catalogue, wanted

STATUS = "/var/lib/dpkg/status"
INFO = "/var/lib/dpkg/info/"
APK = "/lib/apk/db/installed"
SITE = "/usr/lib/python3/site-packages"
MD5 = "0123456789abcdef0123456789abcdef"


class Tree:
    """:class:`Files` in memory: contents, links (of directories or at the end), directories."""

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        links: Mapping[str, str] | None = None,
        directories: Iterable[str] = (),
        unreadable: Iterable[str] = (),
    ) -> None:
        self.files = {p: c.encode() if isinstance(c, str) else c for p, c in files.items()}
        self.links = dict(links or {})
        self.directories = set(directories)
        self.unreadable = set(unreadable)

    def paths(self) -> Iterable[str]:
        return [*self.files, *self.links]

    def read(self, path: str) -> bytes:
        assert wanted(path)
        if path in self.unreadable:
            raise Unreadable("99 bytes are too many")
        return self.files[path]

    def kind(self, path: str) -> EntryType | None:
        if path in self.files:
            return EntryType.FILE
        if path in self.links:
            return EntryType.SYMLINK
        return EntryType.DIRECTORY if path in self.directories else None

    def resolve(self, path: str) -> str:
        for link, target in self.links.items():
            if path.startswith(link + "/"):
                return target + path.removeprefix(link)
        if any(path.startswith(file + "/") for file in self.files):
            raise SnapshotError("a parent is a file")
        return path


def stanza(name: str, version: str = "1", state: str = "installed", more: str = "") -> str:
    return (
        f"Package: {name}\nStatus: install ok {state}\nArchitecture: amd64\n"
        f"Version: {version}\n{more}\n"
    )


def only(packages: Packages) -> Package:
    assert packages.unknown == {}
    (package,) = packages.items
    return package


def test_no_database_is_no_package() -> None:
    assert catalogue(Tree({"/etc/passwd": "root"})) == Packages()


def test_dpkg_package_with_files_digests_and_source() -> None:
    more = (
        "Multi-Arch: same\nSource: glibc (2.36-9)\n"
        f"Conffiles:\n /etc/libc.conf {MD5}\n /etc/new newconffile\n /etc/old {MD5} obsolete\n"
    )
    tree = Tree(
        {
            STATUS: stanza("libc6", "2.36-9+deb12u1", more=more),
            INFO
            + "libc6:amd64.list": "/.\n/lib\n/lib/x\n/lib/x/libc.so.6\n/etc/libc.conf\n/gone\n",
            INFO + "libc6:amd64.md5sums": f"{MD5}  lib/x/libc.so.6\n",
            "/usr/lib/x/libc.so.6": "elf",
            "/etc/libc.conf": "",
            "/usr/lib/os-release": 'NAME="Ubuntu"\nID="ubuntu"\n',
        },
        links={"/lib": "/usr/lib", "/etc/os-release": "../usr/lib/os-release"},
    )
    package = only(catalogue(tree))
    assert replace(package, integrity=None) == Package(
        purl="pkg:deb/ubuntu/libc6",
        version="2.36-9+deb12u1",
        location=":amd64",
        files=("/etc/libc.conf", "/usr/lib/x/libc.so.6"),
        digests={"/usr/lib/x/libc.so.6": f"md5:{MD5}", "/etc/libc.conf": f"md5:{MD5}"},
        source="glibc (2.36-9)",
    )


def test_dpkg_states_that_have_no_files_are_left_out() -> None:
    states = ("installed", "config-files", "not-installed", "half-configured")
    tree = Tree(
        {STATUS: "".join(stanza(s, state=s) for s in states)}
        | {f"{INFO}{s}.list": "/.\n" for s in states}
    )
    packages = catalogue(tree)
    assert [p.purl for p in packages] == [
        "pkg:deb/debian/half-configured",
        "pkg:deb/debian/installed",
    ]
    assert packages.unknown == {}


def test_dpkg_diverted_files_lie_elsewhere_for_all_but_the_diverter() -> None:
    tree = Tree(
        {
            STATUS: stanza("bash") + stanza("dash"),
            INFO + "bash.list": "/bin/sh\n",
            INFO + "dash.list": "/bin/sh\n",
            "/var/lib/dpkg/diversions": "/bin/sh\n/bin/sh.distrib\ndash\n",
            "/bin/sh": "",
            "/bin/sh.distrib": "",
        }
    )
    assert [p.files for p in catalogue(tree)] == [("/bin/sh.distrib",), ("/bin/sh",)]


def test_distroless_status_d() -> None:
    tree = Tree(
        {
            "/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a\n",
            "/var/lib/dpkg/status.d/tzdata.md5sums": f"{MD5}  usr/share/zone\n",
            "/usr/share/zone": "",
        }
    )
    package = only(catalogue(tree))
    assert (package.version, package.files) == ("2024a", ("/usr/share/zone",))


APK_DB = """C:Q1aCu0LmUDoAFSOX49uHvkYC1WasQ=
P:musl
V:1.2.3-r0
A:x86_64
o:musl-src
F:
F:lib
M:0:0:755
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1ZZqflKEvStJz4SXV0SDMi3wOtM0=
R:libc.musl-x86_64.so.1
a:0:0:777
Z:Q17yJ3JFNypA4mxhJJr0ou6CzsJVI=

"""


@pytest.mark.parametrize("path", [APK, "/usr" + APK])
def test_apk(path: str) -> None:
    so = "/lib/ld-musl-x86_64.so.1"
    tree = Tree({path: APK_DB, so: ""}, links={"/lib/libc.musl-x86_64.so.1": so})
    package = only(catalogue(tree))
    digest = base64.b64decode("ZZqflKEvStJz4SXV0SDMi3wOtM0=").hex()
    assert (package.purl, package.version, package.source) == (
        "pkg:apk/alpine/musl",
        "1.2.3-r0",
        "musl-src",
    )
    assert package.files == (so, "/lib/libc.musl-x86_64.so.1")
    assert package.digests == {so: f"sha1:{digest}"}


def record(*rows: tuple[str, bytes | None]) -> str:
    def line(path: str, content: bytes | None) -> str:
        if content is None:
            return f'"{path}",,\n'
        encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        return f"{path},sha256={encoded.decode()},{len(content)}\n"

    return "".join(line(*row) for row in rows)


def test_python_dist_info() -> None:
    home = f"{SITE}/Foo_Bar-1.0.dist-info"
    tree = Tree(
        {
            f"{home}/METADATA": "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n\nVersion: 9",
            f"{home}/RECORD": record(("foo/a,b.py", None), ("../../../bin/foo", b"#!")),
            f"{SITE}/foo/a,b.py": "",
            "/usr/bin/foo": "#!",
        }
    )
    package = only(catalogue(tree))
    assert (package.purl, package.location) == ("pkg:pypi/foo-bar", f"{SITE}/foo-bar")
    assert package.files == ("/usr/bin/foo", f"{home}/METADATA", f"{SITE}/foo/a,b.py")
    assert package.digests == {"/usr/bin/foo": f"sha256:{hashlib.sha256(b'#!').hexdigest()}"}


@pytest.mark.parametrize(
    ("name", "line"), [("installed-files.txt", "../a.py\n"), ("SOURCES.txt", "a.py\n")]
)
def test_python_egg_info(name: str, line: str) -> None:
    home = f"{SITE}/a.egg-info"
    files = {f"{home}/PKG-INFO": "Name: a\nVersion: 2\n", f"{SITE}/a.py": ""}
    package = only(catalogue(Tree(files | {f"{home}/{name}": line})))
    assert package.files == (f"{SITE}/a.egg-info/PKG-INFO", f"{SITE}/a.py")


def test_python_egg_info_file_and_vendored_copies() -> None:
    vendored = "tool/deps/b-1.dist-info/METADATA"
    tree = Tree(
        {
            f"{SITE}/tool-3.egg-info": "Name: tool.box\nVersion: 3\n",
            f"{SITE}/x-1.dist-info/METADATA": "Name: x\nVersion: 1\n",
            f"{SITE}/x-1.dist-info/RECORD": record((vendored, None)),
            f"{SITE}/{vendored}": "Name: b\nVersion: 1\n",
            f"{SITE}/pip/_vendor/c-1.dist-info/METADATA": "Name: c\nVersion: 1\n",
        }
    )
    packages = catalogue(tree)
    assert [p.purl for p in packages] == ["pkg:pypi/tool-box", "pkg:pypi/x"]
    assert packages.unknown == {}


def test_npm_nested_and_scoped() -> None:
    top, inner = "/app/node_modules/@s/a", "/app/node_modules/@s/a/node_modules/b"
    tree = Tree(
        {
            f"{top}/package.json": json.dumps({"name": "@s/a", "version": "1.0.0"}),
            f"{top}/index.js": "",
            f"{top}/test/package.json": "{",
            f"{inner}/package.json": b"\xef\xbb\xbf"
            + b'{"name":"b","version":"2","n":'
            + b"1" * 9000
            + b"}",
        }
    )
    packages = catalogue(tree)
    assert packages.unknown == {}
    assert [(p.purl, p.location) for p in packages] == [
        ("pkg:npm/%40s/a", top),
        ("pkg:npm/b", inner),
    ]
    assert packages.items[0].files == (
        f"{top}/index.js",
        f"{top}/package.json",
        f"{top}/test/package.json",
    )


@pytest.mark.parametrize(
    ("path", "is_wanted"),
    [
        ("/a/node_modules/b/package.json", True),
        ("/a/node_modules/.pnpm/b@1/node_modules/b/package.json", True),
        ("/a/node_modules/b/test/node_modules/c/package.json", False),
        ("/a/node_modules/.package-lock.json", True),
        ("/a/.package-lock.json", False),
        ("/a/node_modules/b/esm/package.json", False),
        ("/a/node_modules/@s/package.json", False),
        ("/a/node_modules/.cache/package.json", False),
        ("/usr/share/nodejs/b/package.json", False),
        ("/a/package.json", False),
        (INFO + "bash.postinst", False),
        (INFO + "bash.list", True),
        ("/opt/x/y-1.dist-info/RECORD", True),
        ("/etc/os-release", True),
    ],
)
def test_wanted(path: str, is_wanted: bool) -> None:
    assert wanted(path) is is_wanted


def dpkg_integrity(stanzas: str, md5sums: str) -> str | None:
    tree = Tree({STATUS: stanzas, INFO + "a.list": "", INFO + "a.md5sums": md5sums})
    return only(catalogue(tree)).integrity


def test_dpkg_integrity_is_of_what_the_vendor_made() -> None:
    """Gone files count (the .deb had them); what dpkg itself notes does not."""
    one = dpkg_integrity(stanza("a", more="Depends: b\n"), f"{MD5}  x\n")
    conffile = f"Depends: b\nConffiles:\n /etc/a {MD5}"
    own = f"{conffile} obsolete\nTriggers-Pending: ldconfig\nSection: misc\n"
    assert dpkg_integrity(stanza("a", more=own), f"{MD5}  x\n") == one
    assert dpkg_integrity(stanza("a", more="Depends: c\n"), f"{MD5}  x\n") != one
    assert dpkg_integrity(stanza("a", more=f"{conffile}\n"), f"{MD5}  x\n") != one
    assert dpkg_integrity(stanza("a", more="Depends: b\n"), f"{MD5[::-1]}  x\n") != one


def test_apk_integrity_is_the_checksum_of_the_control_segment() -> None:
    tree = Tree({APK: "C:Q1pSfbRMVwTB6gNG8ZT9gDAC7ND3E=\nP:a\nV:1\n\n"})
    assert only(catalogue(tree)).integrity == "Q1pSfbRMVwTB6gNG8ZT9gDAC7ND3E="


@pytest.mark.parametrize(
    ("hidden", "own", "integrity"),
    [
        (
            {"packages": {"node_modules/b": {"version": "1", "integrity": "sha512-x"}}},
            {},
            "sha512-x",
        ),
        ({"packages": {"node_modules/b": {"version": "2", "integrity": "sha512-x"}}}, {}, None),
        ({"packages": {"node_modules/b": 3}}, {}, None),
        ({"packages": []}, {"_integrity": "sha512-y"}, "sha512-y"),
        ({}, {"_integrity": {}}, None),
    ],
)
def test_npm_integrity_is_what_npm_installed(
    hidden: object, own: Mapping[str, object], integrity: str | None
) -> None:
    manifest = json.dumps({"name": "b", "version": "1", **own})
    lock = "/a/node_modules/.package-lock.json"
    tree = Tree({"/a/node_modules/b/package.json": manifest, lock: json.dumps(hidden)})
    assert only(catalogue(tree)).integrity == integrity


def test_a_hidden_lock_file_that_was_not_kept_hides_no_package() -> None:
    lock = "/a/node_modules/.package-lock.json"
    files = {"/a/node_modules/b/package.json": '{"name": "b", "version": "1"}', lock: "{}"}
    assert only(catalogue(Tree(files, unreadable=[lock]))).integrity is None


DAMAGED: dict[str, tuple[str, Tree]] = {
    "cut stanza": ("deb", Tree({STATUS: stanza("a")[:40]})),
    "binary status": ("deb", Tree({STATUS: b"\x00\xff\x7fELF" * 9})),
    "no version": ("deb", Tree({STATUS: "Package: a\nStatus: install ok installed\n\n"})),
    "no list": ("deb", Tree({STATUS: stanza("a")})),
    "bad status": ("deb", Tree({STATUS: "Package: a\nVersion: 1\n\n"})),
    "status is a directory": ("deb", Tree({}, directories=[STATUS])),
    "status is a link": ("deb", Tree({}, links={STATUS: "/nowhere"})),
    "status too large": ("deb", Tree({STATUS: ""}, unreadable=[STATUS])),
    "status emptied": ("deb", Tree({STATUS: "", INFO + "a.list": "/a\n"})),
    "apk cut": ("apk", Tree({APK: APK_DB[:-10]})),
    "apk junk": ("apk", Tree({APK: b"\x00\x01\n"})),
    "apk nameless": ("apk", Tree({APK: "V:1\n\n"})),
    "no metadata": ("pypi", Tree({f"{SITE}/a.dist-info/METADATA": ""})),
    "metadata is a link": ("pypi", Tree({}, links={f"{SITE}/a.dist-info/METADATA": "/x"})),
    "record": (
        "pypi",
        Tree(
            {
                f"{SITE}/a.dist-info/METADATA": "Name: a\nVersion: 1\n",
                f"{SITE}/a.dist-info/RECORD": "\x00no csv\n",
            }
        ),
    ),
    "no JSON": ("npm", Tree({"/node_modules/a/package.json": "{"})),
    "deep JSON": ("npm", Tree({"/node_modules/a/package.json": "[" * 200_000})),
    "other JSON": ("npm", Tree({"/node_modules/a/package.json": '{"name": 1, "version": []}'})),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_database_is_unknown_with_its_path(case: str) -> None:
    purl_type, tree = DAMAGED[case]
    unknown = catalogue(tree).unknown
    assert list(unknown) == [purl_type]
    *_, named = [*tree.paths(), *tree.directories]
    assert (INFO if case == "no list" else named.rpartition("/")[0]) in unknown[purl_type]


def test_what_could_be_read_of_a_damaged_database_is_listed() -> None:
    packages = catalogue(
        Tree({STATUS: stanza("a") + "junk\n\n" + stanza("b"), INFO + "a.list": ""})
    )
    assert [p.purl for p in packages] == ["pkg:deb/debian/a", "pkg:deb/debian/b"]
    assert "line 6" in packages.unknown["deb"]


DATABASES = [
    STATUS,
    INFO + "a.list",
    INFO + "a.md5sums",
    "/var/lib/dpkg/diversions",
    "/var/lib/dpkg/status.d/a",
    APK,
    f"{SITE}/a.dist-info/METADATA",
    f"{SITE}/a.dist-info/RECORD",
    f"{SITE}/b.egg-info",
    "/node_modules/a/package.json",
    "/node_modules/.package-lock.json",
    "/etc/os-release",
]
SOUND = {
    STATUS: stanza("a"),
    INFO + "a.list": "/x\n",
    f"{SITE}/a.dist-info/METADATA": "Name: a\nVersion: 1\n",
    APK: APK_DB,
}
LIKELY = st.lists(
    st.sampled_from(
        [
            b"Package: ",
            b"Status: install ok installed\n",
            b"Version: 1\n",
            b"P:",
            b"V:1\n",
            b"F:",
            b"R:a\n",
            b"Z:Q1",
            b"Name: ",
            b"Version: ",
            b"\n",
            b"\n\n",
            b",,\n",
            b"sha256=",
            b'"',
            b'{"name": "',
            b'", "version": "1"}',
            b"ID=",
            b"/",
            b"\xff",
            b"\x00",
            b"%",
            b"@",
            b"x",
        ]
    )
).map(b"".join)


@given(st.sampled_from(DATABASES), st.binary() | LIKELY)
def test_arbitrary_bytes_give_packages_or_unknown(path: str, content: bytes) -> None:
    packages = catalogue(Tree({**SOUND, path: content}))
    for package in packages:
        assert PackageURL.from_string(package.purl).name
        assert package.purl.isascii()
        assert package.version


def test_large_databases_take_linear_time() -> None:
    started = time.process_time()
    lines = "".join(f"/usr/share/doc/{n}\n" for n in range(100_000))
    rows = "".join(f"x/{n},,\n" for n in range(100_000))
    home = f"{SITE}/a.dist-info"
    files = {
        STATUS: stanza("a", more="Conffiles:\n" + " x\n" * 100_000),
        INFO + "a.list": lines,
        APK: "P:a\nV:1\nF:a\n" + "R:b\n" * 100_000,
        f"{home}/METADATA": "Name: a\nVersion: 1\n",
        f"{home}/RECORD": rows,
    }
    assert len(catalogue(Tree(files)).items) == 3
    assert time.process_time() - started < 10
