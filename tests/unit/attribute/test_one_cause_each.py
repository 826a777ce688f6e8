"""Any night at all: every changed path and package has exactly one cause."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from drift.snapshot.model import Package
from support.images import file
from support.packaged import EDITED, INSTALL, Made, PackagedNight, base

EARLIER = "RUN earlier"
SITE = "/usr/lib/python3/dist-packages"
LISTS = "/var/lib/apt/lists/"

PATHS = st.sampled_from(
    [
        "/var/lib/dpkg/status",
        "/var/lib/dpkg/info/a.list",
        "/etc/passwd",
        "/etc/ld.so.cache",
        "/usr/lib/a.so",
        f"{SITE}/a.py",
        f"{SITE}/__pycache__/a.cpython-311.pyc",
        "/etc/alternatives/a",
        "/a/node_modules/.bin/a",
        f"{LISTS}x_dists_y_InRelease",
        "/var/cache/apt/pkgcache.bin",
        "/opt/any",
    ]
)
VERSIONS = st.sampled_from("123")


@st.composite
def builds(draw: st.DrawFn) -> Made:
    """A build with any of the paths in any layer, owned by any package."""
    layers = [
        (text, [file(path.lstrip("/"), draw(VERSIONS)) for path in sorted(draw(st.sets(PATHS)))])
        for text in (EARLIER, INSTALL, "COPY x /")
    ]
    purls = draw(st.sets(st.sampled_from(["deb/debian/a", "pypi/a", "npm/a", "apk/alpine/a"])))
    packages = []
    for purl in sorted(purls):
        files = tuple(sorted(draw(st.sets(PATHS))))
        digests = {path: f"sha256:{draw(VERSIONS)}" for path in files if draw(st.booleans())}
        integrity = draw(st.none() | VERSIONS)
        packages.append(
            Package(f"pkg:{purl}", draw(VERSIONS), "", files, digests, integrity=integrity)
        )
    repo = draw(st.sampled_from([Made([]).repo, EDITED]))
    return Made(layers, packages, repo=repo, base=base(draw(VERSIONS)))


@settings(max_examples=60)
@given(builds(), builds(), st.none() | builds(), st.none() | builds())
def test_every_path_has_exactly_one_cause_on_any_night(
    then: Made, now: Made, replay: Made | None, control: Made | None
) -> None:
    found = PackagedNight(then, now, replay=replay, control=control)
    for claim in filter(None, found.claims.values()):
        assert claim.subject
        assert len(set(claim.evidence)) == len(claim.evidence)
