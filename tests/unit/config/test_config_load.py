"""The contract's file loads; every mistake is told, with its line, and no secret."""

import json
import tomllib
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.attribute.model import Kind, Origin, Status
from drift.config import Config, load
from drift.config.document import Flag
from drift.config.document import Kind as KindName
from drift.config.locate import Locator
from drift.config.naming import no_such_images
from drift.config.schema import config_schema
from drift.errors import ConfigError

FULL = """
[engine]
jobs = 2
timeout = "60m"
[store]
url = "sqlite:///.drift/drift.db"
[policy]
fail_on = ["external", "broken"]
[[accept]]
subject = "pkg:deb/debian/openssl"
until = 2026-12-31
[[image]]
name = "web"
revision = "main"
platform = "linux/amd64"
args = { PYTHON = "3.12" }
secrets = [{ id = "npmrc", file = "~/.npmrc" }, { id = "token", env = "TOKEN" }]
shm_size = "64m"
[upkeep]
build_cache = { unused = "14d", size = "20GB" }
until_free = "20%"
[smtp]
host = "mail.example.org"
user = "drift"
password = "${SMTP_PASSWORD}"
sender = "drift@example.org"
[[notify]]
mail = ["team@example.org"]
"""


def _load(root: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "drift.toml").write_text(text)
    return load(root / "drift.toml", environ or {})


def test_a_full_file_loads_and_conforms(tmp_path: Path) -> None:
    config = _load(tmp_path, FULL, {"SMTP_PASSWORD": "hunter22", "HOME": "/home/me"})
    image = config.images[0]
    assert config.store.url == f"sqlite:///{tmp_path}/.drift/drift.db"
    assert config.engine.timeout == 3600.0
    assert (image.context_path, image.shm_size) == (tmp_path, 64 << 20)
    assert image.secrets[0].file == Path("/home/me/.npmrc")
    assert config.masked == ("hunter22",)
    assert "hunter22" not in repr(config)
    document: dict[str, Any] = tomllib.loads(FULL)
    document["accept"][0]["until"] = str(document["accept"][0]["until"])
    jsonschema.Draft202012Validator.check_schema(config_schema())
    jsonschema.validate(document, config_schema())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[image]]\nname = "a"\ndockerfil = "x"', 3, 'unknown key; did you mean "dockerfile"?'),
        ('[[image]]\ncontext = "."', 1, "image[0].name: required key missing"),
        ('[[image]]\nname = "a"\n[[image]]\nname = "a"', 4, "expected a unique name"),
        ('[[image]]\nname = "a"\ncontext = "no"', 3, "found no directory"),
        ('[[image]]\nname = "a"\nsecrets = [\n{ id = "x" }]', 4, "exactly one of file and env"),
        ('[[image]]\nname = "A"', 2, "image[0].name: expected lower-case"),
        ('[[image]]\nname = "a"\npull = "allways"', 3, 'did you mean "always"?'),
        ('[[image]]\nname = "${X}"', 2, "environment variable X to be set"),
        ('[[image]]\nname = "a"\n[[notify]]\nmail = ["a@b.c"]', 4, "expected a table [smtp]"),
        ("x = [", 1, "not TOML"),
        ("", 1, "image: required key missing; expected tables, each headed [[image]]"),
        (
            '[image]\nname = "web"',
            1,
            "image: expected tables, each headed [[image]], found a table",
        ),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert f"drift.toml:{line}: " in caught.value.message
    assert words in caught.value.message


def test_all_mistakes_are_told_and_variables_are_masked(tmp_path: Path) -> None:
    text = '[engine]\njobs = "${SECRET}"\nhots = 1\n[[image]]\nname = 1\n'
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, {"SECRET": "s3"})
    assert caught.value.message.count("drift.toml:") == 3
    assert "s3" not in caught.value.message
    assert "found ***" in caught.value.message


@pytest.mark.parametrize("password", ["p@ss-word", "pass/word", "pa/ss@word"])
def test_a_store_password_that_is_not_quoted_is_refused(tmp_path: Path, password: str) -> None:
    """A part of it would be the host's name to the driver, and stand in its errors."""
    text = (
        '[[image]]\nname = "a"\n[store]\nurl = "postgresql://me:${PASSWORD}@db.example.org/drift"'
    )
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, {"PASSWORD": password})
    assert 'drift.toml:4: store.url: expected "%40" for an "@"' in caught.value.message
    assert "found ***" in caught.value.message
    assert _load(tmp_path, text, {"PASSWORD": "p%40ss%2Fword"}).store.url.endswith("/drift")


@pytest.mark.parametrize("pattern", ["!", "a\\", "# a comment", " ", "[b-a]", "[a", "a\nb", ""])
def test_an_ignore_rule_that_could_match_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    text = f'[[image]]\nname = "a"\n[[ignore]]\npath = {json.dumps(pattern)}'
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert "drift.toml:4: ignore[0].path: expected a pattern" in caught.value.message


@pytest.mark.parametrize(
    "pattern", ["*.pyc", "/var/log/**", "!/var/log/kept", "cache/", "[a-c]", "é"]
)
def test_ignore_rules_are_those_of_gitignore(tmp_path: Path, pattern: str) -> None:
    text = f'[[image]]\nname = "a"\n[[image.ignore]]\npath = {json.dumps(pattern)}'
    assert _load(tmp_path, text).images[0].ignore[0].path == pattern


def test_a_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "drift.toml", {})
    assert "drift init" in str(caught.value.hint)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert _load(tmp_path, '\ufeff[[image]]\r\nname = "web"\r\n').images[0].name == "web"


def test_a_name_that_no_image_has_is_told_with_what_is_near(tmp_path: Path) -> None:
    names = ["web", *(f"service-{number}" for number in range(99))]
    config = _load(tmp_path, "\n".join(f'[[image]]\nname = "{name}"' for name in names))
    error = no_such_images(["Webb", "nothing"], config)
    assert error.message == "no image is named 'Webb', 'nothing' in drift.toml"
    assert error.hint is not None
    assert error.hint.startswith("did you mean web? configured are: web, service-0, ")
    assert error.hint.endswith("service-18 and 80 more")


def test_the_words_are_those_of_the_verdict() -> None:
    assert set(get_args(Flag)) == {*Origin, *Status}
    assert set(get_args(KindName)) == set(Kind)


@given(st.lists(st.sampled_from(['"""\n[x]\n"""', "[1,\n{ b = 2 }]", "'#'", "1 # [y]"])))
def test_every_key_is_found_on_its_line(values: list[str]) -> None:
    text, lines = "[t]\n", []
    for index, value in enumerate(values):
        lines.append(text.count("\n") + 1)
        text += f'"k.{index}" = {value}\n'
    tomllib.loads(text)
    locator = Locator(text)
    assert [locator.line(("t", f"k.{i}")) for i in range(len(values))] == lines
