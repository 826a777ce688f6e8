"""Values that came from variables are hidden, and what is no text stays what it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from drift.attribute.model import Status
from drift.masking import Mask
from drift.nightly.hidden import hidden_config, hidden_inputs, hidden_instruction, hidden_result
from drift.oci import Digest, ImageConfig
from drift.report.results import ImageResult
from drift.snapshot.model import Instruction
from drift.source.model import Base, EngineIdentity, Inputs, RepoSide
from support.images import config_of, file, tar

LAYER = tar([file("a")])
SECRET = "s3cr3t-value"


def config() -> ImageConfig:
    document = json.loads(
        config_of(
            [LAYER],
            {"Env": [f"TOKEN={SECRET}"], "Labels": {SECRET: SECRET}, "ArgsEscaped": True},
        )
    )
    document["history"] = [
        {"created_by": f"RUN |1 TOKEN={SECRET} /bin/sh -c x", "empty_layer": False}
    ]
    return ImageConfig.parse(json.dumps(document).encode())


def test_a_value_is_nowhere_in_a_configuration() -> None:
    hidden = hidden_config(config(), Mask([SECRET]))
    assert SECRET not in json.dumps(hidden.raw)
    assert hidden.history[0].created_by == "RUN |1 TOKEN=*** /bin/sh -c x"


@pytest.mark.parametrize(
    "value", ["true", "false", "sha256", "rootfs", "config", "Labels", "history", "linux", "amd64"]
)
def test_a_value_that_looks_like_the_document_leaves_it_whole(value: str) -> None:
    hidden = hidden_config(config(), Mask([value]))
    assert (hidden.diff_ids, hidden.platform) == (config().diff_ids, config().platform)
    assert hidden.settings["ArgsEscaped"] is True


def test_a_value_within_a_digest_leaves_the_digest() -> None:
    digits = config().diff_ids[0].encoded[10:14]
    assert hidden_config(config(), Mask([digits])).diff_ids == config().diff_ids


def test_instructions_and_references_lose_the_value() -> None:
    mask = Mask([SECRET])
    instruction = hidden_instruction(Instruction("0", 1, f"RUN {SECRET}"), mask)
    assert instruction == Instruction("0", 1, "RUN ***")
    assert hidden_instruction(None, mask) is None
    base = Base(f"example.org/{SECRET}/app:1", Digest.of(b"id"))
    repo = RepoSide(Digest.of(b"context"), Digest.of(b"FROM"))
    inputs = Inputs(repo, (base,), EngineIdentity("docker", "1", "1", "classic", "linux/amd64"))
    assert hidden_inputs(inputs, mask).bases[0].reference == "example.org/***/app:1"


def test_sentences_of_a_result_lose_the_value() -> None:
    notes = (f"git could not read /srv/{SECRET}/app", "nothing to hide")
    result = ImageResult("app", Status.UNKNOWN, False, error=f"no {SECRET}", notes=notes)
    hidden = hidden_result(result, Mask([SECRET]))
    assert (hidden.error, hidden.notes) == ("no ***", ("git could not read /srv/***/app", notes[1]))
    assert hidden_result(replace(result, error=None), Mask([SECRET])).error is None
