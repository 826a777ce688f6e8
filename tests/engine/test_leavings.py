from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime

import docker
import pytest

from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.engine.leavings import Cleanup
from support.registry import push


@pytest.fixture(scope="module")
def engine(engine_host: str) -> Iterator[Engine]:
    with Engine.connect(engine_host) as engine:
        yield engine


def _context(base: str, *lines: str) -> bytes:
    dockerfile = "\n".join([f"FROM {base}", *lines, ""]).encode()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        archive.addfile(member, io.BytesIO(dockerfile))
    return target.getvalue()


def _build(api: docker.APIClient, context: bytes, tag: str, version: str) -> list[dict[str, str]]:
    answer = api.post(
        f"{api.base_url}/v{api.api_version}/build",
        params={"version": version, "t": tag, "nocache": "1", "networkmode": "host", "rm": "1"},
        data=context,
        headers={"Content-Type": "application/x-tar"},
    )
    messages = [json.loads(line) for line in answer.text.splitlines() if line.strip()]
    assert not [message for message in messages if "error" in message]
    return messages


def test_the_classic_builders_stages_go_and_the_image_stays(
    engine: Engine, api: docker.APIClient, base_image: str
) -> None:
    lines = ("RUN echo one > /x", "LABEL a=b", f"FROM {base_image}", "COPY --from=0 /x /x")
    reference = own_reference("leavings", "classic")
    began_at = datetime.now(UTC)
    messages = _build(api, _context(base_image, *lines), reference, "1")
    seen = [
        word
        for message in messages
        for word in message.get("stream", "").split()
        if len(word) == 12 and not set(word) - set("0123456789abcdef")
    ]
    result = engine.inspect(reference)
    assert result is not None
    before = {str(image) for image in api.images(quiet=True, all=True)}

    assert engine.remove_nameless_images(seen, datetime.now(UTC)).removed == ()  # made before

    cleanup = engine.remove_nameless_images(seen, began_at)

    gone = before - {str(image) for image in api.images(quiet=True, all=True)}
    assert len(gone) >= 2  # the first stage's two steps
    assert all(any(image.startswith(f"sha256:{one}") for one in seen) for image in gone)
    assert cleanup.removed
    assert engine.inspect(reference) == result
    assert engine.inspect(base_image) is not None
    engine.remove(reference)


def test_buildkits_new_records_go_and_older_ones_stay(
    engine: Engine, api: docker.APIClient, base_image: str
) -> None:
    foreign = own_reference("leavings", "foreign")
    _build(api, _context(base_image, "RUN echo theirs > /theirs"), foreign, "2")
    before = engine.cache_records()
    reference = own_reference("leavings", "buildkit")
    started = datetime.now(UTC)
    _build(api, _context(base_image, "RUN echo ours > /ours"), reference, "2")
    window = (started, datetime.now(UTC))
    new = set(engine.cache_records()) - set(before)
    assert new

    cleanup = engine.prune_own_cache(before, [window], ["[2/2] RUN echo ours > /ours"])

    after = engine.cache_records()
    left = [record.description for record in after.values()]
    assert cleanup.removed
    assert not set(cleanup.removed) & set(before)
    assert not [one for one in left if "echo ours" in one]
    assert [one for one in left if "echo theirs" in one]
    engine.remove(reference)
    engine.remove(foreign)
    engine.prune_own_cache(
        set(before) - {key for key, r in before.items() if "echo theirs" in r.description},
        [(datetime.min.replace(tzinfo=UTC), window[1])],
        ["RUN echo theirs > /theirs"],
    )


def test_a_base_that_was_superseded_goes_when_no_tag_names_it(
    engine: Engine, api: docker.APIClient, base_image: str, registry: str
) -> None:
    reference = f"{registry}/base/moving:1"
    old_name, new_name = own_reference("leavings", "old"), own_reference("leavings", "new")
    for name in (old_name, new_name):
        _build(api, _context(base_image, f"LABEL which={name}"), name, "1")
    push(api, old_name, reference)
    old = engine.pull(reference, None, "always")
    engine.remove(old_name)
    assert engine.remove_superseded_bases([old.image_id]).removed == ()
    push(api, new_name, reference)
    engine.remove(new_name)
    new = engine.pull(reference, None, "always")
    assert new.image_id != old.image_id

    cleanup = engine.remove_superseded_bases([old.image_id, new.image_id])

    assert cleanup.removed == (old.image_id,)
    assert cleanup.kept == {}
    assert engine.inspect(new.image_id) is not None
    assert engine.inspect(old.image_id) is None
    assert engine.remove_superseded_bases([old.image_id]).kept == {}


def test_a_superseded_base_that_something_of_others_uses_stays_without_a_word(
    engine: Engine, api: docker.APIClient, base_image: str
) -> None:
    names = "127.0.0.1/base/used:1", "127.0.0.1/base/child:1"
    _build(api, _context(base_image, "LABEL which=used"), names[0], "1")
    _build(api, _context(names[0], "LABEL which=child"), names[1], "1")
    used = str(api.inspect_image(names[0])["Id"])
    try:
        api.remove_image(names[0], noprune=True)
        assert engine.remove_superseded_bases([used]) == Cleanup()
        assert engine.inspect(used) is not None
    finally:
        api.remove_image(names[1])
