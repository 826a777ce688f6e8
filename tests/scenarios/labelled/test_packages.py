"""Packages that moved, were published again, or were moved by the repository."""

from __future__ import annotations

from drift.demo.debs import Deb
from support.index import Wheel
from support.labelled import ANYTHING, Cause, Story, drifted, first, quiet, scenario
from support.npm_registry import NpmPackage
from support.world import World

GREETING = "pkg:deb/debian/greeting"


def deb(version: str, text: str | None = None, name: str = "greeting", **more: str) -> Deb:
    script = f"#!/bin/sh\necho {text or version}\n".encode()
    return Deb(name, version, {f"/usr/bin/{name}": script}, **more)


def installs(base: str, url: str, what: str, keep_lists: bool = False) -> str:
    """A Dockerfile that installs from an archive and leaves nothing that tells the time."""
    tidy = "/var/cache/apt/* /var/cache/ldconfig /var/log/*"
    if not keep_lists:
        tidy += " /var/lib/apt/lists/*"
    return f"""\
        FROM {base} AS made
        RUN rm -rf /etc/apt/sources.list.d && \\
            echo 'deb [trusted=yes] {url} ./' > /etc/apt/sources.list
        RUN apt-get update && apt-get install -y {what} && rm -rf {tidy}
        """


@scenario("a package of the archive moved", builder=("classic", "buildkit"))
def test_package_moved(world: World) -> Story:
    url = world.debs(deb("1.0"))
    world.image(installs(world.debian, url, "greeting"))
    world.commit()
    yield first()
    world.debs(deb("1.1"))
    yield drifted(
        Cause("external", "package", GREETING, "1.0", "1.1", grade="owned"), builds=("nightly",)
    )


@scenario(
    "a package was published again: same version, other bytes", builder=("classic", "buildkit")
)
def test_package_republished(world: World) -> Story:
    url = world.debs(deb("1.0", "hello"))
    world.image(installs(world.debian, url, "greeting"))
    world.commit()
    yield first()
    world.debs(deb("1.0", "pwned"))
    yield drifted(Cause("external", "package-republished", GREETING, ANYTHING, ANYTHING))


@scenario("what a pinned package depends on moved", builder="classic")
def test_dependency_of_a_pinned_package_moved(world: World) -> Story:
    pinned = deb("1.0", depends="libgreeting")
    url = world.debs(pinned, deb("2.0", name="libgreeting"))
    world.image(installs(world.debian, url, "greeting=1.0"))
    world.commit()
    yield first()
    world.debs(pinned, deb("2.1", name="libgreeting"))
    yield drifted(Cause("external", "package", "pkg:deb/debian/libgreeting", "2.0", "2.1"))


@scenario("the repository pins another version of a package")
def test_package_moved_by_the_repository(world: World) -> Story:
    url = world.debs(deb("1.0"), deb("1.1"))
    world.image(installs(world.debian, url, "greeting=1.0"))
    world.commit()
    yield first()
    world.commit(installs(world.debian, url, "greeting=1.1"))
    yield drifted(
        Cause("repo", "package", GREETING, "1.0", "1.1"), builds=("nightly", "replay", "control")
    )


@scenario("the pinned version is gone, and the repository pins the next one")
def test_pin_that_follows_the_world(world: World) -> Story:
    url = world.debs(deb("1.0"))
    world.image(installs(world.debian, url, "greeting=1.0"))
    world.commit()
    yield first()
    world.debs(deb("1.1"))
    world.commit(installs(world.debian, url, "greeting=1.1"))
    yield drifted(
        Cause("external", "source-unavailable", GREETING, "1.0"),
        Cause("repo", "package", GREETING, "1.0", "1.1"),
        builds=("nightly", "replay"),
    )


@scenario("the repository pins another version; another package moved by itself", builder="classic")
def test_packages_of_both(world: World) -> Story:
    url = world.debs(deb("1.0"), deb("1.1"), deb("3.0", name="fortune"))
    world.image(installs(world.debian, url, "greeting=1.0 fortune"))
    world.commit()
    yield first()
    world.debs(deb("1.0"), deb("1.1"), deb("3.1", name="fortune"))
    world.commit(installs(world.debian, url, "greeting=1.1 fortune"))
    yield drifted(
        Cause("external", "package", "pkg:deb/debian/fortune", "3.0", "3.1"),
        Cause("repo", "package", GREETING, "1.0", "1.1"),
    )


@scenario("the archive's lists moved, and nothing that is installed did")
def test_package_index(world: World) -> Story:
    url = world.debs(deb("1.0"))
    world.image(installs(world.debian, url, "greeting", keep_lists=True))
    world.commit()
    yield first()
    world.debs(deb("1.0"), deb("7", name="newcomer"))
    yield quiet(Cause("external", "package-index", url))


@scenario("the archive's lists moved, and the policy tolerates nothing", builder="classic")
def test_package_index_not_tolerated(world: World) -> Story:
    url = world.debs(deb("1.0"))
    text = installs(world.debian, url, "greeting", keep_lists=True)
    world.image(text, more="[policy]\ntolerate = []\n")
    world.commit()
    yield first()
    world.debs(deb("1.0"), deb("7", name="newcomer"))
    yield drifted(Cause("external", "package-index", url))


@scenario("the package of a builder stage moved, whose program the image copies", builder="classic")
def test_package_of_a_stage(world: World) -> Story:
    url = world.debs(deb("1.0"))
    text = installs(world.debian, url, "greeting")
    world.image(text + "FROM scratch\nCOPY --from=made /usr/bin/greeting /greeting\n")
    world.commit()
    yield first()
    world.debs(deb("1.1"))
    yield drifted(
        Cause("external", "package", GREETING, "1.0", "1.1"), paths={"/greeting": "external"}
    )


# pip

THING = "pkg:pypi/thing"
MODULE = "/usr/local/lib/python3.11/dist-packages/thing"
BYTECODE = f"{MODULE}/__pycache__/__init__.cpython-311.pyc"


def pip(base: str, url: str, what: str) -> str:
    return f"""\
        FROM {base}
        RUN pip install --break-system-packages --no-cache-dir --index-url {url} \\
            --disable-pip-version-check {what}
        """


def wheel(version: str, text: str | None = None, name: str = "thing", **more: list[str]) -> Wheel:
    return Wheel(name, version, {f"{name}/__init__.py": f"word = {text or version!r}\n"}, **more)


@scenario("a distribution of the Python index moved", builder="classic")
def test_pip_moved(world: World) -> Story:
    url = world.wheels(wheel("1.0"))
    world.image(pip(world.python, url, "thing"))
    world.commit()
    yield first()
    world.wheels(wheel("1.0"), wheel("1.1"))
    said = "is another than on 2026-11-01: it lists 1.1, which it did not"
    yield drifted(Cause("external", "package", THING, "1.0", "1.1", evidence=said))


@scenario("a distribution was published again: same version, other bytes")
def test_pip_republished(world: World) -> Story:
    url = world.wheels(wheel("1.0", "'hello'"))
    world.image(pip(world.python, url, "thing==1.0"))
    world.commit()
    yield first()
    world.wheels(wheel("1.0", "'pwned'"))
    said = "it named other digests of 1.0 on 2026-11-01"
    yield drifted(
        Cause(
            "external", "package-republished", THING, ANYTHING, ANYTHING, "proven", evidence=said
        ),
        paths={f"{MODULE}/__init__.py": "external"},
    )


@scenario("what a pinned distribution requires moved")
def test_dependency_of_a_pinned_distribution_moved(world: World) -> Story:
    pinned = wheel("1.0", requires=["other"])
    url = world.wheels(pinned, wheel("2.0", name="other"))
    world.image(pip(world.python, url, "thing==1.0"))
    world.commit()
    yield first()
    world.wheels(pinned, wheel("2.1", name="other"))
    yield drifted(
        Cause("external", "package", "pkg:pypi/other", "2.0", "2.1"),
        Cause("nondeterminism", "bytecode", BYTECODE, grade="proven"),
    )


@scenario("nothing: bytecode names the time of its source", builder=("classic", "buildkit"))
def test_bytecode(world: World) -> Story:
    url = world.wheels(wheel("1.0"))
    world.image(pip(world.python, url, "thing==1.0"))
    world.commit()
    yield first()
    yield quiet(Cause("nondeterminism", "bytecode", ANYTHING, grade="proven"), builds=("nightly",))


# npm

NPM_THING = "pkg:npm/thing"


def npm(base: str, url: str, what: str, tidy: bool = True) -> str:
    return f"""\
        FROM {base}
        WORKDIR /app
        RUN npm install --registry {url} --no-audit --no-fund --no-update-notifier {what} \
            {"&& rm -rf /root/.npm" if tidy else ""}
        """


@scenario("a package of the npm registry moved", builder="classic")
def test_npm_moved(world: World) -> Story:
    url = world.npm_packages(NpmPackage("thing", "1.0.0"))
    world.image(npm(world.npm, url, "thing"))
    world.commit()
    yield first()
    world.npm_packages(NpmPackage("thing", "1.0.0"), NpmPackage("thing", "1.1.0"))
    said = "is another than on 2026-11-01: it lists 1.1.0, which it did not"
    yield drifted(Cause("external", "package", NPM_THING, "1.0.0", "1.1.0", evidence=said))


@scenario("an npm package was published again: same version, other bytes")
def test_npm_republished(world: World) -> Story:
    url = world.npm_packages(NpmPackage("thing", "1.0.0", "hello"))
    world.image(npm(world.npm, url, "thing@1.0.0"))
    world.commit()
    yield first()
    world.npm_packages(NpmPackage("thing", "1.0.0", "pwned"))
    said = "it named other digests of 1.0.0 on 2026-11-01"
    yield drifted(
        Cause(
            "external",
            "package-republished",
            NPM_THING,
            ANYTHING,
            ANYTHING,
            "proven",
            evidence=said,
        ),
        paths={"/app/node_modules/thing/index.js": "external"},
    )


@scenario("what a pinned npm package depends on moved")
def test_dependency_of_a_pinned_npm_package_moved(world: World) -> Story:
    pinned = NpmPackage("thing", "1.0.0", depends={"other": "^2.0.0"})
    url = world.npm_packages(pinned, NpmPackage("other", "2.0.0"))
    world.image(npm(world.npm, url, "thing@1.0.0"))
    world.commit()
    yield first()
    world.npm_packages(pinned, NpmPackage("other", "2.0.0"), NpmPackage("other", "2.1.0"))
    yield drifted(Cause("external", "package", "pkg:npm/other", "2.0.0", "2.1.0"))


@scenario("nothing: npm's cache and logs name the time", builder="classic")
def test_npm_cache(world: World) -> Story:
    url = world.npm_packages(
        NpmPackage("thing", "1.0.0", depends={"other": "^2.0.0"}), NpmPackage("other", "2.0.0")
    )
    world.image(npm(world.npm, url, "thing", tidy=False))
    world.commit()
    yield first()
    yield quiet(
        Cause("nondeterminism", "cache", "/root/.npm/_cacache/index-v5/**"),
        Cause("nondeterminism", "random", "/root/.npm/_logs/**"),
    )
