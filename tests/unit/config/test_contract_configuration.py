"""The contract's own drift.toml, word for word: all that it shows is accepted and means that."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from drift.config import Config, load
from drift.config.model import Accept, BuildCache, Engine, FreeSpace, Ignore, Policy, Secret
from drift.config.schema import config_schema
from drift.errors import ConfigError

CONTRACT = (Path(__file__).parent / "fixtures" / "contract.toml").read_text()
PASSWORD = "correct horse/battery"
ENVIRON = {"SMTP_PASSWORD": PASSWORD, "HOME": "/home/me"}
DAY = 86400.0


def written(root: Path, text: str) -> Path:
    """The text as a drift.toml whose image is there."""
    (root / "services" / "web").mkdir(parents=True)
    (root / "services" / "web" / "Dockerfile").write_text("FROM scratch AS runtime\n")
    (root / "drift.toml").write_text(text)
    return root / "drift.toml"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(written(tmp_path, CONTRACT), ENVIRON)


def test_it_conforms_to_the_published_schema() -> None:
    document: dict[str, Any] = tomllib.loads(CONTRACT)
    document["accept"][0]["until"] = str(document["accept"][0]["until"])
    jsonschema.validate(document, config_schema())


def test_every_key_that_the_schema_has_is_in_it_or_an_addition() -> None:
    """What is commented out counts; what drift adds is named here."""
    keys = {key for table in _tables(config_schema()) for key in table}
    added = {key for key in keys if not re.search(rf"\b{key}\b", CONTRACT)}
    assert added == {"keep_contexts", "attach"}


def _tables(schema: dict[str, Any]) -> list[dict[str, Any]]:
    described = [schema, *schema["$defs"].values()]
    return [table["properties"] for table in described if "properties" in table]


def test_engine_store_probe_and_report(config: Config, tmp_path: Path) -> None:
    assert config.engine == Engine("unix:///var/run/docker.sock", "auto", 2, 3600.0)
    assert config.store.url == f"sqlite:///{tmp_path}/.drift/drift.db"
    assert (config.store.keep_nights, config.store.keep_images) == (30, 2)
    assert (config.probe.enabled, config.probe.timeout) == (True, 20.0)
    report = config.report
    assert (report.directory, report.url) == (tmp_path / "reports", "https://…")
    assert (report.contents, report.keep) == (True, 365 * DAY)


def test_policy_accept_and_ignore(config: Config) -> None:
    assert config.policy == Policy(
        ("external", "unexplained", "broken"), ("package-index",), "previous"
    )
    openssl, version = "pkg:deb/debian/openssl", "3.0.17-1~deb12u3"
    reason = "security update, reviewed"
    assert config.accept == (Accept(openssl, version, date(2026, 12, 31), reason),)
    assert config.ignore == (Ignore("/var/log/**", "logs"),)


def test_the_image(config: Config, tmp_path: Path) -> None:
    (image,) = config.images
    assert (image.name, [str(tag) for tag in image.tags]) == ("web", ["registry/app:prod"])
    assert image.context_path == tmp_path / "services" / "web"
    assert image.revision is None, "a directory has none of its own"
    assert (image.dockerfile, image.target, str(image.platform)) == (
        "Dockerfile",
        "runtime",
        "linux/amd64",
    )
    assert (image.args, image.volatile_args) == ({"PYTHON": "3.12"}, ("TOKEN",))
    assert image.secrets == (
        Secret("npmrc", Path("/home/me/.npmrc"), None),
        Secret("token", None, "TOKEN"),
    )
    assert image.ssh == ("default",)
    assert (image.pull, image.control, image.network) == ("always", "auto", "default")
    assert (image.extra_hosts, image.shm_size) == (("db:10.0.0.2",), 64 << 20)


def test_upkeep(config: Config) -> None:
    upkeep = config.upkeep
    assert (upkeep.dangling, upkeep.images_unused, upkeep.keep_tags) == (True, 30 * DAY, 5)
    assert upkeep.containers_stopped == 7 * DAY
    assert upkeep.build_cache == BuildCache(14 * DAY, 20 << 30)
    assert upkeep.keep == ("postgres:*", "label:keep=*")
    assert upkeep.until_free == FreeSpace(percent=20.0)
    assert (upkeep.nightly, upkeep.upgrade, upkeep.watch) == (False, ("web-*",), 60.0)
    assert upkeep.discard == ("/run/**", "/var/run/**", "/tmp/**")
    assert upkeep.backup is False


def test_mail_notify_and_heartbeat(config: Config) -> None:
    smtp, (notify,) = config.smtp, config.notify
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.security) == ("mail.example.org", 587, "starttls")
    assert (smtp.user, smtp.password, smtp.sender) == ("drift", PASSWORD, "drift@example.org")
    assert (notify.mail, notify.webhook, notify.url) == (("team@example.org",), None, None)
    assert (notify.when, notify.images) == (("drift", "broken"), ("web-*",))
    assert notify.repeat is False
    assert config.heartbeat is not None
    assert config.heartbeat.url == "https://…"
    assert config.masked == (PASSWORD,)


def test_the_other_receivers_of_its_comments(tmp_path: Path) -> None:
    text = CONTRACT.replace('mail = ["team', '# mail = ["team')
    hook = text.replace('# webhook = "https://…"', 'webhook = "https://…"\nsecret = "${KEY}"')
    config = load(written(tmp_path, hook), {**ENVIRON, "KEY": "signing-key"})
    assert (config.notify[0].webhook, config.notify[0].secret) == ("https://…", "signing-key")
    (tmp_path / "drift.toml").write_text(text.replace('# url = "slack', 'url = "slack'))
    assert load(tmp_path / "drift.toml", ENVIRON).notify[0].url == "slack://…"


def test_what_it_calls_a_default_is_one(tmp_path: Path, config: Config) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "least.toml").write_text('[[image]]\nname = "web"\n')
    least = load(tmp_path / "least.toml", {})
    assert least.engine == replace(config.engine, host=None)
    assert least.store == replace(config.store, keep_contexts=least.store.keep_contexts)
    assert (least.probe, least.policy) == (config.probe, config.policy)
    assert least.report == replace(config.report, url=None)
    assert (least.images[0].context, least.images[0].context_path) == (".", tmp_path)
    assert (least.upkeep.discard, least.upkeep.watch) == (
        config.upkeep.discard,
        config.upkeep.watch,
    )
    upkeep = least.upkeep
    off = (upkeep.dangling, upkeep.nightly, upkeep.backup, upkeep.keep, upkeep.upgrade)
    assert off == (False, False, False, (), ())
    unset = (upkeep.images_unused, upkeep.keep_tags, upkeep.containers_stopped)
    assert (*unset, upkeep.build_cache, upkeep.until_free) == (None,) * 5


def test_a_variable_that_is_not_set_is_an_error_on_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, CONTRACT), {"SMTP_PASWORD": "x" * 9})
    line = CONTRACT[: CONTRACT.index("${SMTP_PASSWORD}")].count("\n") + 1
    assert f"drift.toml:{line}: smtp.password: " in caught.value.message
    assert "SMTP_PASSWORD" in caught.value.message


KEYS = [
    (number, match[1])
    for number, line in enumerate(CONTRACT.splitlines(), start=1)
    if (match := re.match(r"([a-z_]+) = ", line))
]


@pytest.mark.parametrize(("line", "key"), KEYS)
def test_each_key_misspelt_is_found_on_its_line(tmp_path: Path, line: int, key: str) -> None:
    lines = CONTRACT.splitlines()
    lines[line - 1] = lines[line - 1].replace(key, f"{key}x", 1)
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "\n".join(lines)), ENVIRON)
    assert f"drift.toml:{line}: " in caught.value.message
    assert f'unknown key; did you mean "{key}"?' in caught.value.message


@pytest.mark.parametrize(("line", "key"), KEYS)
def test_each_key_of_a_wrong_type_is_found_on_its_line(tmp_path: Path, line: int, key: str) -> None:
    lines = CONTRACT.splitlines()
    lines[line - 1] = f"{key} = 1979-05-27T07:32:00Z"
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "\n".join(lines)), ENVIRON)
    told = next(said for said in caught.value.message.splitlines() if f":{line}: " in said)
    assert f"{key}: expected " in told
    assert "found 1979-05-27T07:32:00+00:00" in told
    assert PASSWORD not in caught.value.message
