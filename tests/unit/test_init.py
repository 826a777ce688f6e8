"""What `drift init` proposes loads as it is, whatever lies in the repository."""

from pathlib import Path

import pytest

from drift.config import Config, load
from drift.errors import ConfigError
from drift.init import propose


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _proposed(root: Path) -> tuple[Config, str]:
    text = propose(root)
    (root / "drift.toml").write_text(text)
    return load(root / "drift.toml", {}), text


def test_dockerfiles_are_found_and_vendored_ones_are_not(tmp_path: Path) -> None:
    names = [
        "a/Dockerfile",
        "b/A/Dockerfile",
        "api.Dockerfile",
        "c/Dockerfile.dev",
        "Containerfile",
    ]
    skipped = ["node_modules/x/Dockerfile", ".git/Dockerfile", "out/Dockerfile"]
    _write(tmp_path, dict.fromkeys([*names, *skipped], "FROM x\n") | {".gitignore": "out/\n"})
    config, text = _proposed(tmp_path)
    assert {str(Path(i.context) / i.dockerfile) for i in config.images} == set(names)
    assert len({image.name for image in config.images}) == len(names)
    assert "node_modules/" in text
    assert "out/" in text


def test_compose_entries_cover_their_dockerfiles(tmp_path: Path) -> None:
    compose = """
services:
  web:
    image: registry.example.org/web:${TAG:-prod}
    build:
      context: ./web
      target: runtime
      args: {PYTHON: 3.12, TOKEN: null, COST: "$$5", NEEDS: "${HERE}"}
      platforms: [linux/amd64, linux/arm64]
      shm_size: 64m
      extra_hosts: ["db=10.0.0.2"]
      ssh: [default]
  short: {build: web}
  gone: {build: "${NOWHERE}"}
  missing: {build: ./nothing}
  pulled: {image: postgres}
"""
    _write(tmp_path, {"web/Dockerfile": "FROM x\n", "compose.yaml": compose})
    config, text = _proposed(tmp_path)
    web, short = config.images
    assert (web.name, short.name) == ("web", "short")
    assert str(web.tags[0]) == "registry.example.org/web:prod"
    assert web.args == {"PYTHON": "3.12", "COST": "$5"}
    assert web.extra_hosts == ("db:10.0.0.2",)
    assert (web.target, web.shm_size, web.ssh) == ("runtime", 64 << 20, ("default",))
    assert "argument NEEDS left out: the variable HERE has no default" in text
    assert "argument TOKEN left out" in text
    assert "service gone" in text
    assert "service missing" in text


BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{'<<': [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "compose",
    [BOMB, MERGES, "a: &a [*a]", "[" * 5000, "!!python/object/apply:os.system [x]", "\t:", "- 1",
     "services: {x: {build: 5}, y: {build: {args: [[1]]}}, z: {build: {context: {a: b}}}}"],
)  # fmt: skip
def test_hostile_compose_files_are_skipped_with_a_reason(tmp_path: Path, compose: str) -> None:
    _write(tmp_path, {"app/Dockerfile": "FROM x\n", "docker-compose.yml": compose})
    config, _ = _proposed(tmp_path)
    assert [image.context for image in config.images] == ["app"]


def test_names_that_are_not_names_are_made_so(tmp_path: Path) -> None:
    odd = ['we"ird', "Ünï ${X}", "x" * 100, "x" * 100 + "y"]
    _write(tmp_path, {f"{name}/Dockerfile": "FROM x\n" for name in odd})
    config, _ = _proposed(tmp_path)
    assert {image.context for image in config.images} == set(odd)


def test_nothing_found_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found no Dockerfile") as caught:
        propose(tmp_path)
    assert caught.value.hint


def test_secrets_of_a_compose_file_are_taken_from_where_it_says(tmp_path: Path) -> None:
    compose = """
services:
  web:
    build:
      context: .
      secrets: [npmrc, {source: token, target: api}, gone, elsewhere, {uid: 1}, "bad id", [x]]
  same: {build: {context: ., secrets: [token, {source: npmrc, target: token}]}}
  bare: {build: {context: ., secrets: 7}}
secrets:
  npmrc: {file: ./conf/npmrc}
  token: {environment: TOKEN}
  elsewhere: {external: true}
  bad id: {file: x}
"""
    _write(tmp_path, {"deploy/Dockerfile": "FROM x\n", "deploy/compose.yaml": compose})
    (tmp_path / "deploy" / "conf").mkdir()
    (tmp_path / "deploy" / "conf" / "npmrc").write_text("")
    text = propose(tmp_path)
    (tmp_path / "drift.toml").write_text(text)
    config = load(tmp_path / "drift.toml", {})
    secrets = {secret.id: (secret.file, secret.env) for secret in config.images[0].secrets}
    assert secrets == {"npmrc": (tmp_path / "deploy/conf/npmrc", None), "api": (None, "TOKEN")}
    for left in ("gone", "elsewhere", "None", "bad id", "['x']"):
        assert f"# secret {left} left out: " in text


def test_what_drift_toml_cannot_say_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    build = "{context: ., labels: {a: b}, additional_contexts: {src: ../src}, no_cache: true}"
    (tmp_path / "compose.yaml").write_text(f"services: {{web: {{build: {build}}}}}\n")
    text = propose(tmp_path)
    assert "# additional_contexts left out: drift.toml has no such key\n" in text
    assert "# labels left out: drift.toml has no such key\n" in text
    assert "no_cache" not in text
