"""What is read of an index's page, and what is asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.oci import Digest
from drift.probe import Limits, probe
from drift.probe.listing import listed
from drift.source.model import Probe, Remote, RemoteKind
from support.web import Web, running_web

LIMITS = Limits(timeout=5)
PAGE = """<!DOCTYPE html><html><body>
<a href="/w/a-1.0-py3-none-any.whl#sha256=11" data-yanked>a</a>
<A data-x='>' HREF='../a%2Bb-2.0.tar.gz#md5=3&amp;sha256=22'>b</A>
<a href="/w/c.whl">c</a> <a name="d">d</a>
</body></html>"""
RELEASE = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Date: Wed, 25 Nov 2026 20:14:33 UTC
SHA256:
"""


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as web:
        yield web


def ask(url: str, kind: RemoteKind, limits: Limits = LIMITS) -> Probe:
    (told,) = probe([Remote(kind, url, "0", 2, "name")], limits)
    return told


def test_a_project_of_pep_503() -> None:
    assert listed(RemoteKind.PYPI, PAGE.encode(), 10) == {"a-1.0-py3-none-any.whl": "sha256:11"}


def test_a_project_of_pep_691() -> None:
    files = [
        {"filename": "a-1.0.tar.gz", "hashes": {"md5": "0", "sha256": "11"}},
        {"filename": "a-2.0.tar.gz", "hashes": {}},
    ]
    page = json.dumps({"meta": {"api-version": "1.0"}, "name": "a", "files": files})
    assert listed(RemoteKind.PYPI, page.encode(), 10) == {"a-1.0.tar.gz": "sha256:11"}


def test_a_package_of_npm() -> None:
    versions = {
        "1.0.0": {"dist": {"shasum": "aa", "integrity": "sha512-bb=="}},
        "0.9.0": {"dist": {"shasum": "cc"}},
        "0.8.0": {},
    }
    page = json.dumps({"name": "a", "versions": versions}).encode()
    assert listed(RemoteKind.NPM, page, 10) == {"1.0.0": "sha512-bb==", "0.9.0": "sha1:cc"}
    assert listed(RemoteKind.NPM, page, 1) == {"1.0.0": "sha512-bb=="}


@pytest.mark.parametrize(
    ("text", "dated"),
    [
        (RELEASE, {"Date": "2026-11-25T20:14Z"}),
        (RELEASE.replace("UTC", "+0200"), {"Date": "2026-11-25T18:14Z"}),
        (RELEASE.replace("Wed,", "some"), {}),
        ("", {}),
    ],
)
def test_the_date_of_a_release(text: str, dated: dict[str, str]) -> None:
    assert listed(RemoteKind.DEB, text.encode(), 10) == dated


@given(
    st.sampled_from([RemoteKind.DEB, RemoteKind.PYPI, RemoteKind.NPM]),
    st.binary(max_size=100)
    | st.text(max_size=100).map(lambda text: f"Date: {text}".encode())
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["files", "versions", "dist", "hashes", "sha256"]), inner
            )
        ),
    ).map(lambda document: json.dumps(document).encode()),
)
def test_any_page_has_an_answer(kind: RemoteKind, page: bytes) -> None:
    assert len(listed(kind, page, 3)) <= 3


def test_an_index_is_asked_in_its_own_format(web: Web) -> None:
    web.pages["/simple/a/"] = PAGE.encode()
    told = ask(f"{web.url}/simple/a/", RemoteKind.PYPI)
    assert told.identity == Digest.of(PAGE.encode())
    assert told.listed == {"a-1.0-py3-none-any.whl": "sha256:11"}
    headers = web.requests[0][2]
    assert headers["Accept"].startswith("application/vnd.pypi.simple.v1+json,")
    assert "Authorization" not in headers


def test_one_page_of_several_instructions_is_one_request(web: Web) -> None:
    web.pages["/a"] = b"{}"
    remotes = [Remote(RemoteKind.NPM, f"{web.url}/a", "0", line, "a") for line in (2, 3)]
    assert [told.remote.line for told in probe(remotes, LIMITS)] == [2, 3]
    assert web.asked("/a") == 1


def test_a_large_page_is_not_read_and_a_larger_one_not_fetched(web: Web) -> None:
    page = json.dumps({"versions": {"1": {"dist": {"shasum": "a"}}}}).encode()
    web.pages["/a"], size = page, len(page)
    told = ask(f"{web.url}/a", RemoteKind.NPM, Limits(timeout=5, read=size - 1))
    assert (told.identity is not None, told.listed) == (True, {})
    told = ask(f"{web.url}/a", RemoteKind.NPM, Limits(timeout=5, page=size - 1))
    assert told.problem == f"its content is larger than {size - 1} bytes"


def test_what_does_not_answer_is_no_error(web: Web) -> None:
    told = ask(f"{web.url}/none", RemoteKind.DEB)
    assert (told.identity, told.gone) == (None, True)
