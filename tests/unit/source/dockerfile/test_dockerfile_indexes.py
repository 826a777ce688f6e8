"""Which indexes pip and npm are read to ask, and for which names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.source.dockerfile.model import DockerfileError
from drift.source.dockerfile.parse import parse
from drift.source.dockerfile.remotes import BaseSettings, remotes
from drift.source.dockerfile.stages import Build

PYPI = "https://pypi.org/simple"
NPM = "https://registry.npmjs.org"
OWN = "https://i.example/simple"


def found(body: str, **environment: str) -> list[str]:
    """The pages that the instructions on a known base ask."""
    dockerfile = parse(f"FROM base\n{body}\n".encode())
    known = {"base": BaseSettings(environment)}
    return [one.url for one in remotes(dockerfile, Build(), bases=known) if one.kind.is_index]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("pip install flask", ["flask"]),
        ("pip3 install --no-cache-dir 'Flask[async]>=2,<4' zope.interface Foo__Bar==1", [
            "flask", "zope-interface", "foo-bar"]),
        ("python3.12 -m pip install -U 'a; python_version>\"3\"'", ["a"]),
        ("/venv/bin/pip --no-input install -r reqs.txt -c limits.txt b", ["b"]),
        ("pip install -t /x --prefix /y -e ./src --no-binary :all: c~=1.0", ["c"]),
        ("pip install . ./d e.whl f.tar.gz https://h/g 'h @ https://h/h' git+https://h/i", []),
        ("pip install $UNKNOWN `cat names` \"$(names)\"", []),
        ("pip download j && pip wheel k && pip list", []),
        ("pip install --no-index l", []),
        ("pip config set global.index-url https://h && pip install m", []),
        ("pip install --extra-index-url https://h n", ["n"]),
    ],
)  # fmt: skip
def test_the_names_that_pip_asks_for(command: str, names: list[str]) -> None:
    assert found(f"RUN {command}") == [f"{PYPI}/{name}/" for name in names]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("npm install express", ["express"]),
        ("npm i -g npm@10 @babel/core@^7.0.0", ["npm", "@babel%2fcore"]),
        ("npm --loglevel error add --omit dev a b@'>=1 <2' c@next", ["a", "b", "c"]),
        ("npm install own@npm:@s/real@1", ["@s%2freal"]),
        ("npm install ./a ../b /c d.tgz user/repo github:u/r https://h/x git+https://h/y", []),
        ("npm install", []),
        ("npm ci && npm run build && npm test", []),
        ("npm config set registry https://h && npm install a", []),
        ("npm install --userconfig /run/npmrc a", []),
        ("npm install --@s:registry=https://h @s/a b", ["b"]),
    ],
)
def test_the_names_that_npm_asks_for(command: str, names: list[str]) -> None:
    assert found(f"RUN {command}") == [f"{NPM}/{name}" for name in names]


@pytest.mark.parametrize(
    ("body", "pages"),
    [
        (f"RUN pip install -i {OWN} a", [f"{OWN}/a/"]),
        (f"RUN pip install --index-url={OWN}/ a", [f"{OWN}/a/"]),
        (f"ENV PIP_INDEX_URL={OWN}\nRUN pip install a", [f"{OWN}/a/"]),
        (f"ARG I={OWN}\nRUN pip install -i $I a", [f"{OWN}/a/"]),
        (f"RUN PIP_INDEX_URL={OWN} pip install a", [f"{OWN}/a/"]),
        (f"RUN env PIP_INDEX_URL={OWN} pip install a", [f"{OWN}/a/"]),
        (f"RUN export PIP_INDEX_URL={OWN} && pip install a", [f"{OWN}/a/"]),
        ("RUN export PIP_INDEX_URL=$(cat url) && pip install a", []),
        ("RUN pip install -i https://u:p@i.example/simple a", []),
        ("RUN pip install -i https://i.example/?token=x a", []),
        ("ENV PIP_CONFIG_FILE=/p.conf\nRUN pip install a", []),
        (f"RUN npm i --registry {OWN} a", [f"{OWN}/a"]),
        (f"ENV npm_config_registry={OWN}\nRUN npm i a", [f"{OWN}/a"]),
        (f"ENV NPM_CONFIG_REGISTRY={OWN}\nRUN npm i a", [f"{OWN}/a"]),
        (f"ENV NPM_CONFIG_REGISTRY=https://h npm_config_registry={OWN}\nRUN npm i a", []),
        ("RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm i a", []),
        ("RUN --mount=type=cache,target=/root/.cache pip install a", [f"{PYPI}/a/"]),
        ('RUN ["pip", "install", "a"]', [f"{PYPI}/a/"]),
    ],
)
def test_which_index_is_asked(body: str, pages: list[str]) -> None:
    assert found(body) == pages


def test_what_a_base_may_set_is_not_guessed() -> None:
    dockerfile = parse(f"FROM other\nRUN pip install a\nRUN pip install -i {OWN} b\n".encode())
    assert [one.url for one in remotes(dockerfile, Build())] == [f"{OWN}/b/"]
    assert found("RUN pip install a", PIP_INDEX_URL=OWN) == [f"{OWN}/a/"]


def test_an_index_is_tied_to_its_instruction_and_package() -> None:
    (remote,) = remotes(
        parse(b"FROM base\nRUN true\nRUN pip install Ab_c"),
        Build(),
        bases={"base": BaseSettings()},
    )
    assert (remote.kind.value, remote.stage, remote.line, remote.ref) == ("pypi", "0", 3, "ab-c")


WORDS = r"install i -r -i --registry https://u:p@h/x a @s/b c==1 d@1 $V ; && ' pip npm"
PIECES = st.sampled_from(re.split(" ", WORDS))


@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map(" ".join))
def test_any_command_has_an_answer_without_credentials(command: str) -> None:
    for tool in ("pip install ", "npm install "):
        content = f"RUN {tool}{command}".replace("\n", " ").encode("utf-8", "replace")
        try:
            dockerfile = parse(b"FROM base\n" + content)
        except DockerfileError:
            continue
        for one in remotes(dockerfile, Build(), bases={"base": BaseSettings()}):
            assert "@h/" not in one.url
            if one.kind.is_index:
                assert re.fullmatch(r"https?://[^\s?#]+", one.url)
