"""Values of what has a secret name are in no document; everything else stays as it was."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.compare.model import ConfigChange
from drift.report.confidential import looks_secret, without_settings, without_values
from drift.report.document import image_document
from drift.report.results import Exhibits
from drift.snapshot.model import Instruction
from support import report_samples as samples

SECRET = ["PASSWORD", "DB_PASSWORD", "npmToken", "api-key", "AWS_SECRET_ACCESS_KEY",
          "client.secret", "SSH_PRIVATE_KEY", "MYSQL_PWD", "deploy_key", "GITHUB_PAT",
          "authToken"]  # fmt: skip
PLAIN = ["PATH", "AUTHOR", "PASSENGER_VERSION", "KEYBOARD", "MONKEY", "TOKENIZERS_FILE", "LANG",
         "SSL_PUBLIC_KEY", "GPG_KEY_ID", "PATTERN", "AWS_ACCESS_KEY_ID"]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_what_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_what_does_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ENV DB_PASSWORD=hunter2 LANG=C", "ENV DB_PASSWORD=*** LANG=C"),
        ("ENV DB_PASSWORD hunter two", "ENV DB_PASSWORD ***"),
        ('ARG TOKEN="hunter \\" two" X=1', "ARG TOKEN=*** X=1"),
        ("ARG TOKEN='hunter two'", "ARG TOKEN=***"),
        ("ARG TOKEN", "ARG TOKEN"),
        ("ENV TOKEN=$TOKEN A=${SECRET}", "ENV TOKEN=$TOKEN A=${SECRET}"),
        ("RUN API_KEY=hunter2 make", "RUN API_KEY=*** make"),
        ("RUN tool --password hunter2 --verbose", "RUN tool --password *** --verbose"),
        ("RUN tool --password=hunter2", "RUN tool --password=***"),
        ("|1 TOKEN=hunter2 /bin/sh -c make", "|1 TOKEN=*** /bin/sh -c make"),
        ("/bin/sh -c #(nop)  ENV TOKEN=hunter2", "/bin/sh -c #(nop)  ENV TOKEN=***"),
        ('ENV TOKEN="hunter2', "ENV TOKEN=***"),
        ("RUN --mount=type=secret,id=token cat", "RUN --mount=type=secret,id=token cat"),
        ("ENV A=1 \\\n    TOKEN=hunter2 \\\n    B=2", "ENV A=1 \\\n    TOKEN=*** \\\n    B=2"),
    ],
)
def test_a_dockerfiles_lines(text: str, shown: str) -> None:
    assert without_values(text) == shown


@given(st.sampled_from(SECRET), st.from_regex(r"[A-Za-z0-9+/]{8,40}", fullmatch=True))
def test_no_assigned_value_survives(name: str, value: str) -> None:
    for form in ("ENV {}={}", "RUN x && {}={} y", 'LABEL a=b {}="{}"', "ARG {}='{}'"):
        assert value not in without_values(form.format(name, value))
    for form in (
        "{}: {}",
        "{} = {}",
        "-{} = {}",
        "-{}: {}",
        "-{} ={}",
        '"{}": "{}",',
        "+export {}={}",
    ):
        assert value not in without_settings(form.format(name, value))


@given(st.text(max_size=300))
def test_text_without_secret_names_stays(text: str) -> None:
    plain = re.sub("[^ a-z]", " ", text.lower())
    assert without_values(f"RUN echo {plain}") == f"RUN echo {plain}"
    assert without_settings(f"LANG={plain}\nuser: {plain}") == f"LANG={plain}\nuser: {plain}"


def test_nothing_of_a_document_has_them() -> None:
    result = samples.drifted()
    assert result.comparison is not None
    config = (
        ConfigChange("Env.DB_PASSWORD", "hunter2", "hunter2b"),
        ConfigChange("Labels", {"api_key": "hunter2"}, {"plain": "x"}),
        ConfigChange("Cmd", ["run", "--token=hunter2"], None),
    )
    instruction = Instruction("0", 2, "ENV API_TOKEN=hunter2")
    reasons = result.attribution
    assert reasons is not None
    causes = tuple(
        dataclasses.replace(cause, instruction=instruction, evidence=("API_TOKEN=hunter2",))
        for cause in reasons.causes
    )
    shown = dataclasses.replace(
        result,
        comparison=dataclasses.replace(result.comparison, config=config),
        attribution=dataclasses.replace(reasons, causes=causes),
        exhibits=Exhibits("Dockerfile", b"FROM x\nENV API_TOKEN=hunter2\n"),
        notes=("built with API_TOKEN=hunter2",),
    )
    document = image_document(shown)
    assert "hunter2" not in json.dumps(document)
    assert [change["field"] for change in document["config"]] == [
        "Env.DB_PASSWORD",
        "Labels",
        "Cmd",
    ]
