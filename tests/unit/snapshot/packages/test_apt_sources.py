"""Where apt installs from, read from both of its formats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.packages.apt_sources import Suite, suites, wanted

LIST = "/etc/apt/sources.list"
DEB822 = "/etc/apt/sources.list.d/debian.sources"
DEBIAN = "http://deb.debian.org/debian"
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
SUITES = st.builds(Suite, WORDS.map(lambda host: f"http://{host}.example/debian"), WORDS)


def read(text: str, path: str = LIST) -> list[str]:
    return [str(suite) for suite in suites({path: text.encode()})]


def test_the_lines_of_a_list() -> None:
    text = f"""# deb http://no.example/ no main
deb {DEBIAN} bookworm main contrib
deb [arch=amd64 signed-by=/k.gpg] https://u:p@deb.example.org/ stable main  # ours
deb-src {DEBIAN} trixie main
deb [ trusted=yes ] http://flat.example/apt ./
deb cdrom:[Debian]/ bookworm main
deb file:/srv/mirror bookworm main
deb http://h.example/$(ARCH) bookworm main
  deb\thttp://h.example/sub\tdir/
deb http://alone.example
"""
    found = suites({LIST: text.encode()})
    assert [suite.release for suite in found] == [
        f"{DEBIAN}/dists/bookworm/InRelease",
        "https://deb.example.org/dists/stable/InRelease",
        "http://flat.example/apt/InRelease",
        "http://h.example/sub/dir/InRelease",
    ]


def test_the_stanzas_of_deb822() -> None:
    text = f"""# Debian's own
Types: deb deb-src
URIs: {DEBIAN}
Suites: bookworm
 bookworm-updates
# a comment within
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

types: deb
uris: http://a.example http://b.example/
suites: stable
enabled: no

Types: deb-src
URIs: {DEBIAN}
Suites: sid

a line that is none

Types: deb
URIs: http://a.example http://b.example/
Suites: stable
"""
    assert read(text, DEB822) == [
        f"{DEBIAN} bookworm",
        f"{DEBIAN} bookworm-updates",
        "http://a.example stable",
        "http://b.example stable",
    ]


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        (LIST, True),
        (DEB822, True),
        ("/etc/apt/sources.list.d/a.list", True),
        ("/etc/apt/sources.list.d/a.list.save", False),
        ("/etc/apt/sources.list.d/a b.list", False),
        ("/etc/apt/sources.list.bak", False),
        ("/etc/apt/apt.conf", False),
    ],
)
def test_which_files_apt_reads(path: str, is_read: bool) -> None:
    assert wanted(path) is is_read


@given(st.lists(SUITES, max_size=8, unique=True))
def test_both_formats_say_the_same(wanted_suites: list[Suite]) -> None:
    lines = "".join(f"deb {suite} main\n" for suite in wanted_suites)
    stanzas = "\n".join(
        f"Types: deb\nURIs: {suite.archive}\nSuites: {suite.name}\n" for suite in wanted_suites
    )
    said = list(map(str, wanted_suites))
    assert read(lines) == read(stanzas, DEB822) == said


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_file_has_an_answer_without_credentials(text: str) -> None:
    for path in (LIST, DEB822):
        for prefix in ("", "deb http://u:p@h.example ", "Types: deb\nURIs: http://u:p@h.example\n"):
            for suite in suites({path: (prefix + text).encode("utf-8", "surrogatepass")}):
                assert suite.release.startswith(("http://", "https://"))
                assert "@" not in suite.release.split("://")[1].split("/")[0]
