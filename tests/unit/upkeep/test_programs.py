"""Which program a container is for, and which package brought it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.snapshot.model import Package
from drift.snapshot.tree import merge
from drift.upkeep.programs import Holding, Process, main_command, main_process, package_of
from support.images import Member, directory, file, layer_of, symlink

POSTGRES = "/usr/lib/postgresql/15/bin/postgres"


def tree_of(*lines: str) -> list[Process]:
    """Processes as ``PID PARENT COMMAND…``."""
    rows = [line.split() for line in lines]
    return [Process(int(row[0]), int(row[1]), tuple(row[2:])) for row in rows]


@pytest.mark.parametrize(
    ("processes", "main"),
    [
        (["70 1 postgres -D /data", "80 70 postgres: checkpointer"], "postgres"),
        (["70 1 /sbin/docker-init -- sleep 9", "71 70 sleep 9"], "sleep"),
        (
            ["70 1 /usr/bin/tini -g -- x", "75 70 /bin/sh /start.sh", "90 75 redis-server *:1"],
            "redis-server",
        ),
        (["70 1 nginx: master process nginx -g", "71 70 nginx: worker process"], "nginx"),
        (["70 1 -bash", "71 70 mysqld --x"], "mysqld"),
        (["70 1 sh -c a; b", "71 70 sh loop.sh", "72 70 caddy run"], "caddy"),
        (["70 1 /bin/sh"], None),
        ([], None),
        (["9 2 b", "2 1 a"], "a"),
    ],
)
def test_what_really_runs(processes: list[str], main: str | None) -> None:
    found = main_process(tree_of(*processes))
    assert (found[0] if found else None) == main


def test_processes_that_are_their_own_parents_end() -> None:
    assert main_process(tree_of("5 5 sh")) == ()
    assert main_process(tree_of("5 1 sh", "6 5 sh", "6 6 sh")) == ()


@pytest.mark.parametrize(
    ("command", "main"),
    [
        (["docker-entrypoint.sh", "postgres", "-c", "x=1"], ["postgres", "-c", "x=1"]),
        (["/usr/bin/tini", "-g", "--", "/entry.sh", "redis-server"], ["redis-server"]),
        (["/usr/bin/dumb-init", "node", "server.js"], ["node", "server.js"]),
        (["/bin/sh", "-c", "exec gosu app gunicorn app:app"], ["gunicorn", "app:app"]),
        (
            ["sh", "-ec", "mkdir -p /x && A=1 python3 -m http.server"],
            ["python3", "-m", "http.server"],
        ),
        (["gosu", "postgres", "postgres"], ["postgres"]),
        (["env", "A=b", "nginx"], ["nginx"]),
        (["/entry.sh"], []),
        (["sh", "-c", "unclosed '"], []),
        ([], []),
        (["java", "-jar", "app.jar"], ["java", "-jar", "app.jar"]),
    ],
)
def test_what_is_configured_to_run(command: list[str], main: list[str]) -> None:
    assert list(main_command(command)) == main


@given(st.lists(st.text(max_size=12), max_size=8))
def test_no_command_line_is_too_odd(words: list[str]) -> None:
    found = main_command(words)
    assert isinstance(found, tuple)
    package_of(found, IMAGE)
    main_process([Process(n, n // 2, tuple(words)) for n in range(3)])


def deb(name: str, version: str, *files: str) -> Package:
    return Package(f"pkg:deb/debian/{name}", version, files=files)


def image(*members: Member, packages: tuple[Package, ...] = (), **fields: str) -> Holding:
    return Holding(merge([layer_of(members)]), packages, **fields)


IMAGE = image(
    symlink("bin", "usr/bin"),
    file(POSTGRES[1:]),
    symlink("usr/local/bin/postgres", POSTGRES),
    symlink("usr/bin/python3", "python3.11"),
    file("usr/bin/python3.11"),
    file("usr/bin/gunicorn"),
    file("app/main.py"),
    file("app/server.py"),
    symlink("usr/bin/loop", "loop"),
    symlink("usr/bin/java", "/etc/alternatives/java"),
    symlink("etc/alternatives/java", "/usr/lib/jvm/java-17/bin/java"),
    file("usr/lib/jvm/java-17/bin/java"),
    file("opt/own"),
    directory("usr/bin/folder"),
    file("usr/lib/python3/dist-packages/gunicorn/__main__.py"),
    packages=(
        deb("postgresql-15", "15.3-0+deb12u1", POSTGRES),
        deb("python3.11-minimal", "3.11.2-6", "/usr/bin/python3.11"),
        deb("openjdk-17-jre-headless", "17.0.9+9-1", "/usr/lib/jvm/java-17/bin/java"),
        Package(
            "pkg:pypi/gunicorn",
            "21.2",
            files=("/usr/bin/gunicorn", "/usr/lib/python3/dist-packages/gunicorn/__main__.py"),
        ),
        deb("shop", "4.2", "/app/server.py"),
    ),
    directory="/app",
)


@pytest.mark.parametrize(
    ("words", "path", "name"),
    [
        ("postgres -D /data", POSTGRES, "postgresql-15"),
        ("/bin/java -jar none.jar", "/usr/lib/jvm/java-17/bin/java", "openjdk-17-jre-headless"),
        ("python3 main.py", "/usr/bin/python3.11", "python3.11-minimal"),
        ("python3 -u server.py", "/app/server.py", "shop"),
        ("/usr/bin/python3.11 /usr/bin/gunicorn app:app", "/usr/bin/gunicorn", "gunicorn"),
        ("python3 -m gunicorn", "gunicorn", "gunicorn"),
        ("python3 -c pass", "/usr/bin/python3.11", "python3.11-minimal"),
        ("/opt/own", "/opt/own", None),
        ("loop", None, None),
        ("folder", None, None),
        ("../../../bin/gunicorn", "/usr/bin/gunicorn", "gunicorn"),
        ("absent", None, None),
        ("", None, None),
    ],
)
def test_the_package_of_a_program(words: str, path: str | None, name: str | None) -> None:
    found, package = package_of(words.split(), IMAGE)
    assert found == path
    assert (package.purl.rpartition("/")[2] if package else None) == name
