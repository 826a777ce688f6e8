"""Dockerfiles as a table: an instruction, and what it fetches from addresses it spells out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.source.dockerfile import DockerfileError, parse
from drift.source.dockerfile.remotes import BaseSettings, remotes
from drift.source.dockerfile.stages import Build
from drift.source.model import Remote, RemoteKind

U = "https://example.org"


def found(text: str, builder: str = "buildkit", **args: str) -> tuple[Remote, ...]:
    return remotes(parse(text.encode()), Build(args, builder=builder))


def run(script: str, **args: str) -> list[tuple[str, str | None]]:
    lines = f"FROM scratch\nARG A=1.2\nENV E=env\nWORKDIR /w\nRUN {script}\n"
    return [(remote.url, remote.target) for remote in found(lines, **args)]


FETCHES = [
    (f"curl -o /x {U}/a", [(f"{U}/a", "/x")]),
    (f"curl -fsSLo x {U}/a", [(f"{U}/a", "/w/x")]),
    (f"curl --output=/x {U}/a", [(f"{U}/a", "/x")]),
    (f"curl -LO {U}/d/a.tgz", [(f"{U}/d/a.tgz", "/w/a.tgz")]),
    (f"curl -O {U}/a -O {U}/b", [(f"{U}/a", "/w/a"), (f"{U}/b", "/w/b")]),
    (f"curl {U}/a {U}/b -o /1 -o /2", [(f"{U}/a", "/1"), (f"{U}/b", "/2")]),
    (f"curl --remote-name-all --output-dir /o {U}/a", [(f"{U}/a", "/o/a")]),
    (f"curl -OJ {U}/a", [(f"{U}/a", None)]),
    (f"curl -fsSL '{U}/a' | tar xz -C /opt", [(f"{U}/a", "/opt")]),
    (f"curl -fsSL {U}/a | tar -xzf - --directory=/opt --strip 1", [(f"{U}/a", "/opt")]),
    (f"curl {U}/a | tee /etc/k >/dev/null", [(f"{U}/a", "/etc/k")]),
    (f"cd /etc && curl {U}/a | gunzip | sort > k", [(f"{U}/a", "/etc/k")]),
    (f"curl {U}/a | sort", [(f"{U}/a", None)]),
    (f"curl {U}/a > k", [(f"{U}/a", "/w/k")]),
    (f'bash -c "$(curl -fsSL {U}/install.sh)"', [(f"{U}/install.sh", None)]),
    (f"bash <(curl -s {U}/i)", [(f"{U}/i", None)]),
    (f"sh -c 'curl -o /x {U}/a'", [(f"{U}/a", "/x")]),
    (f'["curl", "-o", "/x", "{U}/a b"]', []),
    (f'["curl", "-o", "/x", "{U}/a"]', [(f"{U}/a", "/x")]),
    (f'["/bin/bash", "-ec", "curl -O {U}/$E"]', [(f"{U}/env", "/w/env")]),
    (f"cd /tmp && wget -q {U}/a.zip && rm a.zip", [(f"{U}/a.zip", "/tmp/a.zip")]),
    (f"(cd /tmp; wget {U}/a); wget {U}/b", [(f"{U}/a", "/tmp/a"), (f"{U}/b", "/w/b")]),
    (f"wget -qO- {U}/a | sh", [(f"{U}/a", None)]),
    (f"wget -O - {U}/a | tar xJ", [(f"{U}/a", "/w")]),
    (f"wget --output-document=/x {U}/a", [(f"{U}/a", "/x")]),
    (f"wget -nv -P /d {U}/a {U}/b", [(f"{U}/a", "/d/a"), (f"{U}/b", "/d/b")]),
    (f"sudo -E curl -o /x {U}/a", [(f"{U}/a", "/x")]),
    (f"set -e; \\\n V=$A; \\\n # why\n curl -o /x \"{U}/v$V-${{V%.*}}\"", [(f"{U}/v1.2-1", "/x")]),
    (f"curl -o /x {U}/${{V:-d}}/${{A//./_}}", [(f"{U}/d/1_2", "/x")]),
    (f"V=1 W=$V && curl -o /x {U}/$W", [(f"{U}/1", "/x")]),
    (f"for f in a b; do curl -O {U}/$f; done", [(f"{U}/a", "/w/a"), (f"{U}/b", "/w/b")]),
    (f'case "$A" in 1.2) X=one;; *) X=two;; esac; curl -o /x {U}/$X', [(f"{U}/one", "/x")]),
    (f"if [ $A = 1.2 ]; then X=1; else X=2; fi; curl -o /x {U}/$X", [(f"{U}/1", "/x")]),
    (f"if x; then curl -o /x {U}/1; else curl -o /x {U}/2; fi",
     [(f"{U}/1", "/x"), (f"{U}/2", "/x")]),
    (f"f() {{ curl -o /x {U}/$V; }}; V=9; f", [(f"{U}/9", "/x")]),
    (f"<<EOF\ncurl -o /x {U}/$E\nEOF", [(f"{U}/env", "/x")]),
    (f"bash <<'EOF'\ncurl -o /x {U}/$E\nEOF", [(f"{U}/env", "/x")]),
    (f"<<EOF\n#!/usr/bin/env bash\ncurl -o /x {U}/a\nEOF", [(f"{U}/a", "/x")]),
    (f"curl -o /x {U}/a?b=c&d=e", [(f"{U}/a?b=c", "/x")]),
    (f"curl -o /x '{U}/a?b=c&d=e#f'", [(f"{U}/a?b=c&d=e", "/x")]),
    ("curl -o /x https://me:pass@example.org:8/a", [("https://example.org:8/a", "/x")]),
]  # fmt: skip

NOT_LITERAL = [
    f"curl {U}/$(uname -m)",
    f"curl {U}/`uname -m`",
    f"V=$(x); curl {U}/$V",
    f"curl {U}/$HOME",
    f"curl {U}/{{a,b}}",
    f"curl '{U}/[1-9]'",
    f"if x; then V=1; else V=2; fi; curl {U}/$V",
    f"V=1; x && V=2; curl {U}/$V",
    f"V=1; x || V=2; curl {U}/$V",
    f"V=1; . /etc/os-release; curl {U}/$V",
    f"V=1; read V; curl {U}/$V",
    f"V=1; while x; do V=2; done; curl {U}/$V",
    f"case $(x) in a) V=1;; b) V=2;; esac; curl {U}/$V",
    f"echo V=1 | export V=2; IFS=,; L=a,b; curl {U}/$L",
    f"curl -X POST {U}/a",
    f"curl -d @x {U}/a",
    f"curl -H 'Authorization: x' {U}/a",
    f"curl -I {U}/a",
    f"curl -u me {U}/a",
    f"curl -x {U}/proxy ftp://example.org/a",
    f"curl '{U}/a?token=abc'",
    f"curl '{U}/a?X-Amz-Signature=abc'",
    f"wget --header=x {U}/a",
    f"wget -r {U}/a",
    f"echo curl {U}/a",
    f"# curl {U}/a",
    f"true || curl {U}/a",
    f"curl 'unclosed {U}/a",
    f"cat <<EOF\ncurl {U}/a\nEOF",
    f"python3 <<EOF\ncurl {U}/a\nEOF",
    f"<<EOF\n#!/usr/bin/python3\ncurl {U}/a\nEOF",
    "curl file:///etc/passwd",
    "curl example.org",
    "curl https:///a",
    "curl https://example.org:99999/a",
]


@pytest.mark.parametrize(("script", "expected"), FETCHES, ids=[one for one, _ in FETCHES])
def test_what_a_run_fetches(script: str, expected: list[tuple[str, str | None]]) -> None:
    assert run(script) == expected


@pytest.mark.parametrize("script", NOT_LITERAL)
def test_what_is_no_plain_fetch_of_a_literal_address_is_left_out(script: str) -> None:
    assert run(script) == []


G = "https://example.org/r.git"
REPOSITORIES = [
    (f"git clone {G}", [(G, None, "/w/r")]),
    (f"git clone --depth=1 -b v1 {G} /src", [(G, "v1", "/src")]),
    (f"git clone --branch $A {G}/ x", [(f"{G}/", "1.2", "/w/x")]),
    (f"git -C /opt clone {G} && cd /opt/r && git checkout abc", [(G, "abc", "/opt/r")]),
    (f"git clone {G} && git -C r checkout -b mine origin/dev", [(G, "dev", "/w/r")]),
    (f"git clone {G} a && git clone {U}/s b && cd a && git reset --hard v2",
     [(G, "v2", "/w/a"), (f"{U}/s", None, "/w/b")]),
    (f"git init && git remote add origin {G} && git fetch --depth 1 origin v3", [(G, "v3", "/w")]),
    (f"git clone -b $(x) {G}", []),
    (f"git clone {G} && cd r && git checkout $(x)", []),
    ("git clone git@example.org:me/r.git", [("ssh://example.org/me/r.git", None, "/w/r")]),
    ("git clone /local/r", []),
    ("git clone file:///local/r", []),
    (f"pip install 'git+{G}@v1#egg=r'", [(G, "v1", None)]),
    (f"pip3.11 install --no-cache 'r @ git+{G}'", [(G, None, None)]),
    ("python3 -m pip install git+https://user:pw@example.org/r.git@v1", [(G, "v1", None)]),
    (f"npm install git+{G}#main", [(G, "main", None)]),
    (f"npm i 'git+{G}#semver:^1'", []),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), REPOSITORIES, ids=[one for one, _ in REPOSITORIES])
def test_the_repositories_that_a_run_takes_from(
    script: str, expected: list[tuple[str, str | None, str | None]]
) -> None:
    file = f"FROM scratch\nARG A=1.2\nWORKDIR /w\nRUN {script}\n"
    assert [(r.url, r.ref, r.target) for r in found(file)] == expected
    assert all(remote.kind is RemoteKind.GIT for remote in found(file))


ADDS = [
    (f"ADD {U}/a /x", [("add", f"{U}/a", None, "/x")]),
    (f"ADD {U}/d/a.tgz dir/", [("add", f"{U}/d/a.tgz", None, "/w/dir/a.tgz")]),
    (f"ADD --checksum=sha256:00 {U}/a .", [("add", f"{U}/a", None, "/w/a")]),
    (f'ADD ["{U}/a", "x", "{U}/b", "/d/"]',
     [("add", f"{U}/a", None, "/d/a"), ("add", f"{U}/b", None, "/d/b")]),
    (f"ADD {U}/$A/$E /x", [("add", f"{U}/1.2/env", None, "/x")]),
    (f"ADD {G}#v1:docs /r", [("git", G, "v1", "/r")]),
    (f"ADD {G} /r", [("git", G, None, "/r")]),
    ("ADD git@example.org:me/r.git#main /r", [("git", "ssh://example.org/me/r.git", "main", "/r")]),
    ("ADD local.tgz /x", []),
    ("ADD <<EOF /x\nhttps://example.org/a\nEOF", []),
    (f"COPY {U}/a /x", []),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), ADDS, ids=[one for one, _ in ADDS])
def test_what_is_added(line: str, expected: list[tuple[str, str, str | None, str | None]]) -> None:
    file = f"FROM scratch\nARG A=1.2\nENV E=env\nWORKDIR /w\n{line}\n"
    got = [(r.kind.value, r.url, r.ref, r.target) for r in found(file)]
    assert got == expected
    assert all(remote.line == 5 and remote.stage == "0" for remote in found(file))


def test_the_classic_builder_takes_a_repositorys_address_for_a_file() -> None:
    (remote,) = found(f"FROM scratch\nADD {G} /r/", builder="classic")
    assert (remote.kind, remote.url, remote.target) == (RemoteKind.ADD, G, "/r/r.git")


STAGES = f"""
FROM scratch AS common
ENV V=1
WORKDIR /c
FROM common AS used
RUN curl -O {U}/used-$V
FROM common AS unused
RUN curl -O {U}/unused
FROM common
COPY --from=used /c /c
ADD {U}/last .
"""


def test_the_stages_that_the_target_needs_are_read_with_what_they_stand_on() -> None:
    assert [(r.stage, r.line, r.url, r.target) for r in found(STAGES)] == [
        ("used", 6, f"{U}/used-1", "/c/used-1"),
        ("3", 11, f"{U}/last", "/c/last"),
    ]


BASED = f"""FROM base
ENV MADE=x$SET
ARG GIVEN
RUN curl -o rel {U}/$SET
RUN curl -o /x {U}/${{GIVEN:-d}}/$MADE
ADD {U}/$SET/$UNSET /x
ENV MADE=y
RUN curl -o /x {U}/$MADE
"""


def test_variables_that_a_base_may_set_are_known_only_where_the_base_is() -> None:
    assert [remote.url for remote in found(BASED)] == [f"{U}/y"]
    base = {"base": BaseSettings({"SET": "s"}, "/home")}
    known = remotes(parse(BASED.encode()), Build(), bases=base)
    assert [(remote.url, remote.target) for remote in known] == [
        (f"{U}/s", "/home/rel"),
        (f"{U}/d/xs", "/x"),
        (f"{U}/s/", "/x"),
        (f"{U}/y", "/x"),
    ]


def test_nothing_that_must_not_be_shown_is_given() -> None:
    file = f"FROM scratch\nARG T\nADD {U}/$T/a /x\nADD {U}/a /$T\nRUN git clone -b $T {G}\n"
    hidden = remotes(parse(file.encode()), Build({"T": "s3cret"}), hidden=lambda t: "s3cret" in t)
    assert [(remote.url, remote.target) for remote in hidden] == [(f"{U}/a", None)]


def test_a_shell_that_is_none_of_unix_is_not_read() -> None:
    assert found(f'FROM scratch\nSHELL ["powershell", "-c"]\nRUN curl -o /x {U}/a') == ()
    assert found(f'FROM scratch\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN curl {U}/a')


PIECES = st.sampled_from(
    r"""curl |wget |git |clone |checkout |-O |-o|-b |x|/|https://h/a|git@h:p|git+https://h/p@v| |&&|
||;|;;|\||&|(|)|{|}|{ |$(|${|`|'|"|$|$A|${A:-|${A//|\|<<E|<<-'E'|E|
|<|>|2>|<(|#|if |then |else |fi|case |in |esac|for |do |done|while |[[ |]]|[ |]|=|A=|f() |eval |
sh -c |cd |export |. f|!|*|((|))|$'|.git|é""".replace("||;", "OR;").split("|")
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60))
def test_any_script_has_an_answer_without_credentials(script: str) -> None:
    for prefix in ("RUN ", "ADD ", "RUN <<EOF\n"):
        content = f"FROM a\nARG A=b\n{prefix}{script}\nEOF\n".encode("utf-8", "surrogatepass")
        try:
            dockerfile = parse(content)
        except DockerfileError:
            continue
        for remote in remotes(dockerfile, Build()):
            assert remote.url.split("://")[0] in ("http", "https", "git", "ssh")
            assert "@" not in remote.url.split("://")[1].split("/")[0]
            assert remote.target is None or remote.target.startswith("/")


def test_large_hostile_scripts_are_read_in_time() -> None:
    started = time.process_time()
    for script in (
        "$(" * 5_000,
        "(" * 5_000,
        "${a:-" * 5_000,
        '"$(' * 5_000,
        "`" * 60_001,
        "if x; then " * 2_000,
        "for a in 1 2 3; do " * 50 + "x; " + "done; " * 50,
        "f() { f; f; }; f",
        "A=aaaaaaaa; " + "A=$A$A; " * 40 + "curl https://h/$A",
        "A=aaaaaaaa; " + "A=$A$A; " * 12 + "x $A$B" + " x$A" * 10_000,
        "x && " * 10_000 + "x",
        "A=1; " * 8_000,
        "case x in " + "a) ;; " * 9_000 + "esac",
        "curl " + "https://h/a " * 4_000,
        "cat <<A\n" * 2_000,
    ):
        found("FROM scratch\nRUN " + script.replace("<<", "<").replace("\n", " ") + "\n")
        found("FROM scratch\nRUN <<EOF\n" + script + "\nEOF\n")
    assert time.process_time() - started < 20
